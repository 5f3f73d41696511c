package enrich

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/schemas"
)

// cluster speaks TCP, as a real one does.
func benchCluster(b *testing.B, partitions int32) []kgo.Opt {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, rigTopics()...))
	must(b, err)
	b.Cleanup(c.Close)
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
}

// backlog is a log of phone events whose sessions doustream.sessions knows.
type backlog struct {
	connect  []kgo.Opt
	sessions int
	events   int
	parts    int32
	proc     *processor
	deps     Deps
	keys     map[string]douyin.SessionKey
}

func newBacklog(b *testing.B, events, sessions int, partitions int32) *backlog {
	deps := testDeps(b, newFakePlatform())
	cfg := testConfig()
	proc, err := newProcessor(cfg, deps)
	must(b, err)
	bl := &backlog{connect: benchCluster(b, partitions), sessions: sessions, events: events, parts: partitions, proc: proc, deps: deps, keys: map[string]douyin.SessionKey{}}
	bl.produce(b)
	return bl
}

func (bl *backlog) produce(b *testing.B) {
	cl, err := kgo.NewClient(append(bl.connect, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1<<16))...)
	must(b, err)
	defer cl.Close()
	partition := func(id string) int32 { return int32(murmur2([]byte(id))&0x7fffffff) % bl.parts }
	send := func(rec *kgo.Record) {
		cl.Produce(context.Background(), rec, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	now := time.Now()
	for i := range bl.sessions {
		id := fmt.Sprintf("session-%08d", i)
		key := keyOf(fmt.Sprint(i))
		bl.keys[id] = key
		hash := hashOf(id, id)
		rec, err := bl.proc.facts.record(factResult, &schemas.SessionFact{
			SessionID: id, AppID: testApp, CodeHash: hash[:],
			CodeKind: schemas.CodeKindCode, Attempt: 1, Owner: "before", At: now.UnixMilli(), LoginOffset: 0,
			SessionKey: string(key), OpenID: "open-" + id,
		}, partition(id))
		must(b, err)
		send(rec)
	}
	for i := range bl.events {
		id := fmt.Sprintf("session-%08d", i%bl.sessions)
		data, iv, err := douyintest.Seal(bl.keys[id], fmt.Appendf(nil,
			`{"phoneNumber":"13800001234","purePhoneNumber":"13800001234","countryCode":"86","watermark":{"appid":%q,"timestamp":%d}}`, testApp, now.Unix()))
		must(b, err)
		send(&kgo.Record{Topic: schemas.TopicPhone, Partition: partition(id), Key: []byte(id), Timestamp: now, Value: fmt.Appendf(nil,
			`{"event_id":"ev-%d","app_id":%q,"session_id":%q,"occurred_at":%d,"payload":{"encryptedData":%q,"iv":%q,"errMsg":"getPhoneNumber:ok"}}`,
			i, testApp, id, now.UnixMilli(), data, iv)})
	}
	done := kadm.Offsets{} // the logins are over: each partition had one
	for p := range bl.parts {
		send(&kgo.Record{Topic: schemas.TopicLogin, Partition: p, Value: []byte("{}"), Timestamp: now})
		done.AddOffset(schemas.TopicLogin, p, 1, -1)
	}
	must(b, cl.Flush(context.Background()))
	must(b, kadm.NewClient(cl).CommitAllOffsets(context.Background(), "enrich", done))
}

// BenchmarkBacklog enriches a backlog of phone events exactly once, in order,
// and beside it runs the bare loop: the same codec work on as many workers
// between the same consumer and producer, with no order, commit or state.
func BenchmarkBacklog(b *testing.B) {
	const events, sessions, partitions = 60_000, 20_000, 4
	b.Run("bare", func(b *testing.B) { backlogRun(b, events, sessions, partitions, (*backlog).bare) })
	b.Run("enrich", func(b *testing.B) { backlogRun(b, events, sessions, partitions, (*backlog).enrich) })
}

func backlogRun(b *testing.B, events, sessions int, partitions int32, run func(*backlog, *testing.B)) {
	var cpu time.Duration
	for range b.N {
		b.StopTimer()
		bl := newBacklog(b, events, sessions, partitions)
		runtime.GC()
		before := cpuTime()
		b.StartTimer()
		run(bl, b)
		cpu += cpuTime() - before
	}
	n := float64(events) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(cpu.Nanoseconds())/n, "cpu-ns/event")
}

// cpuTime is what the process has used: unlike the clock it does not mind who
// else is on the machine. The broker's part is in it, for both alike.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (bl *backlog) bare(b *testing.B) {
	cl, err := kgo.NewClient(append(bl.connect, kgo.ConsumeTopics(schemas.TopicPhone), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.MaxBufferedRecords(1<<17))...)
	must(b, err)
	defer cl.Close()
	chunks := make(chan []*kgo.Record, 64)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for chunk := range chunks {
				for _, rec := range chunk {
					out, err := bl.proc.bare(rec, bl.keys[string(rec.Key)])
					if err != nil {
						b.Error(err)
						return
					}
					cl.Produce(context.Background(), out, nil)
				}
			}
		})
	}
	for read := 0; read < bl.events; {
		records := cl.PollFetches(context.Background()).Records()
		read += len(records)
		for len(records) > 0 {
			n := min(256, len(records))
			chunks <- records[:n]
			records = records[n:]
		}
	}
	close(chunks)
	workers.Wait()
	must(b, cl.Flush(context.Background()))
}

