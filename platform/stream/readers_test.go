package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

// State is read by two clients, each that of every second task.

// stateOf is a record of state for the task with that number.
func stateOf(number int32, value string) *kgo.Record {
	rec := record("state", value[:min(len(value), 8)], value)
	rec.Partition = number
	return rec
}

// large is what takes many to be more than a reader may be ahead by, and does not
// get smaller on the wire: what state holds is sealed.
func large() string {
	b := make([]byte, 400<<10)
	rand.NewChaCha8([32]byte{}).Read(b) //nolint:errcheck // it never fails
	return string(b)
}

// fill gives a task more state than a reader may be ahead by.
func fill(t *testing.T, k *fakeKafka, number int32, large string) {
	t.Helper()
	var all []*kgo.Record
	for range 20 {
		all = append(all, stateOf(number, large))
	}
	put(t, k, all...)
}

// byTask notes what each task of an instance restores, the tenures after one
// another.
type byTask struct {
	mu   sync.Mutex
	all  map[int32][]*notes
	hold func(l *stream.Loop) // before each record; may block
}

func (b *byTask) task(l *stream.Loop) stream.Task {
	n := &notes{}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = make(map[int32][]*notes)
	}
	b.all[l.Partition()] = append(b.all[l.Partition()], n)
	s := remembering(n)(l).(*script)
	restore := s.restore
	s.restore = func(rec *stream.Record) {
		if b.hold != nil {
			b.hold(l)
		}
		restore(rec)
	}
	return s
}

// last is what the task's newest tenure noted; empty if there is none.
func (b *byTask) last(number int32) *notes {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.all[number]); n > 0 {
		return b.all[number][n-1]
	}
	return &notes{}
}

func (b *byTask) tenures(number int32) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all[number])
}

func (b *byTask) total() (n int) {
	for i := range int32(4) {
		n += b.tenures(i)
	}
	return n
}

// A task that takes its state in slowly holds up those whose state its reader
// reads, for its own sake, but not those of the other.
func TestATaskThatRestoresSlowlyHoldsUpNoneOfTheOtherReader(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 4, "in", "out", "state")
		large := large()
		fill(t, k, 0, large)
		for i := range int32(4) {
			put(t, k, stateOf(i, fmt.Sprint("state of ", i)))
		}
		held, goOn := context.WithCancel(t.Context())
		b := &byTask{hold: func(l *stream.Loop) {
			if l.Partition() == 0 {
				<-held.Done()
			}
		}}
		a := run(t, k, "a", withState, b.task)
		defer goOn()
		eventually(t, func() bool { return b.tenures(0) > 0 })
		for _, number := range []int32{1, 3} {
			eventually(t, func() bool { return b.last(number).has("open") })
		}
		<-time.After(10 * time.Second)
		put(t, k, stateOf(1, "later"), stateOf(3, "later"))
		for _, number := range []int32{1, 3} {
			eventually(t, func() bool { return b.last(number).has("later") })
		}
		if a.Ready() {
			t.Error("ready, with a task that is not restored")
		}
		goOn()
		eventually(t, a.Ready)
		for i, want := range map[int32]string{1: "state of 1 own-marker open later", 2: "state of 2 own-marker open", 3: "state of 3 own-marker open later"} {
			if got := b.last(i).String(); got != want {
				t.Errorf("task %d restored %s; want %s", i, got, want)
			}
		}
		if got := strings.ReplaceAll(b.last(0).String(), large, "x"); strings.Count(got, "x ") != 20 || !strings.HasSuffix(got, "own-marker open") {
			t.Errorf("task 0 restored %s", got)
		}
	})
}

