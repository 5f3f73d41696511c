package stream_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
)

// disturbed copies a few records with trouble in the middle, and checks that
// each came out once, in order (I1, I5). It answers how often the task opened,
// and how many transactions were aborted.
func disturbed(t *testing.T, trouble func(k *fakeKafka, a *instance)) (opens int32, aborts float64) {
	k := cluster(t, 1, "in", "out")
	var opened atomic.Int32
	reg := prometheus.NewRegistry()
	a := run(t, k, "a", func(c *stream.Config) { c.Metrics = reg }, func(*stream.Loop) stream.Task {
		return &script{open: func() { opened.Add(1) }}
	})
	put(t, k, record("in", "k", "0"))
	values(t, k, "out", 1)
	trouble(k, a)
	want := []string{"0"}
	for i := 1; i < 8; i++ {
		put(t, k, record("in", "k", fmt.Sprint(i)))
		want = append(want, fmt.Sprint(i))
		<-time.After(50 * time.Millisecond)
	}
	if got := values(t, k, "out", len(want)); got != strings.Join(want, " ") {
		t.Errorf("I5: out holds %s", got)
	}
	<-time.After(15 * time.Second) // nothing comes late
	if got := readAll(t, k.connect, "out", len(want)); len(got) != len(want) {
		t.Errorf("I5: out holds %d records of %d", len(got), len(want))
	}
	eventually(t, func() bool { return k.committed("in", 0) == int64(len(want)) })
	return opened.Load(), total(t, reg, "doustream_stream_aborted_transactions_total")
}

// Each error that a transaction meets, once and several times in a row. Those
// that pass are waited out, and abort nothing; a refused generation and a refused
// record abort it, and its results are produced again; neither costs the task its
// state.
func TestATransactionsErrors(t *testing.T) {
	for _, row := range []struct {
		key      kmsg.Key
		err      *kerr.Error
		topLevel bool
		aborts   bool
	}{
		{kmsg.AddOffsetsToTxn, kerr.CoordinatorLoadInProgress, true, false},
		{kmsg.AddOffsetsToTxn, kerr.ConcurrentTransactions, true, false},
		{kmsg.AddOffsetsToTxn, kerr.NotCoordinator, true, false},
		{kmsg.AddOffsetsToTxn, kerr.TransactionAbortable, true, true},
		{kmsg.TxnOffsetCommit, kerr.CoordinatorLoadInProgress, false, false},
		{kmsg.TxnOffsetCommit, kerr.ConcurrentTransactions, false, false},
		{kmsg.TxnOffsetCommit, kerr.NotCoordinator, false, false},
		{kmsg.TxnOffsetCommit, kerr.RebalanceInProgress, false, true},
		{kmsg.TxnOffsetCommit, kerr.IllegalGeneration, false, true},
		{kmsg.TxnOffsetCommit, kerr.UnknownMemberID, false, true},
		{kmsg.TxnOffsetCommit, kerr.TransactionAbortable, false, true},
		{kmsg.EndTxn, kerr.CoordinatorLoadInProgress, true, false},
		{kmsg.EndTxn, kerr.ConcurrentTransactions, true, false},
		{kmsg.EndTxn, kerr.NotCoordinator, true, false},
		{kmsg.Produce, kerr.NotLeaderForPartition, false, false},
		{kmsg.Produce, kerr.NotEnoughReplicas, false, false},
		{kmsg.Produce, kerr.InvalidRecord, false, true},
	} {
		for _, count := range []int{1, 4} {
			t.Run(fmt.Sprint(row.key.Name(), " ", row.err.Message, " ", count), func(t *testing.T) {
				virtually(t, func(t *testing.T) {
					var fault *kfake.FaultHandle
					opened, aborts := disturbed(t, func(k *fakeKafka, _ *instance) {
						f := kfake.Fault{Keys: []kmsg.Key{row.key}, Err: row.err, TopLevel: row.topLevel, Count: count}
						if row.key == kmsg.Produce {
							f.Topic = "out"
						}
						fault = k.Fault(f)
					})
					if fault.Hits() != count {
						t.Errorf("%d requests met it; want %d", fault.Hits(), count)
					}
					// The client produces again only with new metadata, seconds later:
					// four times outlast the transaction's time-out, which fences.
					outlasts := row.key == kmsg.Produce && count > 1 && row.err.Retriable
					if opened != 1 && !outlasts {
						t.Errorf("the task was opened %d times", opened)
					}
					if want := map[bool]int{true: count}[row.aborts]; aborts != float64(want) && !outlasts {
						t.Errorf("%v transactions were aborted; want %d", aborts, want)
					}
				})
			})
		}
	}
}

// An abort that is not answered is an abort: no commit was asked for. The client
// has it made certain with its next producer epoch, and no task is restored.
func TestAnAbortThatIsNotAnsweredEndsNoSession(t *testing.T) {
	virtually(t, func(t *testing.T) {
		opened, aborts := disturbed(t, func(k *fakeKafka, _ *instance) {
			k.Fault(
				kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration, Count: 1},
				kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, TopLevel: true, Count: 1, When: func(r kmsg.Request) bool {
					return !r.(*kmsg.EndTxnRequest).Commit
				}},
			)
		})
		if opened != 1 || aborts != 1 {
			t.Errorf("the task was opened %d times, %v transactions were aborted", opened, aborts)
		}
	})
}

