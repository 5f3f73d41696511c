package sinks

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/embedded"
	"doustream/schemas"
)

// benchRecords are n records of a crowd.
func benchRecords(b *testing.B, n int) []*kgo.Record {
	crowd, records := newCrowd(), make([]*kgo.Record, n)
	for i := range records {
		u := crowd.next()
		records[i] = userRecord(b, int64(i), &u)
	}
	return records
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
		reader := schemas.NewUserReader(nil)
		b.ReportAllocs()
		began := cpu()
		for i := 0; b.Loop(); i++ {
			if _, err := reader.Read(records[i%len(records)].Value); err != nil {
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

// benchPatience bounds one reading of a backlog, on a machine that is not quiet.
const benchPatience = 15 * time.Minute

// backlogRows is how many records wait where the benchmark is as long as it
// should be for a figure; 0: as short as it may be for a look.
func backlogRows() int {
	rows, _ := strconv.Atoi(os.Getenv("DOUSTREAM_BENCH_SINK"))
	return rows
}

// BenchmarkBacklog fills ClickHouse from a backlog, beside the bare ceiling (the
// same records fetched, decoded and put into columns, and nothing else) and beside
// ClickHouse's own Kafka engine on the same topic. Kafka, ClickHouse and what is
// measured are processes of their own. It ends with a table of all runs.
func BenchmarkBacklog(b *testing.B) {
	var all figures
	b.Run("kfake", func(b *testing.B) {
		kafka, err := embedded.StartKafkaProcess(testContext(b), embedded.KafkaOptions{Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = kafka.Close() })
		all.backlog(b, kafka.Brokers())
	})
	if backlogRows() > 0 {
		b.Run("apache", func(b *testing.B) {
			kafka, err := embedded.StartApache(testContext(b), embedded.ApacheOptions{Dir: b.TempDir(), HeapMB: 1024})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = kafka.Close() })
			all.backlog(b, kafka.Brokers())
		})
	}
	all.print()
}

func (f *figures) backlog(b *testing.B, brokers []string) {
	rows, sizes := 300_000, []int{25_000, 100_000}
	if backlogRows() > 0 {
		rows, sizes = backlogRows(), []int{25_000, 100_000, 250_000}
	}
	waiting := newBacklog(b, brokers, rows)
	for _, pooled := range []bool{false, true} {
		name := map[bool]string{false: "ceiling", true: "ceiling with the sink's memory"}[pooled]
		b.Run(name, func(b *testing.B) {
			for range b.N {
				began := time.Now()
				c := measure(b, measured{Does: "ceiling", Pooled: pooled, Brokers: brokers, Rows: rows, BlockRows: 100_000}, nil)
				f.add(b, figure{rows: rows, took: time.Since(began), cost: c})
			}
		})
	}
	for _, size := range sizes {
		b.Run(fmt.Sprintf("sink of %d", size), func(b *testing.B) {
			for range b.N {
				f.add(b, benchSink(b, waiting, size, "lz4"))
			}
		})
	}
	if backlogRows() > 0 && b.Name() == "BenchmarkBacklog/kfake" { // that it is another Kafka makes no difference
		for _, way := range []string{"none", "zstd"} {
			b.Run("sink of 100000 "+way, func(b *testing.B) {
				for range b.N {
					f.add(b, benchSink(b, waiting, 100_000, way))
				}
			})
		}
	}
	b.Run("kafka engine", func(b *testing.B) {
		for range b.N {
			f.add(b, benchKafkaEngine(b, waiting))
		}
	})
}

// benchSink empties the backlog into a new ClickHouse, in blocks of size rows,
// compressed as asked.
func benchSink(b *testing.B, from *backlog, size int, compress string) figure {
	engine := migrated(b)
	defer engine.Close()
	group := fmt.Sprintf("bench.%s.%d", b.Name(), time.Now().UnixNano())
	before, began := cpuOf(engine.PID()), time.Now()
	var took time.Duration
	c := measure(b, measured{Does: "sink", Brokers: from.brokers, DSN: engine.DSN() + "?compress=" + compress, Group: group, BlockRows: size}, func() {
		awaitCommitted(b, from, group)
		took = time.Since(began)
	})
	spent := cpuOf(engine.PID()) - before
	if n := count(b, connect(b, engine.DSN()), "SELECT uniqExact(_topic, _partition, _offset) FROM user_events"); n != uint64(from.rows) {
		b.Fatalf("I5: %d rows of %d records", n, from.rows)
	}
	return figure{rows: from.rows, took: took, cost: c, engine: spent}
}

// awaitCommitted returns when the group has committed all of the backlog.
func awaitCommitted(b *testing.B, from *backlog, group string) {
	b.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(from.brokers...))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), benchPatience)
	defer cancel()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		var done int64
		offsets, err := kadm.NewClient(client).FetchOffsets(ctx, group)
		if err == nil {
			offsets.Each(func(o kadm.OffsetResponse) { done += max(0, o.At) })
		}
		if done == int64(from.rows) {
			return
		}
		select {
		case <-ctx.Done():
			b.Fatalf("committed %d of %d: %v", done, from.rows, err)
		case <-tick.C:
		}
	}
}
