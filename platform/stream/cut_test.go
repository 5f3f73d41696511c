package stream_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

// total reads one of the runtime's counters.
func total(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// commitAt sets the group's offset, as an operator's tool does once the group's
// members have timed out.
func commitAt(t *testing.T, k *fakeKafka, at int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset("in", 0, at, -1)
	admin := kadm.NewClient(transactional(t, k, "admin"))
	eventually(t, func() bool { return admin.CommitAllOffsets(t.Context(), "copy", offsets) == nil })
}

// firstEpochEnds answers that the log of a topic's first leader ends at an offset: what
// stands behind it is another's.
func firstEpochEnds(r kmsg.Request, name string, at int64) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	topic, part := kmsg.NewOffsetForLeaderEpochResponseTopic(), kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
	topic.Topic, part.LeaderEpoch, part.EndOffset = name, 0, at
	topic.Partitions = append(topic.Partitions, part)
	resp.Topics = append(resp.Topics, topic)
	return resp
}

func putThree(t *testing.T, k *fakeKafka) {
	t.Helper()
	put(t, k, record("in", "k", "1"), record("in", "k", "2"), record("in", "k", "3"))
}

// I1, I5: from such an offset nothing is skipped and nothing is doubled.
func TestACommittedOffsetPastTheLogsEndNeedsAnOperator(t *testing.T) {
	for name, layout := range map[string]stream.Layout{"copartition": stream.Copartition, "single owner": stream.SingleOwner} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out")
				putThree(t, k)
				commitAt(t, k, 4) // the next record would stand at 3
				a := run(t, k, "a", func(c *stream.Config) { c.Layout = layout }, copies)
				a.failure(t, "in/0", "cut off at 3", "committed 4", "set the group's offset")
				if end := k.PartitionInfo("out", 0).HighWatermark; end != 0 {
					t.Errorf("out ends at %d: something was read", end)
				}
				if at := k.committed("in", 0); at != 4 {
					t.Errorf("%d is committed", at)
				}
				commitAt(t, k, 1) // the advice
				run(t, k, "a", func(c *stream.Config) { c.Layout = layout }, copies)
				if got := values(t, k, "out", 2); got != "2 3" {
					t.Errorf("out holds %s", got)
				}
			})
		})
	}
}

// A log that was cut off below the committed offset and has grown past it again
// looks whole: what tells is the leader epoch that was committed, in whichever
// way.
func TestALogThatHasGrownPastItsCutNeedsAnOperator(t *testing.T) {
	for name, handle := range map[string]func(*stream.Loop, *stream.Input){
		"committed with results":       func(_ *stream.Loop, in *stream.Input) { in.Done(copyOf(in), nil) },
		"committed alone":              func(_ *stream.Loop, in *stream.Input) { in.Done(nil, nil) },
		"committed again with an emit": emitsLater,
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) { grownPastItsCut(t, handle) })
		})
	}
}

// emitsLater puts results out when the inputs they come of were committed.
func emitsLater(l *stream.Loop, in *stream.Input) {
	in.Done(nil, nil)
	l.After(time.Second, func() { l.Emit(copyOf(in), nil) })
}

func grownPastItsCut(t *testing.T, handle func(*stream.Loop, *stream.Input)) {
	k := cluster(t, 1, "in", "out")
	putThree(t, k)
	a := run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
		return &script{handle: func(in *stream.Input) { handle(l, in) }}
	})
	eventually(t, func() bool { return k.committed("in", 0) == 3 })
	<-time.After(3 * time.Second)
	a.stop(t)
	if at := k.committed("in", 0); at != 3 {
		t.Errorf("I1: %d is committed after all", at)
	}
	k.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return firstEpochEnds(r, "in", 2), nil, true
	})
	put(t, k, record("in", "k", "4"))
	run(t, k, "a", nil, copies).failure(t, "in/0", "cut off at 2", "committed 3")
}

// I5: the client's own way out is to read the log again from its start.
func TestAnOffsetOutOfRangeDoublesNothing(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		putThree(t, k)
		reg := prometheus.NewRegistry()
		a := run(t, k, "a", func(c *stream.Config) { c.Metrics = reg }, copies)
		readAll(t, k.connect, "out", 3)
		eventually(t, func() bool { return k.committed("in", 0) == 3 })
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "in", Err: kerr.OffsetOutOfRange})
		eventually(t, func() bool { return total(t, reg, "doustream_stream_sessions_total") == 2 && a.Ready() })
		put(t, k, record("in", "k", "4"))
		if got := values(t, k, "out", 4); got != "1 2 3 4" {
			t.Errorf("out holds %s", got)
		}
	})
}

