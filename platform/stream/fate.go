package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// fate is what became of a transaction.
type fate int

const (
	fateUnknown   fate = iota // neither success nor abort may be assumed
	fateCommitted             // the outputs can be read and the offsets stand
	fateAborted               // neither will ever be seen
)

// Reasons for which a session ends or a transaction is made again.
var (
	errTaskLost     = errors.New("a task was lost while its results were in the transaction")
	errOwnerChanged = errors.New("this member no longer owns the role's partitions")
	errForgotten    = errors.New("the group had put this member out, others may have had its tasks since")
	errUnknown      = errors.New("the transaction's outcome is unknown")
)

// OperatorError is an error that no retry mends. Run returns it.
type OperatorError struct {
	Advice string // what to look at
	Err    error
}

func (e *OperatorError) Error() string { return fmt.Sprintf("%v (%s)", e.Err, e.Advice) }

func (e *OperatorError) Unwrap() error { return e.Err }

const sameInstance = "another process has taken this one's place: DOUSTREAM_INSTANCE_ID must differ between instances that run at once"

// forOperator wraps err when it needs one, and returns nil when it may pass.
func forOperator(err error) error {
	var already *OperatorError
	if errors.As(err, &already) {
		return err
	}
	advice := map[*kerr.Error]string{
		kerr.FencedInstanceID:                   sameInstance,
		kerr.TopicAuthorizationFailed:           "missing rights on a topic",
		kerr.GroupAuthorizationFailed:           "missing rights on the group",
		kerr.TransactionalIDAuthorizationFailed: "missing rights on the transactional id",
		kerr.ClusterAuthorizationFailed:         "missing rights on the cluster",
		kerr.SaslAuthenticationFailed:           "wrong credentials",
		kerr.UnsupportedSaslMechanism:           "wrong SASL mechanism",
		kerr.InconsistentGroupProtocol:          "the group is used by members of another kind",
		kerr.InvalidSessionTimeout:              "the brokers do not allow this session time-out",
		kerr.InvalidTransactionTimeout:          "the brokers do not allow this transaction time-out",
		kerr.MessageTooLarge:                    "an output is larger than its topic takes",
		kerr.UnsupportedVersion:                 "the brokers are too old",
	}
	for code, text := range advice {
		if errors.Is(err, code) {
			return &OperatorError{Advice: text, Err: err}
		}
	}
	return nil
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
