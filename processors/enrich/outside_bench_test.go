package enrich

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// outside is everything that a benchmark of exchanges needs and that is not
// doustream: Kafka, the platform, who logs in, and a read_committed reader. It
// is a process of its own, so that what doustream costs can be told apart.
type outside struct {
	Logins  int           // of sessions that nothing is wrong with
	Latency time.Duration // of the platform
	Zipf    bool          // sessions are drawn from a Zipf distribution; else each logs in once
	Hot     int           // logins of one more session, spread among the others
	HotFor  time.Duration // what the platform takes for those; 0: as for the others
	Rate    float64       // logins a second, from when it is told to begin; 0: all are there from the start
}

const outsideVariable = "DOUSTREAM_BENCH_OUTSIDE"

// report is what the platform and the reader saw until they were told to stop, or all
// were through.
type report struct {
	Seen           []seen
	All            bool          // nothing was left to do
	P50, P99, P999 time.Duration // of logins that came at a rate
}

// seen is how many requests had been answered at a moment, and how many results could
// be read.
type seen struct {
	At               time.Time
	Answers, Results int
}

// seeEvery is how often is looked.
const seeEvery = 5 * time.Millisecond

// at answers what was seen until a moment.
func (r *report) at(when time.Time) seen {
	n, _ := slices.BinarySearchFunc(r.Seen, when, func(s seen, when time.Time) int { return s.At.Compare(when) })
	if n == 0 {
		return seen{}
	}
	return r.Seen[n-1]
}

// outsideMain turns this program into what is outside, if it was started as that.
func outsideMain() {
	spec := os.Getenv(outsideVariable)
	if spec == "" {
		return
	}
	if err := runOutside(spec); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// running is an outside that was started.
type running struct {
	Broker, Platform string // addresses
	cmd              *exec.Cmd
	orders           io.Writer
	answers          *json.Decoder
}

// startOutside starts one.
func startOutside(b *testing.B, o outside) *running {
	spec, err := json.Marshal(o)
	must(b, err)
	exe, err := os.Executable()
	must(b, err)
	r := &running{cmd: exec.CommandContext(b.Context(), exe)}
	r.cmd.Env = append(os.Environ(), outsideVariable+"="+string(spec))
	r.cmd.Stderr = os.Stderr
	stdin, err := r.cmd.StdinPipe()
	must(b, err)
	stdout, err := r.cmd.StdoutPipe()
	must(b, err)
	must(b, r.cmd.Start())
	b.Cleanup(func() {
		_ = stdin.Close() // it ends with us
		_ = r.cmd.Wait()
	})
	r.orders, r.answers = stdin, json.NewDecoder(stdout)
	must(b, r.answers.Decode(r))
	return r
}

func (r *running) pid() int { return r.cmd.Process.Pid }

func (r *running) connect() []kgo.Opt { return []kgo.Opt{kgo.SeedBrokers(r.Broker)} }

func (r *running) client(b *testing.B, inFlight int) *douyin.Client {
	client, err := douyin.NewClient(douyin.Config{AppsURL: r.Platform, OpenURL: r.Platform, MaxConns: inFlight})
	must(b, err)
	return client
}

// begin has people log in.
func (r *running) begin(b *testing.B) {
	_, err := fmt.Fprintln(r.orders)
	must(b, err)
}

// end has the reader stop.
func (r *running) end(b *testing.B) report {
	_, err := fmt.Fprintln(r.orders)
	must(b, err)
	return r.result(b)
}

// result is what was read, once all logins are through or the reader was told to stop.
func (r *running) result(b *testing.B) (all report) {
	must(b, r.answers.Decode(&all))
	return all
}

// runOutside is the process.
func runOutside(spec string) error {
	touchMemory(outsideMemory)
	debug.SetMemoryLimit(outsideMemory * 3 / 2) // below it nothing is given back to the system
	var o outside
	if err := json.Unmarshal([]byte(spec), &o); err != nil {
		return fmt.Errorf("read what is outside: %w", err)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(benchPartitions, rigTopics()...))
	if err != nil {
		return err
	}
	defer cluster.Close()
	people := &people{outside: o, slow: map[string]bool{}}
	people.platform = douyintest.New(douyintest.Options{Apps: testConfig().Apps})
	people.platform.SetLatency(douyin.EndpointCode2Session, douyintest.Latency{Median: o.Latency})
	server := httptest.NewServer(people)
	if people.client, err = kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.MaxBufferedRecords(1<<17), kgo.ProducerLinger(time.Millisecond),
		kgo.ConsumeTopics(schemas.TopicUsers), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted())); err != nil {
		return err
	}
	people.prepare()
	people.all = len(people.events)
	if o.Rate == 0 {
		if err := people.publish(people.events); err != nil {
			return err
		}
		people.events = nil
		runtime.GC()
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(running{Broker: cluster.ListenAddrs()[0], Platform: server.URL}); err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return nil // the benchmark is over
	}
	if o.Rate > 0 {
		go people.pace()
	}
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Minute)
	defer stop()
	go func() {
		_, _ = in.ReadString('\n')
		stop()
	}()
	var seen []seen
	var watching sync.WaitGroup
	watching.Go(func() { seen = people.watch(ctx) })
	r := people.read(ctx)
	stop()
	watching.Wait()
	r.Seen = seen
	if err := out.Encode(r); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, in)
	return nil
}

