package stream_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

// appending starts a task that notes what it is passed, and answers its loop once
// it is open.
func appending(t *testing.T, k *fakeKafka, n *notes) *stream.Loop {
	t.Helper()
	open := make(chan *stream.Loop, 1)
	run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
		s := remembering(n)(l).(*script)
		s.open = func() { open <- l }
		return s
	})
	return <-open
}

// tellBack appends a record, and notes when it is read back.
func tellBack(n *notes, l *stream.Loop, value string) {
	l.Append(record("state", "k", value), func(err error) {
		if err != nil {
			value += "-failed"
		}
		n.add("(" + value + ")")
	})
}

// unread has nobody read the state, or ask where it ends, until it is removed.
func unread(k *fakeKafka) *kfake.FaultHandle {
	return k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets}, Topic: "state", Err: kerr.NotLeaderForPartition, Count: -1})
}

// What all replicas have, right behind what the task was passed, needs no fetch.
func TestAnAppendThatComesNextIsKnownWithoutBeingFetched(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		l := appending(t, k, &n)
		fault := unread(k)
		tellBack(&n, l, "1")
		l.Append(record("state", "k", "2"), nil) // nobody waits for it, and it holds up no other
		tellBack(&n, l, "3")
		eventually(t, func() bool { return n.has("(3)") })
		fault.Remove()
		tellBack(&n, l, "4")
		eventually(t, func() bool { return n.has("(4)") })
		<-time.After(5 * time.Second) // the reader comes to them too, and passes over them
		if got := n.String(); got != "own-marker 1 (1) 2 3 (3) 4 (4)" {
			t.Errorf("passed: %s", got)
		}
	})
}

// I3: an append behind another owner's record is not read back before that was
// passed: it may be the outcome of the code, or a marker.
func TestI3AnAppendBehindAnothersRecordWaitsForIt(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		l := appending(t, k, &n)
		tellBack(&n, l, "1")
		eventually(t, func() bool { return n.has("(1)") })
		fault := unread(k)
		put(t, k, record("state", "k", "another's"))
		tellBack(&n, l, "2")
		<-time.After(5 * time.Second)
		if got := n.String(); got != "own-marker 1 (1)" {
			t.Errorf("passed while nothing could be read: %s", got)
		}
		fault.Remove()
		eventually(t, func() bool { return n.has("(2)") })
		tellBack(&n, l, "3")
		eventually(t, func() bool { return n.has("(3)") })
		if got := n.String(); got != "own-marker 1 (1) another's 2 (2) 3 (3)" {
			t.Errorf("passed: %s", got)
		}
	})
}

// Another owner's record is heard of though this one writes nothing.
func TestAnothersRecordIsHeardOfWithoutAnAppend(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		l := appending(t, k, &n)
		fault := unread(k)
		tellBack(&n, l, "1")
		eventually(t, func() bool { return n.has("(1)") })
		put(t, k, record("state", "k", "another's"))
		fault.Remove()
		eventually(t, func() bool { return n.has("another's") })
		<-time.After(time.Second)
		put(t, k, record("state", "k", "one-more"))
		<-time.After(time.Second)
		if got := n.String(); got != "own-marker 1 (1) another's one-more" {
			t.Errorf("passed: %s", got)
		}
	})
}

// Whoever writes in between, whatever is refused on the way, and whether a record
// came from its acknowledgement or from the log: a task is passed what stands in
// the log, in its order, once, and hears of its own when it was passed.
func TestATaskIsPassedTheLogWhoeverWrites(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			virtually(t, func(t *testing.T) { passedTheLog(t, seed) })
		})
	}
}

func passedTheLog(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	k := cluster(t, 1, "in", "out", "state")
	other, err := kgo.NewClient(append(k.connect[:len(k.connect):len(k.connect)], kgo.DefaultProduceTopic("state"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	sometimes := func(kmsg.Request) bool { return rand.IntN(8) == 0 }
	faults := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch, kmsg.Produce}, Topic: "state", Err: kerr.NotLeaderForPartition, Count: 50, When: sometimes})
	var n notes
	l := appending(t, k, &n)
	const own = 300
	for i := range own {
		tellBack(&n, l, fmt.Sprint("own-", i))
		if rng.IntN(5) == 0 {
			other.Produce(context.Background(), record("state", "k", fmt.Sprint("other-", i)), nil)
		}
		if rng.IntN(2) == 0 {
			<-time.After(time.Duration(rng.IntN(40)) * time.Millisecond)
		}
		if rng.IntN(30) == 0 {
			<-time.After(3 * time.Second) // and what stands there is not read any more
		}
	}
	if err := other.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return strings.Count(n.String(), "(") == own })
	faults.Remove()
	// One that was refused again and again has failed, and may not be in the log.
	end := k.PartitionInfo("state", 0).HighWatermark
	log := strings.Fields(values(t, k, "state", int(end)))[1:] // behind the marker
	var passed []string
	known := map[string]bool{}
	for _, what := range strings.Fields(n.String())[1:] {
		if back, ok := strings.CutPrefix(what, "("); ok {
			if !strings.HasSuffix(back, "-failed)") && !known[strings.TrimSuffix(back, ")")] {
				t.Fatalf("%s was read back and not passed", what)
			}
			continue
		}
		known[what] = true
		passed = append(passed, what)
	}
	if last := min(len(passed), len(log)); !slices.Equal(passed, log[:last]) {
		t.Errorf("passed: %v\nin the log: %v", passed, log)
	}
}
