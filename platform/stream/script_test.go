package stream_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
)

// script is a task whose methods a test writes; what it does not write does
// nothing, and Handle copies to out.
type script struct {
	loop    *stream.Loop
	restore func(*stream.Record)
	open    func()
	handle  func(*stream.Input)
	close   func()
}

func (s *script) Restore(rec *stream.Record) {
	if s.restore != nil {
		s.restore(rec)
	}
}

func (s *script) Open() {
	if s.open != nil {
		s.open()
	}
}

func (s *script) Close() {
	if s.close != nil {
		s.close()
	}
}

func (s *script) Handle(in *stream.Input) {
	if s.handle != nil {
		s.handle(in)
		return
	}
	in.Done(copyOf(in), nil)
}

func copyOf(in *stream.Input) []*stream.Record {
	return []*stream.Record{{Topic: "out", Key: in.Record.Key, Value: in.Record.Value}}
}

// drainingScript has a Drain of its own.
type drainingScript struct {
	script
	drain func(done func())
}

func (s *drainingScript) Drain(done func()) { s.drain(done) }

// instance runs a script; its error is kept.
type instance struct {
	*stream.Runtime
	wire *streamtest.Wire
	quit context.CancelFunc
	done chan struct{}
	err  error // after done
}

func run(t *testing.T, k *fakeKafka, name string, change func(*stream.Config), task func(*stream.Loop) stream.Task) *instance {
	t.Helper()
	w := streamtest.NewWire()
	cfg := config([]kgo.Opt{k.connect[0], kgo.Dialer(w.Kafka(k.network.DialContext))}, name)
	cfg.Logger = testLog(name)
	if change != nil {
		change(&cfg)
	}
	r, err := stream.New(cfg, task)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{Runtime: r, wire: w, quit: cancel, done: make(chan struct{})}
	go func() {
		defer close(i.done)
		i.err = r.Run(ctx)
	}()
	t.Cleanup(func() {
		w.Thaw()
		cancel()
		<-i.done
	})
	return i
}

// stop ends an instance in good order.
func (i *instance) stop(t *testing.T) {
	t.Helper()
	i.quit()
	<-i.done
	if i.err != nil {
		t.Errorf("Run: %v", i.err)
	}
}

// failure waits for Run's error and checks that it names what it must.
func (i *instance) failure(t *testing.T, names ...string) {
	t.Helper()
	select {
	case <-i.done:
	case <-time.After(3 * time.Minute):
		t.Fatal("Run has not returned")
	}
	if i.err == nil {
		t.Fatal("Run returned no error")
	}
	for _, name := range names {
		if !strings.Contains(i.err.Error(), name) {
			t.Errorf("Run: %v, which does not name %s", i.err, name)
		}
	}
}

// put writes records with given values to a topic, all with one key.
func put(t *testing.T, k *fakeKafka, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(append(k.connect[:len(k.connect):len(k.connect)], kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func record(topic, key, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}
}

// values reads n records of a topic and gives their values.
func values(t *testing.T, k *fakeKafka, topic string, n int) string {
	t.Helper()
	var all []string
	for _, rec := range readAll(t, k.connect, topic, n) {
		all = append(all, string(rec.Value))
	}
	return strings.Join(all, " ")
}

// journal of what happened, for tests.
type notes struct {
	mu  sync.Mutex
	all []string
}

func (n *notes) add(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, s)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.all, " ")
}

func (n *notes) has(s string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, have := range n.all {
		if have == s {
			return true
		}
	}
	return false
}

// committed is the offset that the group holds, -1 for none.
func (k *fakeKafka) committed(topic string, partition int32) int64 {
	info := k.GroupInfo("copy")
	if info == nil {
		return -1
	}
	commit, ok := info.Commits[topic][partition]
	if !ok {
		return -1
	}
	return commit.Offset
}

func fetchBytes(n int32) kgo.Opt { return kgo.FetchMaxPartitionBytes(n) }
