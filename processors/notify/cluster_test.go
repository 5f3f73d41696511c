package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/schemas"
)

// virtually runs a test with Kafka, HTTP and all clocks on virtual time.
func virtually(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

// box is Kafka and the open platform, of which a test starts instances.
type box struct {
	t        *testing.T
	network  *kfake.VirtualNetwork
	brokers  []string
	platform *douyintest.Platform
	local    *douyintest.Local
	cfg      Config
	client   *kgo.Client

	log     *slog.Logger              // nil: none, or standard error if the environment says so
	metrics prometheus.Registerer     // nil: none
	wrap    func(p Platform) Platform // nil: the client as it is
}

func newBox(t *testing.T, cfg Config, opts douyintest.Options) *box {
	t.Helper()
	b := &box{t: t, network: &kfake.VirtualNetwork{}, cfg: cfg}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second), kfake.ListenFn(b.network.Listen),
		kfake.SeedTopics(3, orderTopic, stateTopic, tokensTopic, consentTopic, resultTopic, deadTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b.brokers = cluster.ListenAddrs()
	if opts.Apps == nil {
		opts.Apps = []douyin.App{{ID: "tt1", Secret: "s1"}}
	}
	b.cfg.Apps = opts.Apps
	b.cfg.Orders, b.cfg.Notifications, b.cfg.Tokens, b.cfg.Consents = []string{orderTopic}, stateTopic, tokensTopic, consentTopic
	b.platform = douyintest.New(opts)
	b.local = douyintest.NewLocal(b.platform)
	t.Cleanup(func() { b.local.Close() })
	b.client, err = kgo.NewClient(append(b.connect(b.network.DialContext), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	return b
}

func (b *box) connect(dial func(context.Context, string, string) (net.Conn, error)) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(b.brokers...), kgo.Dialer(dial), kgo.DisableClientMetrics()}
}

// member is one running instance.
type member struct {
	link *link
	stop func() error // in good order; what Run answered
}

func (b *box) start(name string) *member {
	b.t.Helper()
	m := &member{link: &link{dial: b.network.DialContext}}
	client, err := douyin.NewClient(douyin.Config{AppsURL: "http://apps.test", OpenURL: "http://open.test", Transport: b.local.Transport()})
	if err != nil {
		b.t.Fatal(err)
	}
	log := b.log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if os.Getenv("NOTIFY_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("instance", name)
	}
	var platform Platform = client
	if b.wrap != nil {
		platform = b.wrap(client)
	}
	task, err := New(b.cfg, Deps{Platform: platform, Output: testOutput{}, Keys: testKeys, Logger: log, Metrics: b.metrics})
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := stream.New(stream.Config{
		Connect: b.connect(m.link.connect), Role: "notify", Instance: name, Group: "notify", TransactionalID: "notify",
		Layout: stream.SingleOwner, Inputs: []string{orderTopic}, State: []string{stateTopic, tokensTopic}, Follow: []string{consentTopic},
		CommitInterval: 20 * time.Millisecond, Logger: log,
	}, task)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	m.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	b.t.Cleanup(func() {
		m.link.thaw()
		_ = m.stop()
	})
	return m
}

func (b *box) produce(topic, key string, value []byte) {
	rec := &kgo.Record{Topic: topic, Value: value}
	if key != "" {
		rec.Key = []byte(key)
	}
	if err := b.client.ProduceSync(context.Background(), rec).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// order publishes one, keyed by its user.
func (b *box) order(id, openID string, more ...string) {
	b.produce(orderTopic, openID, []byte(orderJSON(id, openID, more...)))
}

func (b *box) accept(openID string, at time.Time, status schemas.ConsentStatus) {
	f := schemas.ConsentFact{AppID: "tt1", OpenID: openID, TemplateID: "tpl", Status: status, OccurredAt: at.UnixMilli()}
	b.produce(consentTopic, "tt1|"+openID, must(f.Encode()))
}

// results reads n results as a read_committed reader sees them, and a second
// longer for those that there must not be.
func (b *box) results(n int, within time.Duration) []schemas.NotificationResult {
	b.t.Helper()
	reader, err := kgo.NewClient(append(b.connect(b.network.DialContext), kgo.ConsumeTopics(resultTopic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reader.Close()
	var all []schemas.NotificationResult
	deadline := time.Now().Add(within)
	for {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		fetches := reader.PollFetches(ctx)
		cancel()
		fetches.EachRecord(func(rec *kgo.Record) { all = append(all, decodeResult(rec.Value)) })
		if !time.Now().Before(deadline) {
			break
		}
		if len(all) >= n && deadline.After(time.Now().Add(time.Second)) {
			deadline = time.Now().Add(time.Second)
		}
	}
	if len(all) != n {
		b.t.Fatalf("%d results, want %d: %v", len(all), n, statuses(all))
	}
	return all
}

// link is an instance's network to Kafka. Cut, the instance is as dead to the
// others as after a kill -9; frozen, as after a SIGSTOP.
type link struct {
	dial   func(context.Context, string, string) (net.Conn, error)
	mu     sync.Mutex
	conns  []net.Conn
	dead   bool
	frozen chan struct{}
}

var errCut = &net.OpError{Op: "dial", Err: errors.New("cut")}

func (l *link) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	c, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c)
	return &linkConn{c, l}, nil
}

func (l *link) pass() error {
	l.mu.Lock()
	dead, frozen := l.dead, l.frozen
	l.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	if dead {
		return errCut
	}
	return nil
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for _, c := range l.conns {
		c.Close()
	}
}

func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = make(chan struct{})
}

func (l *link) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen != nil {
		close(l.frozen)
		l.frozen = nil
	}
}

type linkConn struct {
	net.Conn
	link *link
}

func (c *linkConn) Write(p []byte) (int, error) {
	if err := c.link.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *linkConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if blocked := c.link.pass(); blocked != nil {
		return 0, blocked
	}
	return n, err
}

// delivered counts what reached users, by the text of the message.
func delivered(p *douyintest.Platform) map[string]int {
	out := map[string]int{}
	for _, m := range p.Messages() {
		if m.Delivered {
			out[m.Data["thing"]]++
		}
	}
	return out
}

func statuses(results []schemas.NotificationResult) map[string]int {
	out := map[string]int{}
	for _, r := range results {
		out[fmt.Sprint(statusNames[r.Status])]++
	}
	return out
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }
