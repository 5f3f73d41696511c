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
	"runtime/debug"
	"slices"
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
	Warm    int           // the first so many requests are not measured: connections are made, limits found
}

const outsideVariable = "DOUSTREAM_BENCH_OUTSIDE"

// address is how doustream gets at it.
type address struct{ Broker, Platform string }

// report is what the platform and the reader saw.
type report struct {
	Rate           float64 // logins a second; see rate
	P50, P99, P999 time.Duration
	CPU            time.Duration // of what is outside, from begin to the end
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

// startOutside starts one. begin tells it to log in, and answers what was read.
func startOutside(b *testing.B, o outside) (at address, begin func() report) {
	spec, err := json.Marshal(o)
	must(b, err)
	exe, err := os.Executable()
	must(b, err)
	cmd := exec.CommandContext(b.Context(), exe)
	cmd.Env = append(os.Environ(), outsideVariable+"="+string(spec))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(b, err)
	stdout, err := cmd.StdoutPipe()
	must(b, err)
	must(b, cmd.Start())
	b.Cleanup(func() {
		_ = stdin.Close() // it ends with us
		_ = cmd.Wait()
	})
	answers := json.NewDecoder(stdout)
	must(b, answers.Decode(&at))
	return at, func() (r report) {
		_, err := fmt.Fprintln(stdin)
		must(b, err)
		must(b, answers.Decode(&r))
		return r
	}
}

// runOutside is the process.
func runOutside(spec string) error {
	debug.SetGCPercent(400) // Kafka keeps its logs in memory here: they are not to be gone through all the time
	var o outside
	if err := json.Unmarshal([]byte(spec), &o); err != nil {
		return fmt.Errorf("read what is outside: %w", err)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(benchPartitions, rigTopics()...))
	if err != nil {
		return err
	}
	defer cluster.Close()
	people := &people{outside: o, platform: douyintest.New(douyintest.Options{Apps: testConfig().Apps}), slow: map[string]bool{}}
	people.platform.SetLatency(douyin.EndpointCode2Session, douyintest.Latency{Median: o.Latency})
	server := httptest.NewServer(people)
	if people.client, err = kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.MaxBufferedRecords(1<<17), kgo.ProducerLinger(time.Millisecond),
		kgo.ConsumeTopics(schemas.TopicUsers), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted())); err != nil {
		return err
	}
	people.prepare()
	if o.Rate == 0 {
		if err := people.publish(people.events); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(address{cluster.ListenAddrs()[0], server.URL}); err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return nil // the benchmark is over
	}
	if o.Rate > 0 {
		go people.pace()
	}
	before := cpuTime()
	r := people.read()
	r.CPU = cpuTime() - before
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
	hot      string          // open_id of the hot user
	events   []*kgo.Record
	began    []atomic.Int64 // when each was published, of those that are paced; ns
	asked    atomic.Int64   // requests, ever
	warm     atomic.Int64   // when the first came that is measured; ns
}

const hotUser = "hot"

// prepare has everybody log in: codes are issued, events are built.
func (p *people) prepare() {
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	zipf := rand.NewZipf(rng, 1.1, 1, uint64(p.Logins))
	between := max(1, p.Logins/2/max(1, p.Hot)) // all in the first half, so that no slow one is waited for at the end
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
	if session == hotUser {
		p.hot = login.OpenID
	}
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
	if p.asked.Add(1) == int64(p.Warm)+1 {
		p.warm.Store(time.Now().UnixNano())
	}
	if len(p.slow) > 0 {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var ask struct{ Code string }
		if err == nil && json.Unmarshal(body, &ask) == nil && p.slow[ask.Code] {
			timer := time.NewTimer(p.HotFor - p.Latency)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
			}
		}
	}
	p.platform.ServeHTTP(w, r)
}

// read reads results until all logins are through.
func (p *people) read() (r report) {
	var took []time.Duration
	results, last := 0, time.Now()
	for deadline := time.Now().Add(time.Minute); results < len(p.events) && time.Now().Before(deadline); {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		fetches := p.client.PollFetches(ctx)
		cancel()
		now := time.Now()
		fetches.EachRecord(func(rec *kgo.Record) {
			results++
			if p.hot == "" || string(rec.Key) != p.hot {
				last = now
			}
			if p.Rate > 0 {
				u, err := schemas.DecodeEnrichedUser(rec.Value)
				if err == nil {
					took = append(took, p.sinceBegun(u.EventID, now))
				}
			}
		})
	}
	if results == len(p.events) {
		r.Rate = p.rate(last)
	}
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

// rate answers logins a second from the first request that is measured until the
// last result can be read but the hot user's, who slows himself, less the time that the last request takes at least:
// who keeps as many under way as may be comes to in flight / latency, and nobody
// to more, however the results come in between.
func (p *people) rate(last time.Time) float64 {
	took := last.Sub(time.Unix(0, p.warm.Load())) - p.Latency
	return float64(len(p.events)-p.Hot-p.Warm) / took.Seconds()
}

// sinceBegun answers how long ago an event was published.
func (p *people) sinceBegun(eventID string, now time.Time) time.Duration {
	var i int
	_, _ = fmt.Sscanf(eventID, "ev-%d", &i)
	return now.Sub(time.Unix(0, p.began[i].Load()))
}
