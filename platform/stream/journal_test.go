package stream_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

// A client keeps the refusal of its producer id for good. The one that appends
// lives longer than the sessions do: one bad answer would leave an instance
// without markers, and so without tasks, until somebody restarts it.
func TestAnAppendingProducerThatWasRefusedIsMadeAnew(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.UnknownServerError, kerr.ClusterAuthorizationFailed} {
		t.Run(refusal.Message, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out", "state")
				refused := k.Fault(kfake.Fault{
					Keys: []kmsg.Key{kmsg.InitProducerID}, Err: refusal, TopLevel: true, Count: 1,
					When: func(r kmsg.Request) bool { return r.(*kmsg.InitProducerIDRequest).TransactionalID == nil },
				})
				a := run(t, k, "a", withState, copies)
				eventually(t, a.Ready)
				if refused.Hits() != 1 {
					t.Errorf("%d requests were refused", refused.Hits())
				}
				put(t, k, record("in", "k", "1"))
				values(t, k, "out", 1)
			})
		})
	}
}

func TestARefusedMarkerNeedsAnOperatorWhoGivesRights(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "state", Err: kerr.TopicAuthorizationFailed, Count: -1})
		run(t, k, "a", withState, copies).failure(t, "state/0", "missing rights on a topic")
	})
}

// A followed topic that retention has emptied has an end and no record before
// it. Whose start is not known is asked for again, or its task would wait for a
// record that is not to come.
func TestAFollowedTopicWhoseStartIsNotToldIsAskedForAgain(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state", "consents")
		put(t, k, record("consents", "k", "1"), record("consents", "k", "2"))
		if err := k.DeleteRecords("consents", 0, 2); err != nil {
			t.Fatal(err)
		}
		untold := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "consents", Err: kerr.UnknownServerError, Count: 1})
		var n notes
		run(t, k, "a", func(c *stream.Config) {
			withState(c)
			c.Layout, c.Follow = stream.SingleOwner, []string{"consents"}
		}, remembering(&n))
		eventually(t, func() bool { return n.has("open") })
		if untold.Hits() != 1 {
			t.Errorf("%d requests were not answered", untold.Hits())
		}
	})
}

// Others' transactions on a followed topic hold no task up: it is read to what
// can be read.
func TestAnOpenTransactionOnAFollowedTopicIsNotWaitedFor(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state", "consents")
		put(t, k, record("consents", "k", "1"))
		begin(t, transactional(t, k, "enrich"), record("consents", "k", "open"))
		var n notes
		run(t, k, "a", func(c *stream.Config) {
			withState(c)
			c.Layout, c.Follow = stream.SingleOwner, []string{"consents"}
		}, remembering(&n))
		<-time.After(10 * time.Second)
		if got := n.String(); got != "own-marker 1 open" {
			t.Errorf("restored: %s", got)
		}
	})
}

// What a task leaves behind when it closes is written before Run returns,
// however slow the broker is.
func TestTheLastAppendsAreWrittenBeforeRunReturns(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		a := run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
			return &script{close: func() { l.Append(record("state", "k", "last"), nil) }}
		})
		eventually(t, a.Ready)
		k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			k.SleepControl(func() { <-time.After(3 * time.Second) })
			return nil, nil, false
		})
		a.stop(t)
		if end := k.PartitionInfo("state", 0).HighWatermark; end != 2 {
			t.Errorf("the state ends at %d; want the marker and the last append", end)
		}
	})
}

// I9: what a task has taken in is not ahead of it any more, or a state of more
// than the bound would never be restored.
func TestAStateLargerThanWhatMayBeReadAheadIsRestored(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		large := strings.Repeat("x", 900<<10)
		for range 40 {
			put(t, k, record("state", "k", large))
		}
		restored := 0
		a := run(t, k, "a", withState, func(*stream.Loop) stream.Task {
			return &script{restore: func(*stream.Record) { restored++ }}
		})
		eventually(t, a.Ready)
		if restored != 41 {
			t.Errorf("%d records were restored", restored)
		}
	})
}