// people log in, and see what comes of it.
type people struct {
	outside
	platform *douyintest.Platform
	client   *kgo.Client
	slow     map[string]bool // codes
	events   []*kgo.Record   // to be published
	all      int             // of them
	began    []atomic.Int64  // when each was published, of those that are paced; ns
	answers  atomic.Int64    // given
	results  atomic.Int64    // read
}

const hotUser = "hot"

// prepare has everybody log in: codes are issued, events are built.
func (p *people) prepare() {
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	zipf := rand.NewZipf(rng, 1.1, 1, uint64(p.Logins))
	between := max(1, p.Logins/2/max(1, p.Hot)) // all in the first half, about as many as are done
	for i, hot := 0, 0; i < p.Logins; i++ {
		session := fmt.Sprintf("session-%08d", i)
		if p.Zipf {
			session = fmt.Sprintf("session-%08d", zipf.Uint64())
		}
		p.events = append(p.events, p.event(session, len(p.events)))
		if i%between == 0 && hot < p.Hot {
			p.events = append(p.events, p.event(hotUser, len(p.events)))
			hot++
		}
	}
	p.began = make([]atomic.Int64, len(p.events))
}

func (p *people) event(session string, i int) *kgo.Record {
	login := p.platform.Login(testApp, session)
	if session == hotUser && p.HotFor > 0 {
		p.slow[login.Code] = true
	}
	return &kgo.Record{Topic: schemas.TopicLogin, Key: []byte(session), Value: fmt.Appendf(nil,
		`{"event_id":"ev-%d","app_id":%q,"session_id":%q,"occurred_at":%d,"payload":{"code":%q,"isLogin":true,"errMsg":"login:ok"}}`,
		i, testApp, session, time.Now().UnixMilli(), login.Code)}
}

func (p *people) publish(events []*kgo.Record) error {
	for _, rec := range events {
		p.client.Produce(context.Background(), rec, nil)
	}
	return p.client.Flush(context.Background())
}

// pace publishes at the rate, every few milliseconds what is due.
func (p *people) pace() {
	start := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for sent := 0; sent < len(p.events); <-tick.C {
		now := time.Now()
		for due := min(len(p.events), int(now.Sub(start).Seconds()*p.Rate)); sent < due; sent++ {
			p.began[sent].Store(now.UnixNano())
			p.client.Produce(context.Background(), p.events[sent], nil)
		}
	}
}

// ServeHTTP is the platform, which takes its time for some.
func (p *people) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.isSlow(r) {
		timer := time.NewTimer(p.HotFor - p.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	p.platform.ServeHTTP(w, r)
	p.answers.Add(1)
}

// isSlow looks into a request, if there are any that are.
func (p *people) isSlow(r *http.Request) bool {
	if len(p.slow) == 0 {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var ask struct{ Code string }
	return err == nil && json.Unmarshal(body, &ask) == nil && p.slow[ask.Code]
}

// watch notes what was seen, all the time.
func (p *people) watch(ctx context.Context) (all []seen) {
	tick := time.NewTicker(seeEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		all = append(all, seen{time.Now(), int(p.answers.Load()), int(p.results.Load())})
		<-tick.C
	}
	return all
}

// read reads results until all logins are through, or ctx ends.
func (p *people) read(ctx context.Context) (r report) {
	var took []time.Duration
	for int(p.results.Load()) < p.all && ctx.Err() == nil {
		fetches := p.client.PollFetches(ctx)
		now := time.Now()
		fetches.EachRecord(func(rec *kgo.Record) {
			p.results.Add(1)
			if p.Rate > 0 {
				u, err := schemas.DecodeEnrichedUser(rec.Value)
				if err == nil {
					took = append(took, p.sinceBegun(u.EventID, now))
				}
			}
		})
	}
	r.All = int(p.results.Load()) == p.all
	slices.Sort(took)
	at := func(q float64) time.Duration {
		if len(took) == 0 {
			return 0
		}
		return took[int(q*float64(len(took)-1))]
	}
	r.P50, r.P99, r.P999 = at(.5), at(.99), at(.999)
	return r
}

// sinceBegun answers how long ago an event was published.
func (p *people) sinceBegun(eventID string, now time.Time) time.Duration {
	var i int
	_, _ = fmt.Sscanf(eventID, "ev-%d", &i)
	return now.Sub(time.Unix(0, p.began[i].Load()))
}

// outsideMemory is what an outside has from the beginning, so that it need not
// collect garbage while it is measured, nor ask the system for more.
const outsideMemory = 2 << 30
