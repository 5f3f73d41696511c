package notify

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/stream"
	"doustream/schemas"
)

// benchIDs is how many notification_ids the benchmarks remember; ten million,
// the default bound of a process, take two minutes and 3 GB with their Kafka.
func benchIDs(b *testing.B) int {
	b.Helper()
	text := os.Getenv("DOUSTREAM_BENCH_IDS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func benchOutcome(n int) outcome {
	no := int64(0)
	return outcome{
		status: schemas.StatusSent, reason: reasonSent, attempts: 1, errNo: &no,
		logID: fmt.Sprintf("20220707181235010210%014X", n), finishedAt: time.UnixMilli(1_700_000_000_000 + int64(n)),
	}
}

func heapInUse() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkDedup remembers ids and reports what one takes in memory.
func BenchmarkDedup(b *testing.B) {
	ids := benchIDs(b)
	for b.Loop() {
		before := heapInUse()
		d := newDedup(24*time.Hour, 2*ids, 6)
		for n := range ids {
			d.add(idOf("tt1", fmt.Sprint(n)), benchOutcome(n))
		}
		b.ReportMetric((heapInUse()-before)/float64(ids), "B/id")
		runtime.KeepAlive(d)
	}
}

// BenchmarkRestore has a successor take in the outcomes that its predecessor
// left: opened and remembered alone, and with their way through Kafka.
func BenchmarkRestore(b *testing.B) {
	ids := benchIDs(b)
	b.Run("opened and remembered", func(b *testing.B) {
		for b.Loop() {
			task, took, cpu := newBenchTask(), time.Duration(0), time.Duration(0)
			for from := 0; from < ids; from += unopenedRecords {
				records := sealedOutcomes(b, task, from, min(from+unopenedRecords, ids))
				began, used := time.Now(), cpuTime(b)
				for _, rec := range records {
					task.Restore(rec)
				}
				task.restoreUnopened()
				took += time.Since(began)
				cpu += cpuTime(b) - used
			}
			if n := task.dedup.len(); n != ids {
				b.Fatalf("%d remembered of %d", n, ids)
			}
			b.ReportMetric(float64(cpu.Nanoseconds())/float64(ids), "cpu-ns/id")
			b.ReportMetric(took.Seconds(), "s")
		}
	})
	b.Run("from Kafka", func(b *testing.B) {
		for b.Loop() {
			restoreFromKafka(b, ids)
		}
	})
}

// cpuTime is what this process has used, its Kafka included where that is
// inside.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func newBenchTask() *Task {
	w := newWorld(Config{DedupMax: 30_000_000})
	return newTask(w.cfg, Deps{Output: testOutput{}, Keys: testKeys}, newMetrics(nil, w.cfg), &instance{world: w})
}

func sealedOutcomes(b *testing.B, task *Task, from, to int) []*stream.Record {
	b.Helper()
	records := make([]*stream.Record, 0, to-from)
	for n := from; n < to; n++ {
		rec, err := task.codec.notification(idOf("tt1", fmt.Sprint(n)), &schemas.NotificationState{
			Stage: schemas.StageResult, Result: result(schemas.Order{}, benchOutcome(n), schemas.Source{}),
		})
		if err != nil {
			b.Fatal(err)
		}
		records = append(records, rec)
	}
	return records
}

func restoreFromKafka(b *testing.B, ids int) {
	b.Helper()
	b.StopTimer()
	x := newBench(b)
	client, err := kgo.NewClient(append(x.connect, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000))...)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	maker := newBenchTask()
	for from := 0; from < ids; from += 50_000 {
		if err := client.ProduceSync(context.Background(), sealedOutcomes(b, maker, from, min(from+50_000, ids))...).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
	before := heapInUse()
	b.StartTimer()
	began := time.Now()
	cpu := cpuTime(b)
	select {
	case <-x.run(b, 800):
	case <-time.After(5 * time.Minute):
		b.Fatal("the successor does not open")
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/float64(ids), "cpu-ns/id")
	b.ReportMetric(time.Since(began).Seconds(), "s")
	b.ReportMetric((heapInUse()-before)/float64(ids), "B/id")
}
