package stream_test

import (
	"testing"

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
