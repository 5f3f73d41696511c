package embedded

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// KafkaUnheard strikes the commit of a transaction: it is carried out, and whoever asked for it does not hear so.
type KafkaUnheard struct {
	// TxnPrefix is how the TransactionalIDs begin that it strikes; empty: all.
	TxnPrefix string
	// Count is how many commits it strikes. Default 1.
	Count int
	// For is how long commits are struck from now on. Default a second.
	For time.Duration
	// CutOff closes the connection, so that a client asks again and is told; otherwise the answer is REQUEST_TIMED_OUT.
	CutOff bool
}

// unheardCommit is one such fault under way.
type unheardCommit struct {
	KafkaUnheard
	cluster  *kfake.Cluster
	until    time.Time
	left     atomic.Int64
	carrying atomic.Int64 // commits that it carries out itself, and lets pass
}

// carryOutLimit is how long a commit may take that a fault carries out.
const carryOutLimit = 5 * time.Second

var errCutOff = errors.New("cut off behind the commit")

// unheard lets a fault strike commits from now on.
func (k *Kafka) unheard(f KafkaUnheard) error {
	if k.users {
		return errors.New("make fault: a commit cannot be carried out for a client where a password is asked for")
	}
	if f.For == 0 {
		f.For = time.Second
	}
	u := &unheardCommit{KafkaUnheard: f, cluster: k.Cluster, until: time.Now().Add(f.For)}
	u.left.Store(int64(max(f.Count, 1)))
	k.Cluster.ControlKey(kmsg.EndTxn.Int16(), u.strike)
	return nil
}

// strike is asked at each end of a transaction. It is asked again, while it sleeps, for the one that it carries out.
func (u *unheardCommit) strike(req kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
	u.cluster.KeepControl()
	end, ok := req.(*kmsg.EndTxnRequest)
	if u.carrying.Load() > 0 {
		return nil, nil, false
	}
	if time.Now().After(u.until) || u.left.Load() <= 0 {
		u.cluster.DropControl()
		return nil, nil, false
	}
	if !ok || !end.Commit || !strings.HasPrefix(end.TransactionalID, u.TxnPrefix) {
		return nil, nil, false
	}
	u.left.Add(-1)
	u.carrying.Add(1)
	done := false
	u.cluster.SleepControl(func() {
		defer u.carrying.Add(-1)
		done = u.carryOut(*end)
	})
	if !done {
		return nil, nil, false // the client's own request is the one that counts
	}
	if u.CutOff {
		return nil, errCutOff, true
	}
	answer := end.ResponseKind().(*kmsg.EndTxnResponse)
	answer.ErrorCode = kerr.RequestTimedOut.Code
	return answer, nil, true
}

// carryOut sends the commit in its client's name, in the version in which it came, and reports whether it was answered
// with success.
func (u *unheardCommit) carryOut(end kmsg.EndTxnRequest) bool {
	ctx, cancel := context.WithTimeout(context.Background(), carryOutLimit)
	defer cancel()
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(kmsg.EndTxn.Int16(), end.Version)
	cl, err := kgo.NewClient(kgo.SeedBrokers(u.cluster.ListenAddrs()...), kgo.MaxVersions(versions))
	if err != nil {
		return false
	}
	defer cl.Close()
	answer, err := end.RequestWith(ctx, cl)
	return err == nil && answer.ErrorCode == 0
}
