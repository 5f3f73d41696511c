package sinks

import (
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/embedded"
	"doustream/schemas"
)

// benchRecords are records of all kinds in the mix that a mini-app sends.
func benchRecords(b *testing.B, n int) []*kgo.Record {
	kinds := everyKind()
	mix := []int{0, 0, 0, 1, 2, 3, 5, 6} // logins first, an address now and then
	records := make([]*kgo.Record, n)
	for i := range records {
		u := kinds[mix[i%len(mix)]]
		if i%50 == 0 {
			u = kinds[4]
		}
		records[i] = userRecord(b, int64(i), &u)
	}
	return records
}

// cpu is the processor time that this process has used: a figure that holds on a
// machine that does other things as well.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU reports the processor time for each of n things since began.
func reportCPU(b *testing.B, began time.Duration, n int, unit string) {
	b.ReportMetric(float64((cpu()-began).Nanoseconds())/float64(n), "cpu-ns/"+unit)
}

// BenchmarkRow is what one row costs before it is sent: decoded into columns.
func BenchmarkRow(b *testing.B) {
	records := benchRecords(b, 10_000)
	b.Run("decode and append", func(b *testing.B) {
		block := newBlock(newUserRows(nil))
		for _, rec := range records {
			block.add(rec)
		}
		b.ReportAllocs()
		began := cpu()
		for i := 0; b.Loop(); i++ {
			if i%len(records) == 0 {
				block.reset()
			}
			block.add(records[i%len(records)])
		}
		reportCPU(b, began, b.N, "row")
	})
	b.Run("decode alone", func(b *testing.B) {
		b.ReportAllocs()
		began := cpu()
		for i := 0; b.Loop(); i++ {
			if _, err := schemas.DecodeEnrichedUser(records[i%len(records)].Value); err != nil {
				b.Fatal(err)
			}
		}
		reportCPU(b, began, b.N, "row")
	})
	b.Run("encode", func(b *testing.B) {
		block := newBlock(newUserRows(nil))
		for _, rec := range records {
			block.add(rec)
		}
		var buf proto.Buffer
		began := cpu()
		for b.Loop() {
			buf.Reset()
			out := proto.Block{Rows: len(block.at), Columns: len(block.input())}
			if err := out.EncodeRawBlock(&buf, 54460, block.input()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(buf.Buf))/float64(len(records)), "bytes/row")
		reportCPU(b, began, b.N*len(records), "row")
	})
}

// BenchmarkClickHouse fills ClickHouse from a backlog, beside the bare ceiling:
// the same records fetched, decoded and put into columns, and nothing else. Kafka
// and ClickHouse are processes of their own, so that the processor time is the
// sink's. Blocks and rows are as configured by default.
func BenchmarkClickHouse(b *testing.B) {
	const (
		partitions = 6
		perBatch   = 20_000
	)
	const total = 300_000
	w := newBenchWorld(b, partitions)
	records := benchRecords(b, perBatch)
	for sent := 0; sent < total; sent += perBatch {
		batch := make([]*kgo.Record, len(records))
		for i, rec := range records {
			batch[i] = &kgo.Record{Topic: "test." + schemas.TopicUsers, Partition: int32(i % partitions), Key: []byte("o-1"), Value: rec.Value}
		}
		w.produce(batch...)
	}
	measureOnce(b, "ceiling", total, func() { w.ceiling(b, total) })
	measureOnce(b, "sink", total, func() {
		cfg := w.config()
		cfg.BlockRows, cfg.BlockAge, cfg.InsertsPerSecond = 0, 0, 0
		_, stop := w.run(cfg)
		w.await(uint64(total), "SELECT count() FROM user_events")
		stop()
	})
}

// measureOnce runs f once, however often the benchmark wants it: a backlog can be
// read once.
func measureOnce(b *testing.B, name string, rows int, f func()) {
	var took, spent time.Duration
	b.Run(name, func(b *testing.B) {
		if took == 0 {
			began, started := cpu(), time.Now()
			f()
			took, spent = time.Since(started), cpu()-began
		}
		for b.Loop() {
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
		b.ReportMetric(float64(rows)/spent.Seconds(), "rows/cpu-s")
	})
}

// newBenchWorld is a world whose Kafka is a process of its own.
func newBenchWorld(b *testing.B, partitions int32) *world {
	b.Helper()
	kafka, err := embedded.StartKafkaProcess(testContext(b), embedded.KafkaOptions{Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = kafka.Close() })
	return newWorldOn(b, kafka.Brokers(), partitions)
}

// ceiling fetches, decodes and puts into columns.
func (w *world) ceiling(b *testing.B, total int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.ConsumeTopics("test."+schemas.TopicUsers),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	block := newBlock(newUserRows(nil))
	for rows := 0; rows < total; {
		fetches := client.PollRecords(testContext(b), pollRecords)
		if err := fetches.Err(); err != nil {
			b.Fatal(err)
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			block.add(rec)
			rows++
			if block.count == 100_000 {
				block.reset()
			}
		})
	}
}
