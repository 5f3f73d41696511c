package stream_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/stream"
)

// copier copies every input to the topic out.
type copier struct{ out string }

func (*copier) Restore(*stream.Record) {}
func (*copier) Open()                  {}
func (*copier) Close()                 {}
func (c *copier) Handle(in *stream.Input) {
	in.Done([]*stream.Record{{Topic: c.out, Key: in.Record.Key, Value: in.Record.Value}}, nil)
}

// virtually runs a test on virtual time: hours pass as fast as the processor
// allows, and a goroutine that is left behind fails it.
func virtually(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { <-time.After(time.Minute) }) // what clients wait for after they were closed
		f(t)
	})
}

// fakeKafka is a cluster on a network of its own.
type fakeKafka struct {
	*kfake.Cluster
	network *kfake.VirtualNetwork
	connect []kgo.Opt
}

func cluster(t testing.TB, partitions int32, topics ...string) *fakeKafka {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...),
		kfake.GroupMinSessionTimeout(time.Second), kfake.ListenFn(network.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &fakeKafka{c, network, []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(network.DialContext)}}
}

func config(connect []kgo.Opt, instance string) stream.Config {
	return stream.Config{
		Connect: connect, Role: "copy", Instance: instance, Group: "copy",
		TransactionalID: "copy-" + instance,
		Inputs:          []string{"in"},
		CommitInterval:  20 * time.Millisecond,
	}
}

// start runs an instance until the test ends or stop is called.
func start(t testing.TB, cfg stream.Config, task func(*stream.Loop) stream.Task) (stop func()) {
	t.Helper()
	r, err := stream.New(cfg, task)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func produce(t testing.TB, connect []kgo.Opt, n int, topic string) {
	t.Helper()
	cl, err := kgo.NewClient(append(connect, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range n {
		cl.Produce(context.Background(), &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%97), Value: strconv.AppendInt(nil, int64(i), 10)}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// readAll reads n records of a topic as a read_committed reader sees them.
func readAll(t testing.TB, connect []kgo.Opt, topic string, n int) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(append(connect, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var all []*kgo.Record
	for len(all) < n {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read %d of %d records of %s", len(all), n, topic)
		}
		all = append(all, fetches.Records()...)
	}
	return all
}

func TestEveryInputIsCopiedOnceInTheOrderOfItsPartition(t *testing.T) {
	virtually(t, copiedOnce)
}

func copiedOnce(t *testing.T) {
	connect := cluster(t, 4, "in", "out").connect
	produce(t, connect, 10_000, "in")
	start(t, config(connect, "a"), func(*stream.Loop) stream.Task { return &copier{"out"} })
	all := readAll(t, connect, "out", 10_000)
	seen := make(map[string]bool)
	last := make(map[int32]int)
	for _, rec := range all {
		if seen[string(rec.Value)] {
			t.Fatalf("%s twice", rec.Value)
		}
		seen[string(rec.Value)] = true
		n, _ := strconv.Atoi(string(rec.Value))
		if n < last[rec.Partition] {
			t.Fatalf("partition %d: %d after %d", rec.Partition, n, last[rec.Partition])
		}
		last[rec.Partition] = n
	}
	if len(all) != 10_000 {
		t.Fatalf("%d records", len(all))
	}
}
