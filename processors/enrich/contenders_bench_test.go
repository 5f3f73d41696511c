package enrich

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// contender takes the logins up from now until it is stopped.
type contender func(b *testing.B, connect []kgo.Opt, inFlight int, client Exchanger) (stop func())

// The contenders, by the names that rows and profiles bear.
const (
	whoBare   = "bare"
	whoLedger = "bare with facts"
	whoEnrich = "enrich"
	whoBefore = "enrich before" // as another build of these tests has it
)

var contenders = map[string]contender{whoBare: bareLoop, whoLedger: bareLedger, whoEnrich: theRole}

// contest is what one process does of a cell.
type contest struct {
	Who      string
	InFlight int
	Outside  outside
}

const contestVariable = "DOUSTREAM_BENCH_CONTEST"

// BenchmarkContender is one of those that run side by side, in a process of its own: it
// tells on its fourth file that it is ready, begins at a line on its standard input,
// and ends at another with what was seen outside.
func BenchmarkContender(b *testing.B) {
	text := os.Getenv(contestVariable)
	if text == "" {
		b.Skip("the other benchmarks start it")
	}
	var one contest
	must(b, json.Unmarshal([]byte(text), &one))
	underLimit(b)
	out := startOutside(b, one.Outside)
	client := out.client(b, one.InFlight)
	tell, orders := json.NewEncoder(os.NewFile(3, "tells")), bufio.NewReader(os.Stdin)
	must(b, tell.Encode(out.pid()))
	if _, err := orders.ReadString('\n'); err != nil {
		return // whoever started it is gone
	}
	out.begin(b)
	stop := contenders[one.Who](b, out.connect(), one.InFlight, client)
	if _, err := orders.ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	must(b, tell.Encode(out.end(b)))
	stop()
	client.CloseIdle()
	_, _ = io.Copy(io.Discard, orders)
}

// theRole is doustream.
func theRole(b *testing.B, connect []kgo.Opt, inFlight int, client Exchanger) (stop func()) {
	cfg := testConfig()
	cfg.InFlight = inFlight
	cfg.Metrics = prometheus.NewRegistry()
	return startRole(b, connect, cfg, testDeps(b, client))
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
