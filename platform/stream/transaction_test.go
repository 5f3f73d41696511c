package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
)

func copies(l *stream.Loop) stream.Task { return &script{loop: l} }

// I5: whether the broker carried it out or not, nobody has said; the session ends
// and the next one reads what stands.
func TestAnEndWithoutAnAnswerIsNeitherSuccessNorAbort(t *testing.T) {
	for name, unanswered := range map[string]func(*fakeKafka){
		"it was applied": func(k *fakeKafka) { k.endsUnheard(func() bool { return true }, 1) },
		"it was not applied": func(k *fakeKafka) {
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, TopLevel: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out")
				var opened int
				run(t, k, "a", nil, func(*stream.Loop) stream.Task { return &script{open: func() { opened++ }} })
				put(t, k, record("in", "k", "1"))
				values(t, k, "out", 1)
				unanswered(k)
				put(t, k, record("in", "k", "2"), record("in", "k", "3"))
				values(t, k, "out", 3)
				put(t, k, record("in", "k", "4"))
				if got := values(t, k, "out", 4); got != "1 2 3 4" {
					t.Errorf("I5: out holds %s", got)
				}
				if opened != 2 {
					t.Errorf("the task was opened %d times", opened)
				}
			})
		})
	}
}

// endsUnheard has the broker carry out the end of a transaction, whenever which
// says so and so many times at most, and answer that it took too long.
func (k *fakeKafka) endsUnheard(which func() bool, times int) (stop func()) {
	var left, carrying atomic.Int64
	left.Store(int64(times))
	k.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		end := *req.(*kmsg.EndTxnRequest)
		if carrying.Load() > 0 || !which() || left.Add(-1) < 0 {
			return nil, nil, false
		}
		k.SleepControl(func() {
			carrying.Add(1)
			defer carrying.Add(-1)
			versions := kversion.Stable()
			versions.SetMaxKeyVersion(int16(kmsg.EndTxn), end.Version)
			cl, err := kgo.NewClient(append(k.connect[:len(k.connect):len(k.connect)], kgo.MaxVersions(versions))...)
			if err != nil {
				return
			}
			defer cl.Close()
			_, _ = end.RequestWith(context.Background(), cl)
		})
		answer := end.ResponseKind().(*kmsg.EndTxnResponse)
		answer.ErrorCode = kerr.RequestTimedOut.Code
		return answer, nil, true
	})
	return func() { left.Store(0) }
}

// What the client makes of an end without an answer, which is why commit ends the
// session there. Asked to abort, it says yes, though the commit may have been
// carried out; and it begins nothing before that. So a runtime that took such an
// end for an abort, without asking, could do no harm: its next transaction would
// end the session.
func TestTheClientTakesAnEndWithoutAnAnswerForAnAbort(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "out")
		cl := transactional(t, k, "t")
		if err := errors.Join(cl.BeginTransaction(), cl.ProduceSync(t.Context(), record("out", "k", "1")).FirstErr()); err != nil {
			t.Fatal(err)
		}
		k.endsUnheard(func() bool { return true }, 1)
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err == nil {
			t.Fatal("it was answered")
		}
		if err := cl.BeginTransaction(); err == nil {
			t.Error("another transaction was begun")
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Errorf("abort: %v", err)
		}
		if got := values(t, k, "out", 1); got != "1" {
			t.Errorf("out holds %s: the commit stands", got)
		}
	})
}

func TestAnAbortNeverRewinds(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		handled := 0
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.InvalidRecord, Count: 3})
		run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				handled++
				in.Done(copyOf(in), nil)
			}}
		})
		put(t, k, record("in", "k", "1"), record("in", "k", "2"), record("in", "l", "3"))
		if got := values(t, k, "out", 3); got != "1 2 3" {
			t.Errorf("out holds %s", got)
		}
		if handled != 3 {
			t.Errorf("%d inputs were handled for 3", handled)
		}
	})
}

func TestInputsWithoutResultsAreCommittedWithoutATransaction(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		ends := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn, kmsg.AddOffsetsToTxn}, TopLevel: true, Observe: true, Count: -1})
		run(t, k, "a", nil, func(*stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) { in.Done(nil, nil) }}
		})
		put(t, k, record("in", "k", "1"), record("in", "k", "2"))
		eventually(t, func() bool { return k.committed("in", 0) == 2 })
		if n := ends.Hits(); n != 0 {
			t.Errorf("%d transactional requests, for no record", n)
		}
	})
}

func TestATransactionOfEmitsAloneCarriesTheFrontier(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var offsets []int64
		seen := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Observe: true, Count: -1, When: func(r kmsg.Request) bool {
			offsets = append(offsets, r.(*kmsg.TxnOffsetCommitRequest).Topics[0].Partitions[0].Offset)
			return true
		}})
		committed := make(chan struct{})
		run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
			return &script{open: func() { l.Emit([]*kgo.Record{record("out", "k", "emitted")}, func() { close(committed) }) }}
		})
		<-committed
		if seen.Hits() == 0 || offsets[0] != 0 {
			t.Errorf("the transaction committed offsets %v", offsets)
		}
	})
}

func TestTheZombiesTransactionIsRefused(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var a *instance
		adds := 0
		k.ControlKey(int16(kmsg.AddOffsetsToTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if adds++; adds == 2 {
				a.wire.Freeze() // its results are written, its offsets are not
			}
			return nil, nil, false
		})
		short := func(c *stream.Config) { c.TxnTimeout = time.Minute } // the broker does not end it by itself
		a = run(t, k, "a", short, copies)
		put(t, k, record("in", "k", "1"))
		values(t, k, "out", 1)
		put(t, k, record("in", "k", "2"))
		b := run(t, k, "b", short, copies)
		eventually(t, b.Ready)
		<-time.After(20 * time.Second) // the zombie's session is over
		a.wire.Thaw("producer")        // and its producer the first to go on
		<-time.After(time.Second)
		a.wire.Thaw()
		put(t, k, record("in", "k", "3"))
		if got := values(t, k, "out", 3); got != "1 2 3" {
			t.Errorf("I5: out holds %s", got)
		}
	})
}

