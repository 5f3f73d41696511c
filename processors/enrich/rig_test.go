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
	"doustream/schemas"
)

// rig is the world around the enrich role: Kafka and the open platform, each
// speaking its real protocol.
type rig struct {
	t        testing.TB
	connect  []kgo.Opt
	platform *douyintest.Platform
	client   *douyin.Client
	apps     []douyin.App
	change   func(*Config)
	logger   *slog.Logger

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
		t: t, logger: testLogger(t),
		connect: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.Dialer(network.DialContext)},
		apps:    []douyin.App{{ID: testApp, Secret: "app-secret-never-seen"}, {ID: otherApp, Secret: "other-secret-never-seen"}},
	}
	r.platform = douyintest.New(douyintest.Options{Apps: r.apps})
	local := douyintest.NewLocal(r.platform)
	t.Cleanup(func() { _ = local.Close() })
	r.client, err = douyin.NewClient(douyin.Config{AppsURL: "http://platform", OpenURL: "http://platform", Transport: local.Transport()})
	must(t, err)
	return r
}

func rigTopics() []string {
	return append(schemas.InputTopics(), schemas.TopicSessions, schemas.TopicParked,
		schemas.TopicUsers, schemas.TopicDeadLetters, schemas.TopicConsents)
}

// start runs an instance of the role until stop or the end of the test.
func (r *rig) start(instance string) (stop func()) {
	r.t.Helper()
	registry := prometheus.NewRegistry()
	cfg := Config{Apps: r.apps, Metrics: registry, Logger: r.logger}
	if r.change != nil {
		r.change(&cfg)
	}
	newTask, err := New(cfg, testDeps(r.t, r.client))
	must(r.t, err)
	runtime, err := stream.New(stream.Config{
		Connect: r.connect, Role: "enrich", Instance: instance, Group: "enrich", TransactionalID: "enrich-" + instance,
		Layout: stream.Copartition, Inputs: schemas.InputTopics(), Leader: schemas.TopicLogin,
		State:  []string{schemas.TopicSessions, schemas.TopicParked},
		Logger: r.logger, Metrics: registry,
	}, newTask)
	must(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runtime.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.t.Errorf("Run: %v", err)
			}
		})
	}
	r.t.Cleanup(stop)
	return stop
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
	cl, err := kgo.NewClient(append(r.connect, kgo.ConsumeTopics(schemas.TopicUsers, schemas.TopicDeadLetters),
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
			r.t.Fatalf("%d of %d results", len(all), n)
		}
	}
	poll(time.Second)
	got, _ := results(r.t, all)
	return got
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
