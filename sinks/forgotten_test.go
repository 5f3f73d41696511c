package sinks

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream/streamtest"
)

// I2, I5: an instance stands still just as it is about to join again, for longer
// than its session. The group has forgotten it, and the client joins as a new
// member without a word about its partitions, which another had meanwhile: what
// it still holds of them is not for it to announce or to insert.
func TestI5AMemberThatIsForgottenWhileItJoins(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]bool{"the other owner goes on": false, "the other owner has left": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			wire := streamtest.NewWire()
			var joins atomic.Bool
			sleeper := w.config()
			sleeper.Connect = append(sleeper.Connect, kgo.ClientID("sink-member"), kgo.Dialer(wire.Kafka((&net.Dialer{}).DialContext)))
			sleeper.BlockAge = 2 * time.Second // it holds records that it has announced to nobody
			first, _ := w.run(sleeper)
			t.Cleanup(func() { wire.Thaw() })
			until(t, "the sleeper's partitions", func() bool { return first.Ready() == nil })
			w.produce(w.users(20, 0)...)
			w.once(20)
			until(t, "the first commit", func() bool { return w.committed() == 20 })
			first.keepsNoOldLease(t)
			wire.Watch(func(q streamtest.Request) streamtest.Verdict {
				if q.Key == int16(kmsg.JoinGroup) && joins.CompareAndSwap(false, true) {
					return streamtest.StopBefore
				}
				return streamtest.Pass
			})
			w.produce(w.users(30, 0)...)
			_, stop := w.run(w.config())
			until(t, "the sleeper's next join", joins.Load)
			w.produce(w.users(50, 0)...)
			w.once(100)
			if left {
				stop()
			}
			wire.Thaw()
			until(t, "the sleeper's return", func() bool { return w.members() == map[bool]int{false: 2, true: 1}[left] && first.Ready() == nil })
			w.produce(w.users(60, 0)...)
			w.once(160)
			until(t, "the last commit", func() bool { return w.committed() == 160 })
		})
	}
}

// keepsNoOldLease: the group takes the heartbeats of a new membership, before
// the client knows what became of its partitions. Nothing is being written.
func (s *ClickHouse) keepsNoOldLease(t *testing.T) {
	t.Helper()
	belong := func(to string) (before string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range s.partitions {
			before, p.member = p.member, to
		}
		return before
	}
	if !s.heartbeat(t.Context()) {
		t.Error("the group does not take a heartbeat")
	}
	member := belong("another")
	if s.heartbeat(t.Context()) {
		t.Error("a heartbeat of this member extends the lease of another's partitions")
	}
	belong(member)
}
