package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/stream"
)

func leading(c *stream.Config) {
	c.Inputs, c.Leader = []string{"login", "phone"}, "login"
}

// at is a record with a timestamp.
func at(topic, value string, when time.Time) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: []byte(topic + value), Value: []byte(value), Timestamp: when}
}

// noting notes the order in which inputs are handed over.
func noting(n *notes) func(*stream.Loop) stream.Task {
	return func(l *stream.Loop) stream.Task {
		return &script{loop: l, handle: func(in *stream.Input) {
			n.add(string(in.Record.Value))
			in.Done(nil, nil)
		}}
	}
}

func TestAFollowerWaitsForABackloggedLeader(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		start := time.Now().Add(-time.Hour)
		for i := range 50 {
			put(t, k, at("login", fmt.Sprint("L", i), start.Add(time.Duration(i)*time.Minute)))
		}
		put(t, k, at("phone", "P", start.Add(30*time.Minute+30*time.Second)))
		var n notes
		run(t, k, "a", func(c *stream.Config) {
			leading(c)
			c.Connect = append(c.Connect, kgo.FetchMaxPartitionBytes(200)) // a login or two each time
		}, noting(&n))
		eventually(t, func() bool { return n.has("P") })
		if before, _, _ := strings.Cut(n.String(), "P"); !strings.Contains(before, "L30 ") {
			t.Errorf("the follower went ahead of the login before it: %s", &n)
		}
	})
}

// A leader's record from the future is ahead of nothing: neither do followers go
// ahead for it, nor has the watermark passed what is yet to be read.
func TestALeaderFromTheFutureIsNoWatermark(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		start := time.Now().Add(-time.Hour)
		for i := range 50 {
			when := start.Add(time.Duration(i) * time.Minute)
			if i == 5 {
				when = when.AddDate(100, 0, 0)
			}
			put(t, k, at("login", fmt.Sprint("L", i), when))
		}
		put(t, k, at("phone", "P", start.Add(30*time.Minute+30*time.Second)))
		var n notes
		run(t, k, "a", func(c *stream.Config) {
			leading(c)
			c.Connect = append(c.Connect, kgo.FetchMaxPartitionBytes(200))
		}, func(l *stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				n.add(string(in.Record.Value))
				if l.Watermark().After(l.Now()) {
					n.add("future")
				}
				in.Done(nil, nil)
			}}
		})
		eventually(t, func() bool { return n.has("P") && n.has("L49") })
		if before, _, _ := strings.Cut(n.String(), "P"); !strings.Contains(before, "L30 ") || n.has("future") {
			t.Errorf("the follower went ahead of the login before it, or the watermark is ahead of the clock: %s", &n)
		}
	})
}

func TestAQuietLeaderStopsNobody(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		put(t, k, at("login", "L", time.Now().Add(-24*time.Hour)))
		var n notes
		a := run(t, k, "a", leading, noting(&n))
		eventually(t, a.Ready)
		for i := range 5 {
			<-time.After(3 * time.Second) // each sample of the leader's end is too old by now
			began := time.Now()
			value := fmt.Sprint("P", i)
			put(t, k, at("phone", value, time.Now()))
			eventually(t, func() bool { return n.has(value) })
			if took := time.Since(began); took > 100*time.Millisecond {
				t.Errorf("%s was held for %v", value, took)
			}
		}
	})
}

func TestAnEmptyLeaderStopsNobody(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		var n notes
		put(t, k, at("phone", "P", time.Now()))
		run(t, k, "a", leading, noting(&n))
		eventually(t, func() bool { return n.has("P") })
	})
}

func TestALeaderThatEndsWithATransactionsMarkIsCaughtUp(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		cl, err := kgo.NewClient(append(k.connect, kgo.TransactionalID("backend"))...)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		for _, try := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			if err := cl.ProduceSync(t.Context(), at("login", "L", time.Now().Add(-time.Hour))).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if err := cl.EndTransaction(t.Context(), try); err != nil {
				t.Fatal(err)
			}
		}
		var n notes
		put(t, k, at("phone", "P", time.Now()))
		run(t, k, "a", leading, noting(&n))
		eventually(t, func() bool { return n.has("P") })
		eventually(t, func() bool { return k.committed("login", 0) == 4 })
	})
}

func TestAPausedLeaderStopsNobody(t *testing.T) {
	for name, change := range map[string]func(*stream.Loop){
		"its window is full": func(*stream.Loop) {},
		"it is held":         func(l *stream.Loop) { l.Hold("login") },
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "login", "phone")
				start := time.Now().Add(-time.Hour)
				for i := range 100 {
					put(t, k, at("login", fmt.Sprint("L", i), start.Add(time.Duration(i)*time.Second)))
				}
				put(t, k, at("phone", "P", time.Now()))
				var n notes
				run(t, k, "a", func(c *stream.Config) {
					leading(c)
					c.WindowRecords = 10
					c.Connect = append(c.Connect, kgo.FetchMaxPartitionBytes(200))
				}, func(l *stream.Loop) stream.Task {
					return &script{
						open: func() { change(l) },
						handle: func(in *stream.Input) {
							n.add(string(in.Record.Value))
							if in.Record.Topic == "phone" {
								in.Done(nil, nil)
							} // logins never end: the platform is away
						},
					}
				})
				eventually(t, func() bool { return n.has("P") })
				if n.has("L50") {
					t.Error("I9: the window was not bounded")
				}
			})
		})
	}
}

// The watermark is the sample's time and not now: a login that was appended in
// between, behind an outage with a timestamp of long ago, is not passed over.
func TestTheWatermarkFollowsTheSamplesWhileTheLeaderIsCaughtUp(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		old := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		put(t, k, at("login", "L", old))
		var marks notes
		run(t, k, "a", leading, func(l *stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				if l.Watermark().Equal(old) {
					marks.add("old")
				}
				in.Done(nil, nil)
				l.After(2*time.Second, func() {
					l.Watermark() // an old sample is renewed for the next who asks
					l.After(100*time.Millisecond, func() {
						first := l.Watermark()
						l.After(50*time.Millisecond, func() {
							if now := l.Now(); first.After(now.Add(-time.Second)) && first.Before(now) && l.Watermark().Equal(first) {
								marks.add("sampled")
							}
						})
					})
				})
			}}
		})
		eventually(t, func() bool { return marks.has("sampled") })
	})
}

// What stands in an open transaction cannot be read yet: it is no backlog.
func TestALeaderWithAnOpenTransactionStopsNobody(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		var n notes
		a := run(t, k, "a", leading, noting(&n))
		eventually(t, a.Ready)
		begin(t, transactional(t, k, "other"), at("login", "L", time.Now()))
		<-time.After(3 * time.Second)
		put(t, k, at("phone", "P", time.Now()))
		<-time.After(5 * time.Second)
		if got := n.String(); got != "P" {
			t.Errorf("handed over: %q", got)
		}
	})
}
