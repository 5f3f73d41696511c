package stream_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/stream"
)

// I2: what ends after its partition is gone changes nothing, and the next owner
// does it.
func TestACompletionAfterTheHandOverChangesNothing(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		stuck := make(chan *stream.Input, 1)
		var loop *stream.Loop
		closed := make(chan struct{})
		a := run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
			loop = l
			return &script{handle: func(in *stream.Input) { stuck <- in }, close: func() { close(closed) }}
		})
		put(t, k, record("in", "k", "1"))
		in := <-stuck
		b := run(t, k, "b", nil, copies)
		eventually(t, b.Ready)
		a.stop(t) // waits for the drain, in vain
		<-closed
		if loop.Post(func() { t.Error("I2: called after Close") }) {
			t.Error("I2: Post was accepted after Close")
		}
		in.Done(copyOf(in), func() { t.Error("I2: retired after Close") })
		if got := values(t, k, "out", 1); got != "1" {
			t.Errorf("out holds %s", got)
		}
		<-time.After(time.Second)
		if at := k.committed("in", 0); at != 1 {
			t.Errorf("I1: %d is committed", at)
		}
		if !loop.Lease().IsZero() {
			t.Error("a closed task has a lease")
		}
	})
}

func TestAHandOverWaitsForWhatIsUnderWay(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		a := run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				l.After(3*time.Second, func() { in.Done(copyOf(in), nil) })
			}}
		})
		put(t, k, record("in", "k", "1"), record("in", "k", "2"))
		eventually(t, a.Ready)
		<-time.After(time.Second)
		a.stop(t)
		if at := k.committed("in", 0); at != 1 {
			t.Errorf("%d is committed; the first was under way, the second was not", at)
		}
	})
}

func TestATaskThatDrainsItselfSaysWhenItIsDone(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		a := run(t, k, "a", func(c *stream.Config) { c.State = []string{"state"} }, func(l *stream.Loop) stream.Task {
			d := &drainingScript{}
			d.handle = func(in *stream.Input) {
				n.add("handle")
				in.Done(nil, nil)
			}
			d.close = func() {
				n.add("close")
				l.Append(record("state", "k", "after close"), func(error) { n.add("read back after close") })
			}
			d.drain = func(done func()) {
				n.add("drain")
				l.After(2*time.Second, func() {
					l.Emit([]*stream.Record{record("out", "k", "last")}, func() {
						n.add("committed")
						done()
					})
				})
			}
			return d
		})
		put(t, k, record("in", "k", "1"))
		eventually(t, func() bool { return n.has("handle") })
		a.stop(t)
		if got := n.String(); got != "handle drain committed close" {
			t.Errorf("what happened: %s", got)
		}
		if got := values(t, k, "out", 1); got != "last" {
			t.Errorf("out holds %s", got)
		}
		if all := readAll(t, k.connect, "state", 2); string(all[1].Value) != "after close" {
			t.Errorf("Append after Close left %q", all[1].Value)
		}
	})
}

func TestATakeOverAfterAnOrderlyEndIsImmediate(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 2, "in", "out")
		a := run(t, k, "a", nil, copies)
		eventually(t, a.Ready)
		b := run(t, k, "b", nil, copies)
		eventually(t, b.Ready)
		a.stop(t)
		began := time.Now()
		put(t, k, record("in", "k", "1"))
		eventually(t, func() bool { return k.committed("in", 0) == 1 })
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %v, as though the session had to time out", took)
		}
	})
}

// A partition that stays is worked on while others are handed over.
func TestAPartitionThatStaysIsNotInterrupted(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 2, "in", "out")
		var n notes
		a := run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
			n.add(fmt.Sprint("a-opens-", l.Partition()))
			return &script{
				handle: func(in *stream.Input) {
					if string(in.Record.Value) == "slow" {
						l.After(6*time.Second, func() { in.Done(copyOf(in), nil) })
						return
					}
					n.add(fmt.Sprint("a-handles-", l.Partition()))
					in.Done(copyOf(in), nil)
				},
				close: func() { n.add(fmt.Sprint("a-closes-", l.Partition())) },
			}
		})
		eventually(t, a.Ready)
		both := func(key, value string) {
			for p := range int32(2) {
				rec := record("in", key, value)
				rec.Partition = p
				put(t, k, rec)
			}
		}
		both("k", "slow")
		<-time.After(time.Second)
		run(t, k, "b", nil, func(l *stream.Loop) stream.Task {
			n.add(fmt.Sprint("b-opens-", l.Partition()))
			return &script{}
		})
		<-time.After(3 * time.Second) // one of the two drains
		both("l", "quick")
		<-time.After(time.Second)
		if got := n.String(); strings.Count(got, "a-handles") != 1 || strings.Contains(got, "b-opens") {
			t.Errorf("while one drains: %s", got)
		}
		<-time.After(15 * time.Second)
		got := n.String()
		if strings.Count(got, "a-opens") != 2 || strings.Count(got, "a-closes") != 1 || strings.Count(got, "b-opens") != 1 {
			t.Errorf("what happened: %s", got)
		}
		if got := values(t, k, "out", 4); strings.Count(got, "slow") != 2 || strings.Count(got, "quick") != 2 {
			t.Errorf("out holds %s", got)
		}
	})
}

