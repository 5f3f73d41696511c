package enrich

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/embedded"
	"doustream/platform/stream"
	"doustream/schemas"
)

// backlog is a log of phone events whose sessions doustream.sessions knows, on
// a broker that is a process of its own, so that what the broker uses can be
// told from what the reader does.
type backlog struct {
	broker  *embedded.KafkaProcess
	connect []kgo.Opt
	events  int
	parts   int32
	proc    *processor
	deps    Deps
	visits  []visit
	keys    map[string]douyin.SessionKey // by session
	hold    func(int64)                  // see underLimit
}

// visit is one session, and what all of its phone events carry: sealing each
// anew would take longer than enriching it.
type visit struct {
	id       string
	data, iv string
}

// backlogEvents is how long BenchmarkBacklog's is; profiling needs less.
var backlogEvents = flag.Int("backlog", 1_000_000, "phone events of BenchmarkBacklog")

const (
	backlogPartitions = 4
	eventsOfVisit     = 10   // of one session
	visitsAtOnce      = 1024 // whose events lie among one another
)

func newBacklog(b *testing.B, events int) *backlog {
	proc, err := newProcessor(testConfig(), testDeps(b, newFakePlatform()))
	must(b, err)
	bl := &backlog{
		events: events, parts: backlogPartitions, proc: proc, deps: testDeps(b, newFakePlatform()), keys: map[string]douyin.SessionKey{},
	}
	bl.broker, bl.connect = brokerProcess(b, map[string]string{"log.cleaner.backoff.ms": "1000"})
	bl.produce(b)
	return bl
}

