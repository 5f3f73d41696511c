package stream_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
)

// An instance stands still just as it is about to join again, for longer than
// its session. The group has forgotten it by then, and the client joins as a new
// member without a word about the tasks, which another had meanwhile: what they
// still hold is not to be committed under the new membership, nor are they to go
// on as though nothing had been, nor is it another process of the same name
// (I1, I2, I5).
func TestAMemberThatIsForgottenWhileItJoinsHasLostItsTasks(t *testing.T) {
	for _, row := range []struct {
		name    string
		written bool // what it did is in a transaction already
		left    bool // the other owner has left since
	}{
		{"results in a transaction, the other owner goes on", true, false},
		{"results in a transaction, the other owner has left", true, true},
		{"results not written, the other owner goes on", false, false},
		{"results not written, the other owner has left", false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			virtually(t, func(t *testing.T) { forgottenWhileItJoins(t, row.written, row.left) })
		})
	}
}

func forgottenWhileItJoins(t *testing.T, written, left bool) {
	k := cluster(t, 2, "in", "out")
	a := run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
		return &script{handle: func(in *stream.Input) {
			var late time.Duration
			if !written && in.Record.Offset == 1 {
				late = 14 * time.Second
			}
			l.After(late, func() { in.Done(copyOf(in), nil) })
		}}
	})
	eventually(t, a.Ready)
	both := func(value string) {
		for p := range int32(2) {
			rec := record("in", "k", fmt.Sprint(value, p))
			rec.Partition = p
			put(t, k, rec)
		}
	}
	both("x")
	values(t, k, "out", 2)
	var joins atomic.Bool
	a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
		if q.Client == "member" && q.Key == int16(kmsg.JoinGroup) && joins.CompareAndSwap(false, true) {
			return streamtest.StopBefore
		}
		return streamtest.Pass
	})
	if written {
		a.wire.Freeze("producer")
	}
	both("y")
	b := run(t, k, "b", nil, copies)
	eventually(t, joins.Load)
	eventually(t, func() bool { return k.committed("in", 0) == 2 && k.committed("in", 1) == 2 })
	if left {
		b.stop(t)
	}
	a.wire.Thaw()
	<-time.After(8 * time.Second)
	both("z")
	<-time.After(4 * time.Second)
	for p := range int32(2) {
		if at := k.committed("in", p); at != 3 {
			t.Errorf("I1: %d is committed of partition %d, as though a hand-over were waited for", at, p)
		}
	}
	<-time.After(time.Minute) // nothing comes late
	select {
	case <-a.done:
		t.Fatalf("Run: %v", a.err)
	default:
	}
	seen := map[string]int{}
	for _, rec := range readAll(t, k.connect, "out", 6) {
		seen[string(rec.Value)]++
	}
	for _, value := range []string{"x0", "x1", "y0", "y1", "z0", "z1"} {
		if seen[value] != 1 {
			t.Errorf("I5: out holds %v", seen)
			break
		}
	}
}

// I6, I7: a heartbeat of the new membership says nothing about tasks of the old
// one. The group takes it while the client waits for its assignment, and another
// owns everything.
func TestANewMembershipExtendsNoOldLease(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var old atomic.Pointer[stream.Loop]
		a := run(t, k, "a", single, func(l *stream.Loop) stream.Task {
			old.CompareAndSwap(nil, l)
			return &script{}
		})
		eventually(t, a.Ready)
		var joins, beats atomic.Bool
		a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
			switch {
			case q.Client == "member" && q.Key == int16(kmsg.JoinGroup) && joins.CompareAndSwap(false, true):
				return streamtest.StopBefore
			case q.Client == "member" && q.Key == int16(kmsg.Heartbeat):
				beats.Store(true)
			}
			return streamtest.Pass
		})
		var owned atomic.Bool
		b := run(t, k, "b", single, func(*stream.Loop) stream.Task {
			return &script{open: func() { owned.Store(true) }}
		})
		eventually(t, func() bool { return joins.Load() && owned.Load() })
		k.ControlKey(int16(kmsg.SyncGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if *req.(*kmsg.SyncGroupRequest).InstanceID == "copy-a" {
				k.SleepControl(func() { <-time.After(5 * time.Second) })
			}
			return nil, nil, false
		})
		beats.Store(false)
		a.wire.Thaw()
		for range 80 {
			<-time.After(100 * time.Millisecond)
			if until := old.Load().Lease(); until.After(time.Now()) {
				t.Fatalf("I6: the old owner has a lease for %v more", time.Until(until))
			}
		}
		if !beats.Load() || !b.Ready() {
			t.Errorf("a's heartbeats were sent: %v, b is ready: %v", beats.Load(), b.Ready())
		}
	})
}

// The instance id alone would take out whoever bears it now, a successor of the
// same name included (on Apache Kafka, which compares the two).
func TestAMemberLeavesForItselfAlone(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		a := run(t, k, "a", nil, copies)
		eventually(t, a.Ready)
		var left []string
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.LeaveGroup}, Observe: true, Count: -1, When: func(r kmsg.Request) bool {
			for _, m := range r.(*kmsg.LeaveGroupRequest).Members {
				left = append(left, *m.InstanceID+" "+m.MemberID)
			}
			return true
		}})
		member := k.GroupInfo("copy").Members[0].MemberID
		a.stop(t)
		if got := slices.Compact(left); len(got) != 1 || got[0] != "copy-a "+member {
			t.Errorf("member %s left as %q", member, left)
		}
	})
}

// stall is a hook of the client that stops whoever polls a record, as a
// scheduler does that has too much to do.
type stall struct {
	on       string // the record's value
	polled   chan struct{}
	released chan struct{}
}

func (s *stall) OnFetchRecordUnbuffered(rec *kgo.Record, polled bool) {
	if polled && string(rec.Value) == s.on {
		s.on = ""
		close(s.polled)
		<-s.released
	}
}

// I2, I5: records that were polled in one tenure, by a goroutine that stands
// still until the partition was lost and is held again, are not the next's.
func TestWhatWasPolledInOneTenureReachesNoOther(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		s := &stall{on: "1", polled: make(chan struct{}), released: make(chan struct{})}
		var opened atomic.Int32
		run(t, k, "a", func(c *stream.Config) { c.Connect = append(c.Connect, kgo.WithHooks(s)) }, func(*stream.Loop) stream.Task {
			return &script{open: func() { opened.Add(1) }}
		})
		eventually(t, func() bool { return opened.Load() == 1 })
		put(t, k, record("in", "k", "1"), record("in", "k", "2"))
		<-s.polled
		lost := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, TopLevel: true, Count: -1})
		<-time.After(3 * time.Second)
		lost.Remove()
		<-time.After(time.Minute)
		close(s.released)
		put(t, k, record("in", "k", "3"))
		<-time.After(10 * time.Second)
		if got := values(t, k, "out", 3); got != "1 2 3" {
			t.Errorf("I5: out holds %s", got)
		}
		if opened.Load() != 2 {
			t.Errorf("the task was opened %d times", opened.Load())
		}
	})
}
