package stream_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"doustream/platform/stream"
)

// counter keeps how often each key was seen, in a state topic, and puts the
// count out.
type counter struct {
	loop   *stream.Loop
	counts map[string]string
	opened bool
	onOpen func(*counter)
}

func (c *counter) Restore(rec *stream.Record) {
	if _, ok := stream.Marker(rec); ok {
		return
	}
	if !c.opened {
		c.counts[string(rec.Key)] = string(rec.Value)
	}
}

func (c *counter) Open() {
	c.opened = true
	if c.onOpen != nil {
		c.onOpen(c)
	}
}

func (c *counter) Close() {}

func (c *counter) Handle(in *stream.Input) {
	key := string(in.Record.Key)
	n := 0
	fmt.Sscan(c.counts[key], &n)
	c.counts[key] = fmt.Sprint(n + 1)
	value := []byte(c.counts[key])
	in.Done([]*stream.Record{
		{Topic: "state", Partition: in.Record.Partition, Key: in.Record.Key, Value: value},
		{Topic: "out", Key: in.Record.Key, Value: value},
	}, nil)
}

func newCounter(l *stream.Loop) *counter { return &counter{loop: l, counts: make(map[string]string)} }

func TestStateIsRestoredByTheNextInstance(t *testing.T) {
	virtually(t, stateIsRestoredByTheNextInstance)
}

func stateIsRestoredByTheNextInstance(t *testing.T) {
	connect := cluster(t, 2, "in", "out", "state").connect
	for round, instance := range []string{"a", "b", "a"} {
		produce(t, connect, 97, "in")
		cfg := config(connect, instance)
		cfg.State = []string{"state"}
		stop := start(t, cfg, func(l *stream.Loop) stream.Task { return newCounter(l) })
		last := make(map[string]string)
		for _, rec := range readAll(t, connect, "out", 97*(round+1)) {
			last[string(rec.Key)] = string(rec.Value)
		}
		for key, count := range last {
			if count != fmt.Sprint(round+1) {
				t.Fatalf("%s was counted %s times after round %d", key, count, round+1)
			}
		}
		stop()
	}
}

func TestAppendIsReadBackThroughRestore(t *testing.T) { virtually(t, appendIsReadBackThroughRestore) }

func appendIsReadBackThroughRestore(t *testing.T) {
	connect := cluster(t, 1, "in", "out", "state").connect
	cfg := config(connect, "a")
	cfg.State = []string{"state"}
	done := make(chan error, 1)
	start(t, cfg, func(l *stream.Loop) stream.Task {
		c := newCounter(l)
		c.onOpen = func(c *counter) {
			l.Append(&stream.Record{Topic: "state", Key: []byte("fact"), Value: []byte("1")}, func(err error) { done <- err })
		}
		return c
	})
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("not read back")
	}
}

func TestSingleOwnerIsTakenOverAtOnceAfterAnOrderlyEnd(t *testing.T) {
	virtually(t, singleOwnerIsTakenOverAtOnceAfterAnOrderlyEnd)
}

func singleOwnerIsTakenOverAtOnceAfterAnOrderlyEnd(t *testing.T) {
	connect := cluster(t, 3, "in", "out", "state").connect
	var mu sync.Mutex
	var owners []string
	run := func(instance string) (func(), *stream.Runtime) {
		cfg := config(connect, instance)
		cfg.Layout, cfg.TransactionalID, cfg.State = stream.SingleOwner, "copy", []string{"state"}
		r, err := stream.New(cfg, func(l *stream.Loop) stream.Task {
			c := newCounter(l)
			c.onOpen = func(*counter) {
				mu.Lock()
				defer mu.Unlock()
				owners = append(owners, instance)
			}
			return c
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		t.Cleanup(cancel)
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}, r
	}
	stopA, a := run("a")
	eventually(t, a.Ready)
	produce(t, connect, 97, "in")
	readAll(t, connect, "out", 97)
	_, b := run("b")
	eventually(t, b.Ready)
	began := time.Now()
	stopA()
	produce(t, connect, 97, "in")
	for _, rec := range readAll(t, connect, "out", 194)[97:] {
		if string(rec.Value) != "2" {
			t.Fatalf("%s was counted %s times", rec.Key, rec.Value)
		}
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the take-over took %v", took)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(owners) != "[a b]" {
		t.Errorf("owners: %v", owners)
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(3 * time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come to hold")
		}
	}
}
