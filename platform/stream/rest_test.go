package stream_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

const sessionsTotal = "doustream_stream_sessions_total"

// resting starts a task that knows all that stands in its state, which nobody reads
// any more.
func resting(t *testing.T, k *fakeKafka, n *notes) (*stream.Loop, *prometheus.Registry) {
	t.Helper()
	open, reg := make(chan *stream.Loop, 2), prometheus.NewRegistry()
	run(t, k, "a", func(c *stream.Config) {
		withState(c)
		c.Metrics = reg
	}, func(l *stream.Loop) stream.Task {
		s := remembering(n)(l).(*script)
		s.open = func() { open <- l }
		return s
	})
	l := <-open
	tellBack(n, l, "1")
	comesToRest(t, k)
	return l, reg
}

// comesToRest waits until state is not fetched for some seconds.
func comesToRest(t *testing.T, k *fakeKafka) {
	t.Helper()
	eventually(t, func() bool { return fetches(k, func() { <-time.After(3 * time.Second) }) == 0 })
}

// fetches counts the fetches of state.
func fetches(k *fakeKafka, during func()) int {
	seen := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "state", Count: -1, Observe: true})
	defer seen.Remove()
	during()
	return seen.Hits()
}

func TestWhatATaskWritesAloneIsNotFetched(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		l, _ := resting(t, k, &n)
		read := fetches(k, func() {
			for i := range 100 {
				tellBack(&n, l, fmt.Sprint("more-", i))
				<-time.After(50 * time.Millisecond)
			}
			eventually(t, func() bool { return n.has("(more-99)") })
		})
		if read != 0 || strings.Count(n.String(), "more") != 200 {
			t.Errorf("%d fetches; passed: %s", read, n.String())
		}
	})
}

func TestAnothersRecordWakesAReaderThatRests(t *testing.T) {
	for name, write := range map[string]func(*testing.T, *fakeKafka){
		"alone": func(t *testing.T, k *fakeKafka) { put(t, k, record("state", "k", "another's")) },
		"in a transaction": func(t *testing.T, k *fakeKafka) {
			cl := transactional(t, k, "other")
			begin(t, cl, record("state", "k", "another's"))
			<-time.After(2 * time.Second)
			if err := cl.EndTransaction(context.Background(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out", "state")
				var n notes
				l, _ := resting(t, k, &n)
				write(t, k)
				<-time.After(time.Second)
				if got := n.String(); got != "own-marker 1 (1) another's" {
					t.Errorf("passed a second later: %s", got)
				}
				comesToRest(t, k)
				tellBack(&n, l, "2")
				eventually(t, func() bool { return n.has("(2)") })
				if got := n.String(); got != "own-marker 1 (1) another's 2 (2)" {
					t.Errorf("passed: %s", got)
				}
			})
		})
	}
}

// I3: whether it rests or not, nothing is read back behind what was not passed. The
// acknowledgement tells at once that there is something.
func TestI3AnAppendBehindAnothersRecordWakesAReaderThatRests(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		l, _ := resting(t, k, &n)
		blind := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "state", Count: -1})
		defer blind.Remove()
		put(t, k, record("state", "k", "another's"))
		tellBack(&n, l, "2")
		tellBack(&n, l, "3")
		<-time.After(time.Second)
		if got := n.String(); got != "own-marker 1 (1) another's 2 3 (2) (3)" {
			t.Errorf("passed: %s", got)
		}
	})
}

func TestALogThatRestsAndHasANewLeaderIsLookedAtAgain(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		l, reg := resting(t, k, &n)
		read := fetches(k, func() {
			if err := k.MoveTopicPartition("state", 0, k.LeaderFor("state", 0)); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
		})
		if read == 0 {
			t.Error("nobody has looked")
		}
		comesToRest(t, k)
		tellBack(&n, l, "2")
		eventually(t, func() bool { return n.has("(2)") })
		if got, sessions := n.String(), total(t, reg, sessionsTotal); got != "own-marker 1 (1) 2 (2)" || sessions != 1 {
			t.Errorf("%v sessions, passed: %s", sessions, got)
		}
	})
}

// The new leader's log was cut off, and has grown past that again.
func TestStateThatWasCutOffWhileItRestedIsRestoredAnew(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		l, reg := resting(t, k, &n)
		tellBack(&n, l, "2")
		<-time.After(time.Second) // it is known where this ends, too
		var asked atomic.Bool
		k.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			asked.Store(true)
			return firstEpochEnds(r, "state", 2), nil, true
		})
		if err := k.MoveTopicPartition("state", 0, k.LeaderFor("state", 0)); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return asked.Load() && total(t, reg, sessionsTotal) == 2 })
	})
}

// A log that lacks what was acknowledged is not the one that the task knows; but a
// broker that does not know yet that it leads no more may say so for a while.
func TestStateThatEndsBeforeWhatWasAcknowledgedIsRestoredAnew(t *testing.T) {
	for _, row := range []struct {
		name     string
		answers  int32
		lies     func(answer int32) bool
		sessions float64
	}{
		{"for a while", 4, func(int32) bool { return true }, 1},
		{"now and then", 12, func(answer int32) bool { return answer%3 > 0 }, 1},
		{"again and again", 5, func(int32) bool { return true }, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out", "state")
				var n notes
				_, reg := resting(t, k, &n)
				var answers atomic.Int32
				k.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
					asked := r.(*kmsg.ListOffsetsRequest)
					k.KeepControl()
					if asked.Topics[0].Topic != "state" || answers.Load() == row.answers || !row.lies(answers.Add(1)) {
						return nil, nil, false
					}
					resp := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
					topic, part := kmsg.NewListOffsetsResponseTopic(), kmsg.NewListOffsetsResponseTopicPartition()
					topic.Topic, part.Offset, part.LeaderEpoch = "state", 1, 0
					topic.Partitions = append(topic.Partitions, part)
					resp.Topics = append(resp.Topics, topic)
					return resp, nil, true
				})
				eventually(t, func() bool { return answers.Load() == row.answers })
				<-time.After(5 * time.Second)
				if sessions := total(t, reg, sessionsTotal); sessions != row.sessions {
					t.Errorf("%v sessions", sessions)
				}
			})
		})
	}
}