// An output that is refused for as long as somebody takes to mend its topic is
// not produced again without a pause.
func TestARefusedOutputIsProducedAgainAtIntervals(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		refused := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.InvalidRecord, Count: -1})
		run(t, k, "a", nil, copies)
		put(t, k, record("in", "k", "1"))
		<-time.After(time.Minute)
		if n := refused.Hits(); n < 20 || n > 60 {
			t.Errorf("it was produced %d times in a minute", n)
		}
		refused.Remove()
		if got := values(t, k, "out", 1); got != "1" {
			t.Errorf("out holds %s", got)
		}
	})
}

// The group rebalances between the beginning of a transaction and its offsets:
// those carry the generation of its beginning, and are refused.
func TestARebalanceInTheMiddleOfATransaction(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		t.Run(key.Name(), func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				disturbed(t, func(k *fakeKafka, a *instance) {
					var once atomic.Bool
					a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
						if q.Client == "producer" && q.Key == int16(key) && once.CompareAndSwap(false, true) {
							a.wire.Freeze("producer")
							go func() {
								b := run(t, k, "b", nil, copies)
								eventually(t, b.Ready)
								a.wire.Thaw("producer")
							}()
						}
						return streamtest.Pass
					})
				})
			})
		})
	}
}

// One of two partitions moves in the middle of a transaction that holds results
// of both, and whose producer stands still for longer than a hand-over waits:
// neither the generation of its beginning nor the task that is gone lets it
// through when it goes on, the successor has done it (I1, I2, I5). Either fence
// is enough; without both this doubles.
func TestAPartitionMovesInTheMiddleOfATransaction(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		t.Run(key.Name(), func(t *testing.T) {
			virtually(t, func(t *testing.T) { movedInTheMiddle(t, key) })
		})
	}
}

func movedInTheMiddle(t *testing.T, key kmsg.Key) {
	k := cluster(t, 2, "in", "out")
	patient := func(c *stream.Config) { c.TxnTimeout = time.Minute } // the broker does not end it by itself
	a := run(t, k, "a", patient, copies)
	eventually(t, a.Ready)
	var once atomic.Bool
	a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
		if q.Client == "producer" && q.Key == int16(key) && once.CompareAndSwap(false, true) {
			a.wire.Freeze("producer")
		}
		return streamtest.Pass
	})
	both := func(value string) {
		for p := range int32(2) {
			rec := record("in", "k", fmt.Sprint(value, p))
			rec.Partition = p
			put(t, k, rec)
		}
	}
	both("x")
	eventually(t, once.Load)
	b := run(t, k, "b", patient, copies)
	<-time.After(50 * time.Second) // a hand-over waits for 38 s, then one partition is the other's
	a.wire.Thaw()
	eventually(t, func() bool { return a.Ready() && b.Ready() })
	both("y")
	<-time.After(2 * time.Minute) // nothing comes late
	got := readAll(t, k.connect, "out", 4)
	seen := map[string]int{}
	for _, rec := range got {
		seen[string(rec.Value)]++
	}
	if len(got) != 4 || len(seen) != 4 {
		t.Errorf("I5: out holds %v", seen)
	}
	for p := range int32(2) {
		if at := k.committed("in", p); at != 2 {
			t.Errorf("I1: %d is committed of partition %d", at, p)
		}
	}
}

// A transaction that stands open beyond its time-out is ended by the broker.
// The producer is fenced, by nobody else: the process goes on.
func TestATransactionThatTimesOut(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		t.Run(key.Name(), func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				disturbed(t, func(_ *fakeKafka, a *instance) {
					var once atomic.Bool
					a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
						if q.Client == "producer" && q.Key == int16(key) && once.CompareAndSwap(false, true) {
							a.wire.Freeze("producer")
							time.AfterFunc(25*time.Second, func() { a.wire.Thaw("producer") })
						}
						return streamtest.Pass
					})
				})
			})
		})
	}
}

// The broker is lost at any step of a transaction, before it was carried out or
// behind it, and comes back seconds later.
func TestABrokerIsLostInTheMiddleOfATransaction(t *testing.T) {
	steps := []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn}
	for i, key := range slices.Concat(steps, steps) {
		after := i >= len(steps)
		t.Run(fmt.Sprint(key.Name(), map[bool]string{false: " before", true: " after"}[after]), func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				disturbed(t, func(_ *fakeKafka, a *instance) {
					var once atomic.Bool
					a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
						if q.Client != "producer" || q.Key != int16(key) || !once.CompareAndSwap(false, true) {
							return streamtest.Pass
						}
						time.AfterFunc(3*time.Second, a.wire.Regain)
						if after {
							return streamtest.LoseAfter
						}
						return streamtest.LoseBefore
					})
				})
			})
		})
	}
}
