package enrich

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

const benchPartitions = 4

// sweepVariable has BenchmarkExchange run every cell when it is "all"; and
// passesVariable says how often (1), bare and doustream in turns.
const (
	sweepVariable  = "DOUSTREAM_BENCH_SWEEP"
	passesVariable = "DOUSTREAM_BENCH_PASSES"
)

// BenchmarkExchange exchanges a backlog of login codes with the simulated
// platform, and beside it does so in the bare loop: the same consumer, client,
// codec and producer around as many goroutines as may be in flight, with no
// order, commit or state. Kafka, the platform and the reader are another process on
// the same processors; CPU is this process's alone. Garbage is collected as the
// program does, on both sides; outside, less often (GOGC 400), on both sides too.
//
// The ceiling is the least of the bare loop and in flight / latency. Both rates
// are counted from a request to the last result that can be read (people.rate),
// so that a commit at the end is doustream's loss and a burst nobody's gain. What
// was busy of the machine tells a cell that waits from one that works. On a
// machine that others use too, take several passes: the table has the medians,
// and that of the ratio of each pair.
func BenchmarkExchange(b *testing.B) {
	passes := benchCount(b, passesVariable, 1)
	tables := make(map[string]*measured)
	var order []*measured
	for pass := range passes {
		for _, c := range cells() {
			var bare, full row
			b.Run(c.name()+"/bare", func(b *testing.B) { bare = c.run(b, bareLoop) })
			b.Run(c.name()+"/enrich", func(b *testing.B) { full = c.run(b, theRole) })
			if full.cpu == 0 || bare.cpu == 0 {
				continue // not selected
			}
			m := tables[c.name()]
			if m == nil {
				m = &measured{cell: c}
				tables[c.name()] = m
				order = append(order, m)
			}
			m.bare, m.full = append(m.bare, bare), append(m.full, full)
		}
		printSweep(order, pass+1)
	}
}

// BenchmarkLedger tells the price of the ledger from that of the rest: beside
// doustream and the bare loop runs one that writes two facts for each login.
func BenchmarkLedger(b *testing.B) {
	contenders := []struct {
		name string
		contender
	}{{"bare", bareLoop}, {"bare with facts", bareLedger}, {"enrich", theRole}}
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		c := cell{outside{Latency: latency}, 1024, "even"}.filled()
		runs := make([][]row, len(contenders))
		for range benchCount(b, passesVariable, 1) {
			for i, one := range contenders {
				b.Run(c.name()+"/"+one.name, func(b *testing.B) { runs[i] = append(runs[i], c.run(b, one.contender)) })
			}
		}
		for i, one := range contenders {
			if len(runs[i]) > 0 {
				fmt.Printf("%s, %s: %.0f logins/s, CPU %s\n", c.name(), one.name, medianOf(runs[i], rowRate), rowCost(runs[i]))
			}
		}
	}
}

// cell is one point of the sweep.
type cell struct {
	outside
	inFlight int
	what     string
}

func cells() (all []cell) {
	latencies, inFlight := []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond}, []int{1024}
	if os.Getenv(sweepVariable) == "all" {
		latencies = []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}
		inFlight = []int{256, 1024, 4096}
	}
	for _, keys := range []string{"even", "zipf"} {
		for _, latency := range latencies {
			for _, n := range inFlight {
				c := cell{outside{Latency: latency, Zipf: keys == "zipf"}, n, keys}
				all = append(all, c.filled())
			}
		}
	}
	slow := cell{outside{Latency: 50 * time.Millisecond, Hot: 20, HotFor: 3 * time.Second}, 1024, "one slow key"}
	long := cell{outside{Latency: 50 * time.Millisecond, Hot: 1000}, 1024, "one session with 1,000 logins"}
	return append(all, slow.filled(), long.filled())
}

// bound is in flight / latency, in logins a second; 0: none.
func (c cell) bound() float64 {
	if c.Latency == 0 {
		return 0
	}
	return float64(c.inFlight) / c.Latency.Seconds()
}

