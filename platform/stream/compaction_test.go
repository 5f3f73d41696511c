package stream_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
)

// compacted makes a cluster whose state is compacted when a test says so: all but
// the last batch of a partition, as a log's active segment.
func compacted(t *testing.T, partitions int32) *fakeKafka {
	t.Helper()
	k := cluster(t, partitions, "in", "out")
	if err := k.CreateTopic("state", partitions, map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "0"}); err != nil {
		t.Fatal(err)
	}
	return k
}

func markerOf(owner string) *kgo.Record { return record("state", "\x00marker|state|0", owner) }

// Compaction leaves holes: behind what is kept, where an aborted transaction was,
// and right before one's own marker. A restore goes by the marker, not by counting.
func TestRestoreOfACompactedLog(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := compacted(t, 1)
		put(t, k, markerOf("first"))
		for i := range 5 {
			put(t, k, record("state", "k", fmt.Sprint("k", i)), record("state", "gone", "dropped"))
		}
		put(t, k, markerOf("second"))
		cl := transactional(t, k, "other")
		for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
			begin(t, cl, record("state", "in doubt", fmt.Sprint("committed-", end)))
			if err := cl.EndTransaction(t.Context(), end); err != nil {
				t.Fatal(err)
			}
		}
		put(t, k, &kgo.Record{Topic: "state", Key: []byte("gone")})
		put(t, k, record("state", "last", "before"))
		put(t, k, record("state", "last", "after"))
		before := k.PartitionInfo("state", 0)
		k.Compact()
		var n notes
		a := run(t, k, "a", withState, remembering(&n))
		eventually(t, a.Ready)
		if got := n.String(); got != "k4 marker committed-true before after own-marker open" {
			t.Errorf("restored %s of a log that ended at %d", got, before.HighWatermark)
		}
		k.Compact() // and again, of what is tailed now
		put(t, k, record("state", "k", "k5"))
		eventually(t, func() bool { return n.has("k5") })
	})
}

// The marker of another, a predecessor's that was on its way, may stand behind one's
// own, which compaction then drops before its owner has read that far. It is waited
// for in vain; and what stands between cannot be told from what stands behind. So
// the state is restored anew, up to a new one.
func TestMarkerThatIsCompactedAwayBeforeItIsRead(t *testing.T) {
	for name, late := range map[string]bool{"its place is known": false, "its place becomes known later": true} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) { markerIsCompactedAway(t, late) })
		})
	}
}

func markerIsCompactedAway(t *testing.T, late bool) {
	k := compacted(t, 1)
	put(t, k, record("state", "k", "1"))
	var n notes
	var a *instance
	launched, tenures := make(chan struct{}), 0
	a = run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
		<-launched
		if tenures++; tenures > 1 {
			a.wire.Watch(nil)
			return remembering(&n)(l)
		}
		a.wire.Freeze("tail")
		a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
			if late && q.Client == "appender" && q.Key == int16(kmsg.Produce) {
				return streamtest.StopAfter
			}
			return streamtest.Pass
		})
		return remembering(&n)(l)
	})
	close(launched)
	eventually(t, func() bool { return k.PartitionInfo("state", 0).HighWatermark == 2 })
	synctest.Wait()
	put(t, k, markerOf("a predecessor"))
	put(t, k, record("state", "k", "2"))
	k.Compact()
	a.wire.Thaw("producer", "member", "tail", "listener")
	synctest.Wait()
	a.wire.Thaw()
	eventually(t, a.Ready)
	if got := n.String(); got != "1 marker 2 1 marker 2 own-marker open" {
		t.Errorf("restored %s", got)
	}
}
