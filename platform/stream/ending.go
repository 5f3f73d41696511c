package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// commit ends the transaction with success, if the broker agrees. Any answer
// but a plain yes or a plain no leaves the outcome unknown.
func (r *round) commit(ctx context.Context) (fate, error) {
	err := r.client.EndTransaction(ctx, kgo.TryCommit)
	switch {
	case err == nil:
		return fateCommitted, nil
	case errors.Is(err, kerr.OperationNotAttempted), errors.Is(err, kerr.TransactionAbortable):
		return r.abort(ctx, err)
	}
	return fateUnknown, r.ending(fmt.Errorf("%w: end transaction: %w", errUnknown, err))
}

// abort ends the transaction without success. No commit was asked for, so that
// an abort that is not answered is an abort all the same, by the next
// InitProducerID or by its time-out; but this producer cannot go on.
func (r *round) abort(ctx context.Context, reason error) (fate, error) {
	if forOperator(reason) != nil {
		return fateUnknown, reason
	}
	if err := r.client.AbortBufferedRecords(ctx); err != nil {
		return fateUnknown, r.ending(fmt.Errorf("abort buffered records: %w, after: %w", err, reason))
	}
	err := r.client.EndTransaction(ctx, kgo.TryAbort)
	if err != nil {
		err = r.client.EndTransaction(ctx, kgo.TryAbort) // the client then reloads its producer id, which aborts
	}
	if err != nil || fenced(reason) {
		return fateUnknown, r.ending(errors.Join(reason, err))
	}
	return fateAborted, reason
}

// ending decides what a producer's end means. Fenced within the transaction's
// time-out, it was fenced by somebody who uses the same TransactionalID; after
// it, by the coordinator, since this process stood still for too long. Under
// SingleOwner the successor fences its predecessor, and that is as it should be.
func (r *round) ending(err error) error {
	if !fenced(err) || r.session.cfg.Layout == SingleOwner || r.late() || r.stalled {
		return err
	}
	return &OperatorError{Advice: sameInstance, Err: err}
}

func fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)
}