// filled is the cell with logins for some seconds on a machine of two cores, and
// many times as many as are under way at once.
func (c cell) filled() cell {
	const lasts = 12
	rate := 8000.0
	if bound := c.bound(); bound > 0 {
		rate = min(rate, bound)
	}
	measured := max(int(rate*lasts), 10*c.inFlight)
	c.Warm = max(measured/4, 2*c.inFlight)
	c.Logins = c.Warm + measured
	return c
}

func (c cell) name() string {
	return fmt.Sprintf("%s/latency=%v/in-flight=%d", c.what, c.Latency, c.inFlight)
}

// row is what one run came to.
type row struct {
	report
	cpu     float64 // seconds of this process for each login
	outside float64 // and of Kafka, the platform and the reader
	busy    float64 // share of the machine that all of them had: less than 1 is idle, or somebody else's
}

// contender takes the logins up from now until it is stopped.
type contender func(b *testing.B, connect []kgo.Opt, inFlight int, client Exchanger) (stop func())

func (c cell) run(b *testing.B, contender contender) (r row) {
	underLimit(b)
	for range b.N {
		b.StopTimer()
		at, begin := startOutside(b, c.outside)
		client, err := douyin.NewClient(douyin.Config{AppsURL: at.Platform, OpenURL: at.Platform, MaxConns: c.inFlight})
		must(b, err)
		first := &firstExchange{Exchanger: client}
		b.StartTimer()
		stop := contender(b, []kgo.Opt{kgo.SeedBrokers(at.Broker)}, c.inFlight, first)
		r.report = begin()
		cpu, took := cpuTime()-first.cpu, time.Since(first.at)
		b.StopTimer()
		stop()
		client.CloseIdle()
		r.cpu = cpu.Seconds() / float64(c.Logins+c.Hot)
		r.busy = (cpu + r.CPU).Seconds() / took.Seconds() / float64(runtime.NumCPU())
	}
	b.ReportMetric(r.Rate, "logins/s")
	b.ReportMetric(1/r.cpu, "logins/cpu-s")
	r.outside = r.CPU.Seconds() / float64(c.Logins+c.Hot)
	b.ReportMetric(r.outside*1e6, "outside-us/login")
	b.ReportMetric(100*r.busy, "%-busy")
	b.ReportMetric(0, "ns/op")
	return r
}

// firstExchange notes what the process had used when the first code was sent.
type firstExchange struct {
	Exchanger
	once sync.Once
	at   time.Time
	cpu  time.Duration
}

func (f *firstExchange) ExchangeCode(ctx context.Context, app douyin.App, code, anonymous douyin.Code) (douyin.Session, error) {
	f.once.Do(func() { f.at, f.cpu = time.Now(), cpuTime() })
	return f.Exchanger.ExchangeCode(ctx, app, code, anonymous)
}

// theRole is doustream.
func theRole(b *testing.B, connect []kgo.Opt, inFlight int, client Exchanger) (stop func()) {
	cfg := testConfig()
	cfg.InFlight = inFlight
	cfg.Metrics = prometheus.NewRegistry()
	newTask, err := New(cfg, testDeps(b, client))
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
	for tick := time.NewTicker(5 * time.Millisecond); !role.Ready(); {
		<-tick.C
	}
	return func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
	}
}

// bareLoop is the ceiling.
func bareLoop(b *testing.B, connect []kgo.Opt, inFlight int, client Exchanger) (stop func()) {
	proc, err := newProcessor(testConfig(), testDeps(b, client))
	must(b, err)
	return consume(b, connect, inFlight, proc.bareLogin)
}

// bareLedger is the bare loop with two facts for each login, as doustream writes
// them: one that stands before the request leaves, and one behind it. What is left
// to doustream is order, commit, and to know what stands there.
func bareLedger(b *testing.B, connect []kgo.Opt, inFlight int, client Exchanger) (stop func()) {
	proc, err := newProcessor(testConfig(), testDeps(b, client))
	must(b, err)
	permits := make(chan struct{}, inFlight)
	appender, err := kgo.NewClient(append(connect, kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(4*time.Millisecond), kgo.MaxBufferedRecords(1<<17))...)
	must(b, err)
	// Kafka's time for a fact is not the platform's: as many more are at theirs.
	end := consume(b, connect, 2*inFlight, func(rec *stream.Record) (*stream.Record, error) {
		return proc.ledgeredLogin(rec, permits, func(fact *stream.Record) error {
			return appender.ProduceSync(context.Background(), fact).FirstErr()
		})
	})
	return func() {
		end()
		appender.Close()
	}
}

