package enrich

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
	"doustream/schemas"
)

// rig is the world around the enrich role: Kafka and the open platform, each
// speaking its real protocol.
type rig struct {
	t        testing.TB
	connect  []kgo.Opt // of what is no instance
	network  *kfake.VirtualNetwork
	brokers  []string
	cluster  *kfake.Cluster
	platform *douyintest.Platform
	local    *douyintest.Local
	apps     []douyin.App
	change   func(*Config)
	deps     func(*Deps)
	runtime  func(*stream.Config)
	logger   *slog.Logger
	launched []*instance

	mu   sync.Mutex
	sent int // events produced; guarded by mu
}

const otherApp = "tt60d4000000000002"

// newRig makes topics with so many partitions. It is called inside a synctest
// bubble.
func newRig(t testing.TB, partitions int32) *rig {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(network.Listen),
		kfake.GroupMinSessionTimeout(time.Second), kfake.SeedTopics(partitions, rigTopics()...))
	must(t, err)
	t.Cleanup(cluster.Close)
	r := &rig{
		t: t, logger: testLogger(t), network: network, cluster: cluster, brokers: cluster.ListenAddrs(),
		connect: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.Dialer(network.DialContext)},
		apps:    []douyin.App{{ID: testApp, Secret: "app-secret-never-seen"}, {ID: otherApp, Secret: "other-secret-never-seen"}},
	}
	r.platform = douyintest.New(douyintest.Options{Apps: r.apps})
	r.local = douyintest.NewLocal(r.platform)
	t.Cleanup(func() { _ = r.local.Close() })
	return r
}

func rigTopics() []string {
	return append(schemas.InputTopics(), schemas.TopicSessions, schemas.TopicParked,
		schemas.TopicUsers, schemas.TopicDeadLetters, schemas.TopicConsents)
}

// instance is one of the role's, with a network and a platform client of its
// own.
type instance struct {
	*stream.Runtime
	wire     *streamtest.Wire
	registry *prometheus.Registry
	quit     context.CancelFunc
	done     chan struct{}
	err      error // after done
}

// start runs an instance of the role until stop or the end of the test.
func (r *rig) start(name string) (stop func()) { return r.launch(name).stop(r.t) }

// launch runs an instance of the role until the end of the test.
func (r *rig) launch(name string) *instance {
	r.t.Helper()
	i := &instance{wire: streamtest.NewWire(), registry: prometheus.NewRegistry(), done: make(chan struct{})}
	cfg := Config{Apps: r.apps, Metrics: i.registry, Logger: r.logger.With("test", name)}
	if r.change != nil {
		r.change(&cfg)
	}
	deps := testDeps(r.t, r.client(i.wire, cfg.Deadline))
	if r.deps != nil {
		r.deps(&deps)
	}
	newTask, err := New(cfg, deps)
	must(r.t, err)
	sc := stream.Config{
		Connect: []kgo.Opt{kgo.SeedBrokers(r.brokers...), kgo.Dialer(i.wire.Kafka(r.network.DialContext))},
		Role:    "enrich", Instance: name, Group: "enrich", TransactionalID: "enrich-" + name,
		Layout: stream.Copartition, Inputs: schemas.InputTopics(), Leader: schemas.TopicLogin,
		Overlap: []string{schemas.TopicLogin},
		State:   []string{schemas.TopicSessions, schemas.TopicParked},
		Logger:  cfg.Logger, Metrics: i.registry,
	}
	if r.runtime != nil {
		r.runtime(&sc)
	}
	i.Runtime, err = stream.New(sc, newTask)
	must(r.t, err)
	r.launched = append(r.launched, i)
	ctx, cancel := context.WithCancel(context.Background())
	i.quit = cancel
	go func() {
		defer close(i.done)
		i.err = i.Run(ctx)
	}()
	r.t.Cleanup(func() {
		i.wire.Thaw()
		cancel()
		<-i.done
	})
	return i
}

// client is the platform's, on an instance's network.
func (r *rig) client(w *streamtest.Wire, timeout time.Duration) *douyin.Client {
	transport := r.local.Transport().Clone()
	transport.DialContext = w.HTTP(transport.DialContext)
	client, err := douyin.NewClient(douyin.Config{AppsURL: "http://platform", OpenURL: "http://platform", Transport: transport, Timeout: timeout})
	must(r.t, err)
	r.t.Cleanup(transport.CloseIdleConnections)
	return client
}

