package enrich

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/embedded"
	"doustream/platform/stream"
	"doustream/schemas"
)

// BenchmarkRestore restores the session table of all partitions from a log as
// enrich leaves it: a SENT and a RESULT for each session, in batches of a
// handful. Compaction takes neither away, as each fact has a key of its own;
// retention does, with the session's life. Beside it a bare reader does what
// Kafka's client must in any case, and a second restore has memory that the process
// has touched before: a page that is new to it costs what system and machine take
// for it, from a third of a microsecond to a dozen. The broker is a process of its
// own, on the same cores. DOUSTREAM_BENCH_SESSIONS is how many sessions; a million
// unless it is set.
func BenchmarkRestore(b *testing.B) {
	const partitions = 8
	sessions := benchCount(b, "DOUSTREAM_BENCH_SESSIONS", 1_000_000)
	_, connect := brokerProcess(b, nil)
	fillSessions(b, connect, sessions, partitions)
	b.Run("bare", func(b *testing.B) {
		restoreRun(b, 2*sessions, func(u *used) { restoreBare(b, u, connect, 2*sessions, partitions) })
	})
	b.Run("enrich", func(b *testing.B) {
		restoreRun(b, 2*sessions, func(u *used) { restoreTable(b, u, withoutMemory(b), connect, sessions, partitions) })
	})
	b.Run("enrich-memory-at-hand", func(b *testing.B) {
		restoreRun(b, 2*sessions, func(u *used) { restoreTable(b, u, withMemory(b, sessions), connect, sessions, partitions) })
	})
}

// benchCount is a benchmark's size, which the environment may change.
func benchCount(b *testing.B, variable string, usual int) int {
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	must(b, err)
	return n
}

// brokerProcess starts a broker that takes no memory of this process. It keeps
// logs of gigabytes in memory, beside which there is no room for as much garbage.
func brokerProcess(b *testing.B, config map[string]string) (*embedded.KafkaProcess, []kgo.Opt) {
	k, err := embedded.StartKafkaProcess(b.Context(), embedded.KafkaOptions{Config: config, Env: []string{"GOGC=20"}})
	must(b, err)
	b.Cleanup(func() { _ = k.Close() })
	return k, []kgo.Opt{kgo.SeedBrokers(k.Brokers()...)}
}

func makeTopics(b *testing.B, admin *kadm.Client, partitions int32) {
	made, err := admin.CreateTopics(b.Context(), partitions, 1, nil, rigTopics()...)
	must(b, errors.Join(err, made.Error()))
}

// fillSessions writes the facts of sessions with ids of the usual lengths.
func fillSessions(b *testing.B, connect []kgo.Opt, sessions int, partitions int32) {
	proc, err := newProcessor(testConfig(), testDeps(b, newFakePlatform()))
	must(b, err)
	cl, err := kgo.NewClient(append(connect, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1<<15),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // as the role's own appender
		kgo.ProducerLinger(2*time.Millisecond), kgo.ProducerBatchMaxBytes(4<<10))...)
	must(b, err)
	defer cl.Close()
	makeTopics(b, kadm.NewClient(cl), partitions)
	var fillers sync.WaitGroup
	for from := range partitions {
		fillers.Go(func() {
			for i := int(from); i < sessions; i += int(partitions) {
				session := benchSession(i)
				for _, kind := range []factKind{factSent, factResult} {
					rec, err := proc.facts.record(kind, session, from)
					if err != nil {
						b.Error(err)
						return
					}
					cl.Produce(context.Background(), rec, func(_ *kgo.Record, err error) {
						if err != nil {
							b.Error(err)
						}
					})
				}
			}
		})
	}
	fillers.Wait()
	must(b, cl.Flush(context.Background()))
}