func TestATransactionThatWasAbandonedIsDoneAgainByTheNextOwner(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var a *instance
		k.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
			a.wire.Cut()
			return nil, errors.New("killed"), true
		})
		a = run(t, k, "a", nil, copies)
		put(t, k, record("in", "k", "1"))
		<-time.After(time.Second)
		run(t, k, "b", nil, copies)
		put(t, k, record("in", "k", "2"))
		began := time.Now()
		if got := values(t, k, "out", 2); got != "1 2" {
			t.Errorf("out holds %s", got)
		}
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("readers were held up for %v", took)
		}
	})
}

func TestAFencedProducerNamesTheVariable(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		a := run(t, k, "a", nil, copies)
		put(t, k, record("in", "k", "1"))
		values(t, k, "out", 1)
		other, err := kgo.NewClient(append(k.connect, kgo.TransactionalID("copy-a"))...)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, _, err := other.ProducerID(t.Context()); err != nil {
			t.Fatal(err)
		}
		put(t, k, record("in", "k", "2"))
		a.failure(t, "DOUSTREAM_INSTANCE_ID")
	})
}

// The broker ends the transaction of a machine that is suspended, whose monotonic
// clock stands still: it was fenced by nobody of its name.
func TestAMachineThatWasSuspendedGoesOn(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var slept atomic.Int64
		a := run(t, k, "a", func(c *stream.Config) {
			c.Now = func() time.Time {
				if s := slept.Load(); s != 0 {
					return time.Now().Round(0).Add(time.Duration(s)) // the wall clock alone
				}
				return time.Now()
			}
		}, copies)
		put(t, k, record("in", "k", "1"))
		values(t, k, "out", 1)
		var once atomic.Bool
		a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
			if q.Client == "producer" && q.Key == int16(kmsg.AddOffsetsToTxn) && once.CompareAndSwap(false, true) {
				a.wire.Freeze("producer")
			}
			return streamtest.Pass
		})
		put(t, k, record("in", "k", "2"))
		eventually(t, once.Load)
		if _, _, err := transactional(t, k, "copy-a").ProducerID(t.Context()); err != nil { // as the time-out does
			t.Fatal(err)
		}
		slept.Store(int64(time.Hour))
		a.wire.Thaw()
		eventually(t, func() bool { return k.committed("in", 0) == 2 })
		if got := values(t, k, "out", 2); got != "1 2" {
			t.Errorf("I5: out holds %s", got)
		}
	})
}

func TestTwoInstancesOfOneNameDoNotLiveTogether(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		a := run(t, k, "a", nil, copies)
		eventually(t, a.Ready)
		run(t, k, "a", func(c *stream.Config) { c.TransactionalID = "another" }, copies)
		a.failure(t, "DOUSTREAM_INSTANCE_ID")
	})
}

func TestAnOutputThatIsTooLargeNeedsAnOperator(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		a := run(t, k, "a", nil, func(*stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				in.Done([]*kgo.Record{{Topic: "out", Value: make([]byte, 2<<20)}}, nil)
			}}
		})
		put(t, k, record("in", "k", "1"))
		a.failure(t, "larger")
		if at := k.committed("in", 0); at > 0 {
			t.Errorf("I1: %d was committed", at)
		}
	})
}

// I10: what a topic takes more than others must reach it.
func TestAnOutputMayBeAsLargeAsItsTopicTakes(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		more := func(c *stream.Config) { c.BatchBytes = map[string]int32{"out": 1040000} }
		run(t, k, "a", more, func(*stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				in.Done([]*kgo.Record{{Topic: "out", Value: make([]byte, 1030000)}}, nil)
			}}
		})
		put(t, k, record("in", "k", "1"))
		eventually(t, func() bool { return k.committed("in", 0) == 1 })
	})
}

func TestResultsOfOneRetirementLeaveTogether(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		a := run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				in.Done(copyOf(in), func() { l.Emit([]*kgo.Record{record("out", "k", "of-"+string(in.Record.Value))}, nil) })
			}}
		})
		for i := range 20 {
			put(t, k, record("in", "k", fmt.Sprint(i)))
		}
		all := readAll(t, k.connect, "out", 40)
		a.stop(t)
		for i := range 20 {
			if string(all[2*i].Value) != fmt.Sprint(i) || string(all[2*i+1].Value) != fmt.Sprint("of-", i) {
				t.Fatalf("at %d: %s %s", i, all[2*i].Value, all[2*i+1].Value)
			}
			if all[2*i+1].Offset != all[2*i].Offset+1 {
				t.Errorf("a transaction's end lies between %d's results", i)
			}
		}
	})
}

// A commit of offsets alone that nobody answers may be carried out yet, after a
// later one: only a new membership keeps it out.
func TestACommitOfOffsetsWithoutAnAnswerEndsTheSession(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var opened atomic.Int32
		k.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			return nil, errors.New("no answer"), opened.Load() == 1
		})
		run(t, k, "a", nil, func(*stream.Loop) stream.Task {
			return &script{open: func() { opened.Add(1) }, handle: func(in *stream.Input) { in.Done(nil, nil) }}
		})
		put(t, k, record("in", "k", "1"))
		eventually(t, func() bool { return opened.Load() == 2 && k.committed("in", 0) == 1 })
	})
}