// stop ends an instance in good order; it may be called twice.
func (i *instance) stop(t testing.TB) func() {
	var once sync.Once
	stop := func() {
		once.Do(func() {
			i.quit()
			<-i.done
			if i.err != nil {
				t.Errorf("Run: %v", i.err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// metric is the sum of a metric's series over everything that was launched.
func (r *rig) metric(name string) (sum float64) {
	r.t.Helper()
	found := false
	for _, i := range r.launched {
		families, err := i.registry.Gather()
		must(r.t, err)
		for _, f := range families {
			if f.GetName() != name {
				continue
			}
			found = true
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	if !found {
		r.t.Errorf("there is no metric %s", name)
	}
	return sum
}

// until waits until a condition holds.
func (r *rig) until(holds func() bool) {
	r.t.Helper()
	deadline := time.After(10 * time.Minute)
	for !holds() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			r.t.Fatal("it did not come to hold")
		}
	}
}

// made is an event that was produced.
type made struct {
	source schemas.Source
	id     string
	topic  string
}

// producer publishes events as a backend does.
func (r *rig) producer() *kgo.Client {
	cl, err := kgo.NewClient(append(r.connect, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	must(r.t, err)
	r.t.Cleanup(cl.Close)
	return cl
}

func (r *rig) publish(cl *kgo.Client, topic, app, session string, payload any) made {
	r.t.Helper()
	r.mu.Lock()
	r.sent++
	id := fmt.Sprintf("ev-%d", r.sent)
	r.mu.Unlock()
	value, err := json.Marshal(map[string]any{
		"event_id": id, "app_id": app, "session_id": session, "occurred_at": time.Now().UnixMilli(), "payload": payload,
	})
	must(r.t, err)
	rec := &kgo.Record{Topic: topic, Key: []byte(session), Value: value}
	must(r.t, cl.ProduceSync(context.Background(), rec).FirstErr())
	return made{source: sourceOf(rec), id: id, topic: topic}
}

func loginPayload(l douyintest.Login) any {
	return map[string]any{"code": l.Code, "anonymousCode": l.AnonymousCode, "isLogin": true, "errMsg": "login:ok"}
}

func sealed(t testing.TB, key string, plain string) map[string]any {
	data, iv, err := douyintest.Seal(douyin.SessionKey(key), []byte(plain))
	must(t, err)
	return map[string]any{"encryptedData": data, "iv": iv}
}

func watermark(app string) string {
	return fmt.Sprintf(`"watermark":{"appid":%q,"timestamp":%d}`, app, time.Now().Unix())
}

func (r *rig) phonePayload(app, key string) any {
	return map[string]any{"errMsg": "getPhoneNumber:ok", "detail": sealed(r.t, key,
		`{"phoneNumber":"+8613800001234","purePhoneNumber":"13800001234","countryCode":"86",`+watermark(app)+`}`)}
}

func (r *rig) profilePayload(app, key string) any {
	raw := `{"nickName":"小明","gender":1}`
	p := sealed(r.t, key, `{"nickName":"小明","gender":1,"avatarUrl":"https://a/b.png",`+watermark(app)+`}`)
	p["rawData"], p["signature"], p["errMsg"] = raw, douyintest.Sign(raw, douyin.SessionKey(key)), "getUserProfile:ok"
	return p
}

// visit publishes one event of every kind of a session, the login first.
func (r *rig) visit(cl *kgo.Client, app, session string) []made {
	login := r.platform.Login(app, "user-of-"+session)
	return append([]made{r.publish(cl, schemas.TopicLogin, app, session, loginPayload(login))},
		r.followers(cl, app, session, login.SessionKey)...)
}

func (r *rig) followers(cl *kgo.Client, app, session, key string) []made {
	return []made{
		r.publish(cl, schemas.TopicProfile, app, session, r.profilePayload(app, key)),
		r.publish(cl, schemas.TopicPhone, app, session, r.phonePayload(app, key)),
		r.publish(cl, schemas.TopicPhone, app, session, r.phonePayload(app, key)),
		r.publish(cl, schemas.TopicLocation, app, session, map[string]any{"longitude": 116.4, "latitude": "39.9", "errMsg": "getLocation:ok"}),
		r.publish(cl, schemas.TopicLocation, app, session, map[string]any{
			"userName": "张三", "provinceName": "北京市", "cityName": "北京市",
			"countyName": "朝阳区", "detailInfo": "望京1号", "telNumber": "13811112222", "errMsg": "chooseAddress:ok",
		}),
		r.publish(cl, schemas.TopicDevice, app, session, map[string]any{"brand": "devtools", "screenWidth": 390, "errMsg": "getSystemInfo:ok"}),
		r.publish(cl, schemas.TopicSubscription, app, session, map[string]any{"MSG1": "accept", "errMsg": "requestSubscribeMessage:ok"}),
	}
}

// read reads n results as a read_committed reader sees them, then waits a
// little for one too many.
func (r *rig) read(n int) map[schemas.Source][]result {
	r.t.Helper()
	got, _ := r.readInOrder(n)
	return got
}

// readInOrder answers the order in which the enriched ones lie, too.
func (r *rig) readInOrder(n int) (got map[schemas.Source][]result, order []schemas.Source) {
	r.t.Helper()
	return results(r.t, r.consume(n, schemas.TopicUsers, schemas.TopicDeadLetters))
}

// consume reads n committed records and what comes within a second after.
func (r *rig) consume(n int, topics ...string) []*kgo.Record {
	r.t.Helper()
	cl, err := kgo.NewClient(append(r.connect, kgo.ConsumeTopics(topics...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
	must(r.t, err)
	defer cl.Close()
	var all []*kgo.Record
	poll := func(wait time.Duration) bool {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		got := cl.PollFetches(ctx).Records()
		all = append(all, got...)
		return len(got) > 0
	}
	for len(all) < n {
		if !poll(10 * time.Minute) {
			got, _ := results(r.t, all)
			r.t.Fatalf("%d of %d results: %v", len(all), n, got)
		}
	}
	poll(time.Second)
	return all
}

// wantAll fails unless each event has exactly one result, the one that want
// names ("" for a result that is enriched).
func (r *rig) wantAll(events []made, outcome string, got map[schemas.Source][]result) {
	r.t.Helper()
	for _, e := range events {
		res := got[e.source]
		if len(res) != 1 || res[0].String() != outcome {
			r.t.Errorf("%v of %s: %v; want one %s", e.source, e.id, res, outcome)
		}
	}
}

// testLogger writes to the test's own log, which is shown when it fails.
func testLogger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