// benchSession is what the facts of a session say. Its ids are as long as in
// life: a UUID for the session, an open id and a union id of the platform's.
func benchSession(i int) *schemas.SessionFact {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(i))
	id := hex.EncodeToString(number[:])
	now := time.Now().UnixMilli()
	f := &schemas.SessionFact{
		SessionID: id[8:] + "-58cc-4372-a567-" + id[4:], AppID: testApp, CodeKind: schemas.CodeKindCode,
		Attempt: 1, Owner: "enrich-doustream-enrich-0-3-12-a8f0c17e55d1b2c3", At: now, LoginOffset: int64(i), LoginAt: now,
		SessionKey: "MDEyMzQ1Nj" + id[5:] + "A==", OpenID: "_000" + id + id, UnionID: id + id,
	}
	hash := hashCode(testApp, f.SessionID, &schemas.Login{Code: "code"})
	f.CodeHash = hash[:]
	return f
}

func restoreRun(b *testing.B, facts int, run func(*used)) {
	var u used
	b.StopTimer()
	b.ResetTimer()
	for range b.N {
		run(&u)
	}
	n := float64(facts) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "facts/s")
	b.ReportMetric(float64(u.cpu.Nanoseconds())/n, "cpu-ns/fact")
	b.ReportMetric(float64(u.system.Nanoseconds())/n, "sys-ns/fact")
	b.ReportMetric(float64(u.faults)/float64(b.N), "faults")
}

// restoreBare reads all facts with as many clients as the role has, which fetch
// as much at once.
func restoreBare(b *testing.B, u *used, connect []kgo.Opt, facts int, partitions int32) {
	underLimit(b)
	u.during(b, func() { readFacts(b, connect, facts, partitions) })
}

func readFacts(b *testing.B, connect []kgo.Opt, facts int, partitions int32) {
	const clients = 2
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var read atomic.Int64
	var readers sync.WaitGroup
	for first := range int32(clients) {
		mine := map[int32]kgo.Offset{}
		for p := first; p < partitions; p += clients {
			mine[p] = kgo.NewOffset().AtStart()
		}
		cl, err := kgo.NewClient(append(slices.Clone(connect), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicSessions: mine}),
			kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxBytes(2<<20),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
		must(b, err)
		defer cl.Close()
		readers.Go(func() {
			for ctx.Err() == nil {
				n := 0
				cl.PollFetches(ctx).EachRecord(func(*kgo.Record) { n++ })
				if read.Add(int64(n)) >= int64(facts) {
					cancel()
				}
			}
		})
	}
	readers.Wait()
}

// restoreTable runs the role until every task is open, and reports what the
// tables occupy.
func restoreTable(b *testing.B, u *used, hold func(int64), connect []kgo.Opt, sessions int, partitions int32) {
	cfg := testConfig()
	cfg.Held = hold
	newTask, err := New(cfg, testDeps(b, newFakePlatform()))
	must(b, err)
	forgetPeak()
	before := heapInUse()
	var mu sync.Mutex
	var tasks []*Task
	var open sync.WaitGroup
	open.Add(int(partitions))
	role, err := stream.New(stream.Config{
		Connect: connect, Role: "enrich", Instance: "bench", Group: "enrich", TransactionalID: "enrich-bench",
		Layout: stream.Copartition, Inputs: schemas.InputTopics(), Leader: schemas.TopicLogin,
		State:  []string{schemas.TopicSessions, schemas.TopicParked},
		Logger: slog.New(slog.DiscardHandler),
	}, func(l *stream.Loop) stream.Task {
		t := newTask(l).(*Task)
		mu.Lock()
		tasks = append(tasks, t)
		mu.Unlock()
		return &opening{t, open.Done}
	})
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	u.during(b, func() {
		go func() { done <- role.Run(ctx) }()
		open.Wait()
	})
	b.ReportMetric(float64(resident("VmHWM"))/(1<<20), "peak-RSS-MB")
	facts := 0
	for _, t := range tasks {
		facts += t.ledger.table.facts
	}
	if facts != sessions {
		b.Errorf("%d sessions restored; want %d", facts, sessions)
	}
	debug.FreeOSMemory()
	b.ReportMetric(float64(heapInUse()-before)/float64(sessions), "heap-B/session")
	b.ReportMetric(float64(resident("VmRSS"))/(1<<20), "RSS-MB")
	cancel()
	must(b, <-done)
	runtime.KeepAlive(tasks)
}

// opening is a task that says when it is open.
type opening struct {
	*Task
	opened func()
}

func (o *opening) Open() {
	o.Task.Open()
	o.opened()
}