func TestInputsThatWereDeletedUnreadAreCountedOnce(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		putThree(t, k)
		commitAt(t, k, 0)
		if err := k.DeleteRecords("in", 0, 2); err != nil {
			t.Fatal(err)
		}
		reg := prometheus.NewRegistry()
		failed := false
		run(t, k, "a", func(c *stream.Config) { c.Metrics = reg }, func(l *stream.Loop) stream.Task {
			return &script{loop: l, handle: func(in *stream.Input) {
				if !failed {
					failed = true
					l.Fail(kerr.UnknownServerError) // the next session begins at the same offset
					return
				}
				in.Done(copyOf(in), nil)
			}}
		})
		if got := values(t, k, "out", 1); got != "3" {
			t.Errorf("out holds %s", got)
		}
		if n := total(t, reg, "doustream_stream_lost_offsets_total"); n != 2 {
			t.Errorf("%v offsets are counted as lost", n)
		}
	})
}

func TestATopicThatIsMadeAnewNeedsAnOperator(t *testing.T) {
	for _, topic := range []string{"in", "state"} {
		t.Run(topic, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out", "state")
				putThree(t, k)
				a := run(t, k, "a", withState, copies)
				readAll(t, k.connect, "out", 3)
				if err := k.DeleteTopic(topic); err != nil {
					t.Fatal(err)
				}
				if err := k.CreateTopic(topic, 1, nil); err != nil {
					t.Fatal(err)
				}
				a.failure(t, "topic "+topic, "made anew")
			})
		})
	}
}

func TestStateThatIsOutOfRangeIsRestoredAnew(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		put(t, k, record("state", "k", "1"))
		var n notes
		a := run(t, k, "a", withState, remembering(&n))
		eventually(t, a.Ready)
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "state", Err: kerr.OffsetOutOfRange})
		eventually(t, func() bool { return n.has("marker") && a.Ready() })
		if got := n.String(); got != "1 own-marker open 1 marker own-marker open" {
			t.Errorf("restored: %s", got)
		}
	})
}

// A new leader that has everything is none of these cases, whether it comes
// while the log is read or between two instances.
func TestANewLeaderIsNotTakenForACut(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		move := func() {
			if err := k.MoveTopicPartition("in", 0, k.LeaderFor("in", 0)); err != nil {
				t.Fatal(err)
			}
		}
		putThree(t, k)
		reg := prometheus.NewRegistry()
		a := run(t, k, "a", func(c *stream.Config) { c.Metrics = reg }, copies)
		readAll(t, k.connect, "out", 3)
		move()
		put(t, k, record("in", "k", "4"))
		readAll(t, k.connect, "out", 4)
		if n := total(t, reg, "doustream_stream_sessions_total"); n != 1 {
			t.Errorf("%v sessions", n)
		}
		a.stop(t)
		move()
		put(t, k, record("in", "k", "5"))
		move()
		run(t, k, "a", nil, copies)
		if got := values(t, k, "out", 5); got != "1 2 3 4 5" {
			t.Errorf("out holds %s", got)
		}
	})
}

// From its first append on a task's state is read by another client, from where the
// first one was: if the log was cut off in between, and has grown past that again,
// only the leader epoch of what was read last tells.
func TestStateThatWasCutOffAsItsReaderChangesIsRestoredAnew(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		put(t, k, record("state", "k", "1"))
		var opened atomic.Int32
		k.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if opened.Load() > 1 {
				return nil, nil, false
			}
			return firstEpochEnds(r, "state", 1), nil, true
		})
		reg := prometheus.NewRegistry()
		a := run(t, k, "a", func(c *stream.Config) {
			withState(c)
			c.Metrics = reg
		}, func(l *stream.Loop) stream.Task {
			var appends func()
			appends = func() { // until one is acknowledged before it was fetched
				l.Append(record("state", "k", "2"), nil)
				l.After(50*time.Millisecond, appends)
			}
			return &script{open: func() {
				opened.Add(1)
				appends()
			}}
		})
		eventually(t, func() bool { return total(t, reg, "doustream_stream_sessions_total") == 2 && a.Ready() })
	})
}
