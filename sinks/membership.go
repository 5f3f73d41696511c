package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errForgotten: what this instance holds was given to a member that it is not any
// more. The client joins again under the id that it has; a group that has put it
// out meanwhile, since it stood still, does not know that id, and the client takes
// a new one without a word about what it holds: that seems to have stayed. Others
// may have had it, and the new membership is good for the coordinator. So nothing
// of the old one is committed, no lease is kept by it, and with the next
// assignment the group is joined anew, with a new client.
var errForgotten = errors.New("the group had put this member out, others may have had its partitions since")

// forgotten reports whether a partition is held that was given to another member
// than the client is now.
func (s *ClickHouse) forgotten(member string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.partitions {
		if p.member != member {
			return true
		}
	}
	return false
}

// membership joins the group and fills the tables until ctx ends, or until the
// membership is found to be another one; its error is errForgotten then.
func (s *ClickHouse) membership(ctx context.Context) error {
	member, forget := context.WithCancelCause(ctx)
	defer forget(nil)
	s.lease = newLease(s.cfg.SessionTimeout, time.Now)
	// A client joins its group while it is still being made: partitions that are
	// given meanwhile wait, for they use it.
	s.mu.Lock()
	s.joined, s.forget = false, forget
	client, err := kgo.NewClient(s.clientOptions()...)
	s.client = client
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start ClickHouse sink: %w", err)
	}
	leasing, stopLeasing := context.WithCancel(context.WithoutCancel(ctx))
	var keeper sync.WaitGroup
	keeper.Go(func() { s.lease.keep(leasing, s.heartbeat) })

	s.poll(member)
	// What is under way is finished while we are a member still; then we leave.
	s.release(s.all(), s.drainTimeout(client))
	client.CloseAllowingRebalance()
	stopLeasing()
	keeper.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(member)
}

// drainTimeout is how long a partition that is handed over has for what it has
// begun: none, where that would be refused.
func (s *ClickHouse) drainTimeout(client *kgo.Client) time.Duration {
	if member, _ := client.GroupMetadata(); s.forgotten(member) {
		return 0
	}
	return s.cfg.DrainTimeout
}