// ledgeredLogin is bareLogin between two facts.
func (p *processor) ledgeredLogin(rec *stream.Record, permits chan struct{}, write func(*stream.Record) error) (*stream.Record, error) {
	from := p.prepare(rec)
	if from.rejected != nil {
		return nil, from.rejected
	}
	f := fact{
		session: rec.Key, hash: from.hash, kind: factSent, attempt: 1, layout: layoutSlim,
		app: from.app, owner: 1, loginOffset: rec.Offset, at: rec.Timestamp.UnixMilli(),
	}
	if err := write(p.facts.note(&f, rec.Partition)); err != nil {
		return nil, err
	}
	permits <- struct{}{}
	session, err := p.exchanger.ExchangeCode(context.Background(), p.apps[from.event.AppID], douyin.Code(from.login.Code), "")
	<-permits
	if err != nil {
		return nil, err
	}
	f.kind = factResult
	outcome := schemas.SessionOutcome{SessionKey: string(session.SessionKey), OpenID: session.OpenID, UnionID: session.UnionID}
	result, err := p.facts.outcome(&f, from.event.AppID, &outcome, rec.Partition)
	if err != nil {
		return nil, err
	}
	if err := write(result); err != nil {
		return nil, err
	}
	return p.bareOutput(from, outcome.OpenID, outcome.UnionID, rec)
}

// consume has each login done by one of so many goroutines, and produces what
// came of it.
func consume(b *testing.B, connect []kgo.Opt, inFlight int, login func(*stream.Record) (*stream.Record, error)) (stop func()) {
	cl, err := kgo.NewClient(append(connect, kgo.ConsumeTopics(schemas.TopicLogin), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(1<<17))...)
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	records := make(chan *kgo.Record, inFlight)
	var all sync.WaitGroup
	for range inFlight {
		all.Go(func() {
			for rec := range records {
				out, err := login(rec)
				if err != nil {
					b.Error(err)
					continue
				}
				cl.Produce(context.Background(), out, nil)
			}
		})
	}
	all.Go(func() {
		defer close(records)
		for ctx.Err() == nil {
			cl.PollFetches(ctx).EachRecord(func(rec *kgo.Record) {
				select {
				case records <- rec:
				case <-ctx.Done():
				}
			})
		}
	})
	return func() {
		cancel()
		all.Wait()
		cl.Close()
	}
}

// bareLogin does what has to be done to a login, and nothing else.
func (p *processor) bareLogin(rec *stream.Record) (*stream.Record, error) {
	from := p.prepare(rec)
	if from.rejected != nil {
		return nil, from.rejected
	}
	ev := from.event
	session, err := p.exchanger.ExchangeCode(context.Background(), p.apps[ev.AppID], douyin.Code(from.login.Code), "")
	if err != nil {
		return nil, err
	}
	return p.bareOutput(from, session.OpenID, session.UnionID, rec)
}

func (p *processor) bareOutput(from *prepared, openID, unionID string, rec *stream.Record) (*stream.Record, error) {
	ev := from.event
	return p.output.Enriched(&schemas.EnrichedUser{
		EventID: ev.EventID, Kind: schemas.KindLogin, AppID: ev.AppID, SessionID: ev.SessionID,
		OpenID: openID, UnionID: unionID, OccurredAt: ev.OccurredAt, EnrichedAt: ev.OccurredAt,
		Source: schemas.Source{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset},
	})
}

// BenchmarkLoginLatency has people log in at a quarter and at half of the rate
// that two cores bear, and reports how long it takes from the publication of a
// login until a read_committed reader has its result. No transaction at all
// would take the platform's latency; commits every interval add half of it at
// the median, all of it at the tail.
func BenchmarkLoginLatency(b *testing.B) {
	const latency = 50 * time.Millisecond
	for _, rate := range []int{2500, 4500} {
		o := outside{Latency: latency, Rate: float64(rate), Logins: rate * 4}
		var r row
		b.Run(fmt.Sprintf("rate=%d/latency=%v", rate, latency), func(b *testing.B) {
			r = cell{outside: o, inFlight: 1024}.run(b, theRole)
			for name, took := range map[string]time.Duration{"p50": r.P50, "p99": r.P99, "p99.9": r.P999} {
				b.ReportMetric(float64(took.Milliseconds()), name+"-ms")
			}
		})
		fmt.Printf("login to result, %d/s, platform %v, commit interval 100ms: p50 %v, p99 %v, p99.9 %v\n",
			rate, latency, r.P50.Round(time.Millisecond), r.P99.Round(time.Millisecond), r.P999.Round(time.Millisecond))
	}
}