// I9: all readers together are ahead of all tasks together by so much at most,
// however many tasks stand still.
func TestI9ReadersAreAheadOfTheirTasksByABound(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 4, "in", "out", "state")
		large := large()
		for i := range int32(4) {
			fill(t, k, i, large)
		}
		held, goOn := context.WithCancel(t.Context())
		b := &byTask{hold: func(*stream.Loop) { <-held.Done() }}
		a := run(t, k, "a", withState, b.task)
		defer goOn()
		<-time.After(30 * time.Second)
		synctest.Wait()
		if ahead := a.Ahead(); ahead > stream.MostAhead || ahead < stream.MostAhead/2 {
			t.Errorf("%d bytes were read and not taken in; want %d at most, of %d", ahead, stream.MostAhead, 4*20*len(large))
		}
		goOn()
		eventually(t, a.Ready)
		if ahead := a.Ahead(); ahead != 0 {
			t.Errorf("%d bytes are reckoned as ahead after all was taken in", ahead)
		}
	})
}

// While a reader's broker does not answer it, the other goes on.
func TestAReaderThatGetsNoAnswerHoldsUpNoneOfTheOther(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 2, "in", "out", "state")
		put(t, k, stateOf(0, "state of 0"), stateOf(1, "state of 1"))
		began, id := time.Now(), k.TopicInfo("state").TopicID
		refused := 0
		k.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			for _, topic := range r.(*kmsg.FetchRequest).Topics {
				for _, p := range topic.Partitions {
					if topic.TopicID == id && p.Partition == 0 && time.Since(began) < 20*time.Second {
						refused++
						return nil, errors.New("no answer"), true
					}
				}
			}
			return nil, nil, false
		})
		b := &byTask{}
		a := run(t, k, "a", func(c *stream.Config) {
			withState(c)
			c.Connect = append(c.Connect, kgo.DisableFetchSessions()) // each fetch names what it asks for
		}, b.task)
		eventually(t, func() bool { return b.last(1).has("open") })
		put(t, k, stateOf(1, "later"))
		eventually(t, func() bool { return b.last(1).has("later") })
		if took := time.Since(began); took > 15*time.Second || b.last(0).has("open") {
			t.Errorf("after %v task 0 has restored %s", took, b.last(0))
		}
		eventually(t, a.Ready)
		if refused == 0 {
			t.Error("nothing went unanswered")
		}
		if got := b.last(0).String(); got != "state of 0 own-marker open" {
			t.Errorf("task 0 restored %s", got)
		}
	})
}

// Tasks go and come back, one of each reader's at least; those that stay are read on
// meanwhile, and nobody is passed what another's tenure was read.
func TestReadersAddAndRemoveTasks(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 4, "in", "out", "state")
		var first, second byTask
		a := run(t, k, "a", withState, first.task)
		eventually(t, a.Ready)
		everywhere := func(value string) {
			for i := range int32(4) {
				put(t, k, stateOf(i, value))
			}
		}
		holder := func(i int32) *notes {
			if second.last(i).has("open") {
				return second.last(i)
			}
			return first.last(i)
		}
		seen := func(value string) {
			for i := range int32(4) {
				eventually(t, func() bool { return holder(i).has(value) })
			}
		}
		everywhere("1")
		seen("1")
		b := run(t, k, "b", withState, second.task)
		eventually(t, func() bool { return a.Ready() && b.Ready() && second.total() == 2 })
		everywhere("2")
		seen("2")
		b.stop(t)
		eventually(t, func() bool { return first.total() == 6 && a.Ready() })
		everywhere("3")
		for i := range int32(4) {
			eventually(t, func() bool { return first.last(i).has("3") })
			want := "own-marker open 1 2 3"
			if second.tenures(i) > 0 {
				want = "marker 1 marker 2 own-marker open 3"
				if got := second.last(i).String(); got != "marker 1 own-marker open 2" {
					t.Errorf("task %d, away from home, was passed %s", i, got)
				}
				if got := first.all[i][0].String(); got != "own-marker open 1" {
					t.Errorf("task %d, before it went, was passed %s", i, got)
				}
			}
			if got := first.last(i).String(); got != want {
				t.Errorf("task %d was passed %s; want %s", i, got, want)
			}
		}
	})
}
