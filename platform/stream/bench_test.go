package stream_test

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/stream"
)

// BenchmarkCopy copies a backlog exactly once, in order, with this runtime, and
// beside it with the bare loop that promises nothing: the ratio holds on any
// machine.
func BenchmarkCopy(b *testing.B) {
	const backlog = 200_000
	b.Run("bare", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			connect := bareCluster(b)
			produce(b, connect, backlog, "in")
			b.StartTimer()
			bareCopy(b, connect, backlog)
		}
		b.ReportMetric(float64(backlog)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("stream", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			connect := bareCluster(b)
			produce(b, connect, backlog, "in")
			b.StartTimer()
			streamCopy(b, connect, backlog)
		}
		b.ReportMetric(float64(backlog)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// bareCluster speaks TCP, as a real one does.
func bareCluster(b *testing.B) []kgo.Opt {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "in", "out"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
}

func bareCopy(b *testing.B, connect []kgo.Opt, n int) {
	cl, err := kgo.NewClient(append(connect, kgo.ConsumeTopics("in"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.MaxBufferedRecords(1<<17))...)
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	for read := 0; read < n; {
		cl.PollFetches(context.Background()).EachRecord(func(rec *kgo.Record) {
			read++
			cl.Produce(context.Background(), &kgo.Record{Topic: "out", Key: rec.Key, Value: rec.Value}, nil)
		})
	}
	if err := cl.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// counted is a copier that says when n records have retired.
type counted struct {
	copier
	left *atomic.Int64
	done chan struct{}
}

func (c *counted) Handle(in *stream.Input) {
	in.Done([]*stream.Record{{Topic: c.out, Key: in.Record.Key, Value: in.Record.Value}}, func() {
		if c.left.Add(-1) == 0 {
			close(c.done)
		}
	})
}

func streamCopy(b *testing.B, connect []kgo.Opt, n int) {
	cfg := config(connect, "bench")
	cfg.CommitInterval = 100 * time.Millisecond
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	stop := start(b, cfg, func(*stream.Loop) stream.Task { return &counted{copier{"out"}, &left, done} })
	<-done
	stop() // drains and commits
}

// BenchmarkRestore reads a state topic of sealed facts up to the own marker.
func BenchmarkRestore(b *testing.B) {
	const facts = 300_000
	for range b.N {
		b.StopTimer()
		connect := bareCluster(b)
		fillState(b, connect, facts)
		opened := make(chan struct{})
		cfg := config(connect, "bench")
		cfg.State = []string{"out"}
		b.StartTimer()
		stop := start(b, cfg, func(l *stream.Loop) stream.Task {
			if l.Partition() != 0 {
				return &copier{"out"}
			}
			return &script{loop: l, open: func() { close(opened) }}
		})
		<-opened
		b.StopTimer()
		stop()
	}
	b.ReportMetric(float64(facts)*float64(b.N)/b.Elapsed().Seconds(), "facts/s")
}

func fillState(b *testing.B, connect []kgo.Opt, n int) {
	cl, err := kgo.NewClient(append(connect, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1<<18))...)
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	value := make([]byte, 200)
	for i := range n {
		cl.Produce(b.Context(), &kgo.Record{Topic: "out", Key: binary.BigEndian.AppendUint64(nil, uint64(i)), Value: value}, nil)
	}
	if err := cl.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}