// measured is what the passes of one cell came to.
type measured struct {
	cell
	bare, full []row
}

// ratios are what doustream came to of the ceiling of its pass.
func (m *measured) ratios() (all []float64) {
	for i := range m.full {
		ceiling := m.bare[i].Rate
		if m.bound() > 0 {
			ceiling = min(ceiling, m.bound())
		}
		all = append(all, m.full[i].Rate/ceiling)
	}
	return all
}

// isWorking tells cells that the processors bound from those that the platform's
// latency does.
func (m *measured) isWorking() bool {
	return m.bound() == 0 || m.bound() > 1.1*medianOf(m.bare, rowRate)
}

func median(of []float64) float64 {
	slices.Sort(of)
	return (of[(len(of)-1)/2] + of[len(of)/2]) / 2
}

// medianOf is the median of one figure of the rows.
func medianOf(rows []row, figure func(row) float64) float64 {
	var all []float64
	for _, r := range rows {
		all = append(all, figure(r))
	}
	return median(all)
}

func rowRate(r row) float64 { return r.Rate }

// rowCost is CPU in us a login, here and outside, and what was busy of the machine.
func rowCost(rows []row) string {
	return fmt.Sprintf("%.0f + %.0f (%.0f%%)", 1e6*medianOf(rows, func(r row) float64 { return r.cpu }),
		1e6*medianOf(rows, func(r row) float64 { return r.outside }), 100*medianOf(rows, func(r row) float64 { return r.busy }))
}

// printSweep prints a table, doustream beside the ceiling.
func printSweep(cells []*measured, passes int) {
	if len(cells) == 0 {
		return
	}
	fmt.Printf("medians of %d\n", passes)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "keys\tplatform\tin flight\tin flight/latency\tbare/s\tdoustream/s\tof ceiling\tbare CPU us + outside (busy)\tdoustream CPU us + outside (busy)\t")
	for _, m := range cells {
		bound := "-"
		if m.bound() > 0 {
			bound = fmt.Sprintf("%.0f", m.bound())
		}
		fmt.Fprintf(w, "%s\t%v\t%d\t%s\t%.0f\t%.0f\t%.0f%%\t%s\t%s\t\n", m.what, m.Latency, m.inFlight, bound,
			medianOf(m.bare, rowRate), medianOf(m.full, rowRate), 100*median(m.ratios()), rowCost(m.bare), rowCost(m.full))
	}
	_ = w.Flush()
	printMeans(cells)
}

// printMeans prints what the ratios of all pairs come to together: of one cell there
// are too few to tell it from its neighbours.
func printMeans(cells []*measured) {
	for _, of := range []struct {
		what    string
		working bool
	}{{"processors bound", true}, {"latency bounds", false}} {
		var all []float64
		for _, m := range cells {
			if m.isWorking() == of.working {
				all = append(all, m.ratios()...)
			}
		}
		if len(all) > 1 {
			mean, scatter := meanAndDeviation(all)
			fmt.Printf("what %s: %.1f%% of the ceiling in the mean of %d pairs, standard error %.1f; one pair is off by %.0f, typically\n",
				of.what, 100*mean, len(all), 100*scatter/math.Sqrt(float64(len(all))), 100*scatter)
		}
	}
}

// meanAndDeviation are the mean of some figures, and their standard deviation.
func meanAndDeviation(of []float64) (mean, deviation float64) {
	for _, x := range of {
		mean += x / float64(len(of))
	}
	for _, x := range of {
		deviation += (x - mean) * (x - mean) / float64(len(of)-1)
	}
	return mean, math.Sqrt(deviation)
}