func TestInputsOfOneKeyAndTopicFollowOneAnother(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var n notes
		run(t, k, "a", nil, func(l *stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				value := string(in.Record.Value)
				n.add("+" + value)
				if l.Queued("in", []byte("k")) != (value != "k2") {
					t.Errorf("%s: Queued is %v", value, l.Queued("in", []byte("k")))
				}
				l.After(time.Second, func() {
					n.add("-" + value)
					in.Done(copyOf(in), nil)
				})
			}}
		})
		nilKey := []*stream.Record{{Topic: "in", Value: []byte("n1")}, {Topic: "in", Value: []byte("n2")}}
		put(t, k, append(nilKey, record("in", "k", "k1"), record("in", "k", "k2"), record("in", "l", "l1"))...)
		if got := values(t, k, "out", 5); got != "n1 n2 k1 k2 l1" {
			t.Errorf("out holds %s", got)
		}
		got := n.String()
		if !strings.HasPrefix(got, "+n1 +n2 +k1 +l1 -") || strings.Index(got, "+k2") < strings.Index(got, "-k1") {
			t.Errorf("what happened: %s", got)
		}
	})
}

func TestInputsOfAnOverlappingTopicAreUnderWayTogetherAndLeaveInOrder(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		run(t, k, "a", func(c *stream.Config) { c.Overlap = []string{"in"} }, func(*stream.Loop) stream.Task {
			var held []*stream.Input
			return &script{handle: func(in *stream.Input) {
				if held = append(held, in); len(held) < 3 {
					return
				}
				for i := range held { // the last is done first
					last := held[len(held)-1-i]
					last.Done(copyOf(last), nil)
				}
			}}
		})
		put(t, k, record("in", "k", "1"), record("in", "k", "2"), record("in", "k", "3"))
		if got := values(t, k, "out", 3); got != "1 2 3" {
			t.Errorf("out holds %s", got)
		}
	})
}

// I9: a task at a bound of its own holds one topic; the others go on, and so does
// that one once each Hold was taken back.
func TestAHeldTopicIsHandedOverAfterItsLastRelease(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "other", "out")
		var n notes
		a := run(t, k, "a", func(c *stream.Config) { c.Inputs = append(c.Inputs, "other") }, func(l *stream.Loop) stream.Task {
			return &script{handle: func(in *stream.Input) {
				value := string(in.Record.Value)
				n.add(value)
				switch value {
				case "first":
					l.Hold("in")
					l.Hold("in")
				case "release":
					l.Release("in")
				}
				in.Done(nil, nil)
			}}
		})
		eventually(t, a.Ready)
		for i, rec := range []*stream.Record{record("in", "k", "first"), record("in", "l", "held"), record("other", "k", "release"), record("other", "k", "release")} {
			put(t, k, rec)
			<-time.After(time.Second)
			if n.has("held") != (i == 3) {
				t.Errorf("after %s: %s", rec.Value, &n)
			}
		}
		if !a.Ready() {
			t.Error("the membership ended")
		}
	})
}

func TestWindowBoundsWhatIsHeld(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		produce(t, k.connect, 5000, "in")
		var inputs []*stream.Input // the loop's
		var handed atomic.Int64
		release := make(chan struct{})
		run(t, k, "a", func(c *stream.Config) {
			c.WindowRecords = 100
			c.Connect = append(c.Connect, fetchBytes(4<<10))
		}, func(l *stream.Loop) stream.Task {
			return &script{
				open: func() {
					go func() {
						<-release
						l.Post(func() {
							for _, in := range inputs {
								in.Done(copyOf(in), nil)
							}
							inputs = nil
						})
					}()
				},
				handle: func(in *stream.Input) {
					select {
					case <-release:
						in.Done(copyOf(in), nil)
					default:
						inputs = append(inputs, in)
						handed.Add(1)
					}
				},
			}
		})
		<-time.After(20 * time.Second)
		held := handed.Load()
		close(release)
		if held == 0 || held > 1000 {
			t.Errorf("I9: %d records were handed over for a window of 100", held)
		}
		if got := len(readAll(t, k.connect, "out", 5000)); got != 5000 {
			t.Errorf("%d records came out", got)
		}
	})
}

// I9: a backend may put into headers what it does not put into the value, and a
// header without a byte takes memory too.
func TestI9WindowBoundsTheHeadersThatAreHeld(t *testing.T) {
	for name, headers := range map[string][]kgo.RecordHeader{
		"large ones": {{Key: "trace", Value: bytes.Repeat([]byte("x"), 4<<10)}},
		"many":       make([]kgo.RecordHeader, 200),
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out")
				backend, err := kgo.NewClient(k.connect...)
				if err != nil {
					t.Fatal(err)
				}
				defer backend.Close()
				for i := range 150 { // a batch each, that one fetch does not bring all
					rec := record("in", fmt.Sprint(i), "v")
					rec.Headers = headers
					if err := backend.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
						t.Fatal(err)
					}
				}
				var handed atomic.Int64
				run(t, k, "a", func(c *stream.Config) {
					c.WindowBytes = 64 << 10
					c.Connect = append(c.Connect, fetchBytes(4<<10))
				}, func(*stream.Loop) stream.Task {
					return &script{handle: func(*stream.Input) { handed.Add(1) }}
				})
				<-time.After(5 * time.Second)
				if held := handed.Load(); held == 0 || held > 100 {
					t.Errorf("I9: %d records were handed over, with headers of 4 KiB and more each, for a window of 64 KiB", held)
				}
			})
		})
	}
}