func (bl *backlog) enrich(b *testing.B) {
	cfg := testConfig()
	stop := startRole(b, bl.connect, cfg, bl.deps)
	waitRetired(b, cfg.Metrics.(*prometheus.Registry), bl.events)
	stop()
}

func startRole(b *testing.B, connect []kgo.Opt, cfg Config, deps Deps) (stop func()) {
	newTask, err := New(cfg, deps)
	must(b, err)
	role, err := stream.New(stream.Config{
		Connect: connect, Role: "enrich", Instance: "bench", Group: "enrich", TransactionalID: "enrich-bench",
		Layout: stream.Copartition, Inputs: schemas.InputTopics(), Leader: schemas.TopicLogin,
		State:  []string{schemas.TopicSessions, schemas.TopicParked},
		Logger: slog.New(slog.DiscardHandler),
	}, newTask)
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
	}
}

// waitRetired waits until so many events were enriched; stopping commits them.
func waitRetired(b *testing.B, registry *prometheus.Registry, n int) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for enrichedSoFar(b, registry) < n {
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("%d of %d", enrichedSoFar(b, registry), n)
		}
	}
}

func enrichedSoFar(b *testing.B, registry *prometheus.Registry) (n int) {
	families, err := registry.Gather()
	must(b, err)
	for _, f := range families {
		if f.GetName() == "doustream_enrich_users_total" {
			for _, m := range f.GetMetric() {
				n += int(m.GetCounter().GetValue())
			}
		}
	}
	return n
}

// BenchmarkExchange exchanges codes with the simulated platform over HTTP, and
// beside it in a bare loop with as many goroutines as may be in flight.
func BenchmarkExchange(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		logins := 6000
		b.Run(fmt.Sprintf("latency=%v/bare", latency), func(b *testing.B) { exchangeRun(b, latency, logins, exchangeBare) })
		b.Run(fmt.Sprintf("latency=%v/enrich", latency), func(b *testing.B) { exchangeRun(b, latency, logins, exchangeEnrich) })
	}
}

const benchInFlight = 1024

func exchangeRun(b *testing.B, latency time.Duration, logins int, run func(*testing.B, *douyin.Client, []douyintest.Login)) {
	var cpu time.Duration
	for range b.N {
		b.StopTimer()
		platform := douyintest.New(douyintest.Options{Apps: testConfig().Apps})
		platform.SetLatency(douyin.EndpointCode2Session, douyintest.Latency{Median: latency})
		server := httptest.NewServer(platform)
		client, err := douyin.NewClient(douyin.Config{AppsURL: server.URL, OpenURL: server.URL, MaxConns: benchInFlight})
		must(b, err)
		issued := make([]douyintest.Login, logins)
		for i := range issued {
			issued[i] = platform.Login(testApp, fmt.Sprintf("user-%d", i))
		}
		before := cpuTime()
		b.StartTimer()
		run(b, client, issued)
		cpu += cpuTime() - before
		b.StopTimer()
		client.CloseIdle()
		server.Close()
	}
	n := float64(logins) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "logins/s")
	b.ReportMetric(float64(cpu.Nanoseconds())/n, "cpu-ns/login")
}

func exchangeBare(b *testing.B, client *douyin.Client, logins []douyintest.Login) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range benchInFlight {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(logins); i = int(next.Add(1)) - 1 {
				if _, err := client.ExchangeCode(context.Background(), testConfig().Apps[0], douyin.Code(logins[i].Code), ""); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func exchangeEnrich(b *testing.B, client *douyin.Client, logins []douyintest.Login) {
	b.StopTimer()
	connect := benchCluster(b, 4)
	cl, err := kgo.NewClient(append(connect, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	must(b, err)
	defer cl.Close()
	for i, l := range logins {
		id := fmt.Sprintf("session-%08d", i)
		cl.Produce(context.Background(), &kgo.Record{Topic: schemas.TopicLogin, Key: []byte(id), Value: fmt.Appendf(nil,
			`{"event_id":"ev-%d","app_id":%q,"session_id":%q,"occurred_at":%d,"payload":{"code":%q,"isLogin":true,"errMsg":"login:ok"}}`,
			i, testApp, id, time.Now().UnixMilli(), l.Code)}, nil)
	}
	must(b, cl.Flush(context.Background()))
	cfg := testConfig()
	cfg.InFlight = benchInFlight
	b.StartTimer()
	stop := startRole(b, connect, cfg, testDeps(b, client))
	waitRetired(b, cfg.Metrics.(*prometheus.Registry), len(logins))
	stop()
}