func (bl *backlog) produce(b *testing.B) {
	cl, err := kgo.NewClient(append(bl.connect, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1<<16))...)
	must(b, err)
	defer cl.Close()
	admin := kadm.NewClient(cl)
	makeTopics(b, admin, bl.parts)
	// Nobody reads the results: the broker, who keeps all in memory, need not have ten million of them.
	altered, err := admin.AlterTopicConfigs(b.Context(), []kadm.AlterConfig{{Name: "retention.bytes", Value: kadm.StringPtr("67108864")}}, schemas.TopicUsers)
	must(b, err)
	for _, a := range altered {
		must(b, a.Err)
	}
	send := func(rec *kgo.Record) {
		cl.Produce(b.Context(), rec, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	now := time.Now()
	for i := range (bl.events + eventsOfVisit - 1) / eventsOfVisit {
		bl.login(b, fmt.Sprintf("session-%08d", i), now, send)
	}
	for i := range bl.events {
		send(bl.phone(i, now))
	}
	done := kadm.Offsets{} // the logins are over: each partition had one
	for p := range bl.parts {
		send(&kgo.Record{Topic: schemas.TopicLogin, Partition: p, Value: []byte("{}"), Timestamp: now})
		done.AddOffset(schemas.TopicLogin, p, 1, -1)
	}
	must(b, cl.Flush(b.Context()))
	must(b, admin.CommitAllOffsets(b.Context(), "enrich", done))
}

// login has the session known.
func (bl *backlog) login(b *testing.B, id string, now time.Time, send func(*kgo.Record)) {
	hash, key := hashOf(id, id), keyOf(strings.TrimPrefix(id, "session-"))
	rec, err := bl.proc.facts.record(factResult, &schemas.SessionFact{
		SessionID: id, AppID: testApp, CodeHash: hash[:],
		CodeKind: schemas.CodeKindCode, Attempt: 1, Owner: "before", At: now.UnixMilli(), LoginOffset: 0,
		SessionKey: string(key), OpenID: "open-" + id,
	}, bl.partition(id))
	must(b, err)
	send(rec)
	data, iv, err := douyintest.Seal(key, fmt.Appendf(nil,
		`{"phoneNumber":"13800001234","purePhoneNumber":"13800001234","countryCode":"86","watermark":{"appid":%q,"timestamp":%d}}`, testApp, now.Unix()))
	must(b, err)
	bl.keys[id] = key
	bl.visits = append(bl.visits, visit{id, data, iv})
}

func (bl *backlog) partition(id string) int32 {
	return int32(murmur2([]byte(id))&0x7fffffff) % bl.parts
}

// phone is the backlog's event number i.
func (bl *backlog) phone(i int, now time.Time) *kgo.Record {
	round := i / (visitsAtOnce * eventsOfVisit) * visitsAtOnce
	v := &bl.visits[min(round+i%visitsAtOnce, len(bl.visits)-1)]
	value := make([]byte, 0, 512)
	value = strconv.AppendInt(append(value, `{"event_id":"ev-`...), int64(i), 10)
	value = append(append(value, `","app_id":"`+testApp+`","session_id":"`...), v.id...)
	value = strconv.AppendInt(append(value, `","occurred_at":`...), now.UnixMilli(), 10)
	value = append(append(value, `,"payload":{"encryptedData":"`...), v.data...)
	value = append(append(value, `","iv":"`...), v.iv...)
	value = append(value, `","errMsg":"getPhoneNumber:ok"}}`...)
	return &kgo.Record{Topic: schemas.TopicPhone, Partition: bl.partition(v.id), Key: []byte(v.id), Timestamp: now, Value: value}
}

// BenchmarkBacklog enriches a backlog of phone events exactly once, in order,
// and beside it runs the bare loop on the same log: the same codec work on as
// many workers between the same consumer and producer, with no order, commit or
// state. Both share the machine with the broker; cpu-ns/event is what the
// reader's own process used, broker-ns/event the broker's.
func BenchmarkBacklog(b *testing.B) {
	bl := newBacklog(b, *backlogEvents)
	bl.hold = underLimit(b)
	b.Run("bare", func(b *testing.B) { bl.run(b, bl.bare) })
	b.Run("enrich", func(b *testing.B) { bl.run(b, bl.enrich) })
}

// run measures one pass over the backlog, however often it is asked to: a pass
// is long enough, and a group has read its topic once.
func (bl *backlog) run(b *testing.B, pass func(*testing.B)) {
	b.StopTimer()
	runtime.GC()
	own, broker := cpuTime(), processTime(bl.broker.PID())
	b.StartTimer()
	pass(b)
	b.StopTimer()
	n := float64(bl.events)
	own, broker = cpuTime()-own, processTime(bl.broker.PID())-broker
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(own.Nanoseconds())/n, "cpu-ns/event")
	b.ReportMetric(float64(broker.Nanoseconds())/n, "broker-ns/event")
	b.ReportMetric(2*n/own.Seconds(), "events/2cpu-s")
}

// cpuTime is what the process has used: unlike the clock it does not mind who
// else is on the machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processTime is what a process has used, where the system tells it: user and system
// time are the 14th and 15th field, in hundredths of a second.
func processTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
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
	cfg.Held = bl.hold
	stop := startRole(b, bl.connect, cfg, bl.deps)
	waitRetired(b, cfg.Metrics.(*prometheus.Registry), bl.events)
	stop()
}

// startRole answers when every task is open.
func startRole(b *testing.B, connect []kgo.Opt, cfg Config, deps Deps) (stop func()) {
	newTask, err := New(cfg, deps)
	must(b, err)
	role, err := stream.New(stream.Config{
		Connect: connect, Role: "enrich", Instance: "bench", Group: "enrich", TransactionalID: "enrich-bench",
		Layout: stream.Copartition, Inputs: schemas.InputTopics(), Leader: schemas.TopicLogin,
		Overlap: []string{schemas.TopicLogin},
		State:   []string{schemas.TopicSessions, schemas.TopicParked},
		Logger:  slog.New(slog.DiscardHandler),
	}, newTask)
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !role.Ready() {
		<-tick.C
	}
	return func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
	}
}

// waitRetired waits until so many events were enriched; stopping commits them.
func waitRetired(b *testing.B, registry *prometheus.Registry, n int) {
	tick := time.NewTicker(20 * time.Millisecond) // reading all metrics is work too
	defer tick.Stop()
	deadline := time.After(3 * time.Minute)
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
