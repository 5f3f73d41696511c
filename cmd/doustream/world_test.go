package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/embedded"
	"doustream/schemas"
)

func TestMain(m *testing.M) {
	embedded.Main()
	code := m.Run()
	closeApache()
	os.Exit(code)
}

const testApp = "tt60d4166000000008801"

// world is the outside of one test: Kafka, the open platform, and what the
// mini-app's backend does.
type world struct {
	t        *testing.T
	brokers  []string
	prefix   string // of topics and groups
	access   []kgo.Opt
	platform *douyintest.Platform
	environ  []string
	backend  *kgo.Client
}

// newWorld starts Kafka (Apache's where DOUSTREAM_TEST_KAFKA is set) and
// the platform, and makes the topics.
func newWorld(t *testing.T, changes ...string) *world {
	t.Helper()
	brokers, prefix := startKafka(t)
	return newWorldOn(t, brokers, prefix, nil, changes...)
}

// newWorldOn is newWorld with a Kafka that is there; access is how the test
// itself logs in.
func newWorldOn(t *testing.T, brokers []string, prefix string, access []kgo.Opt, changes ...string) *world {
	t.Helper()
	w := &world{t: t, brokers: brokers, prefix: prefix, access: access}
	app := douyin.App{ID: testApp, Secret: "the-app-secret"}
	w.platform = douyintest.New(douyintest.Options{Apps: []douyin.App{app}, NotifyInterval: -1})
	server := httptest.NewServer(w.platform)
	t.Cleanup(server.Close)
	w.environ = append([]string{
		"DOUSTREAM_KAFKA_BROKERS=" + strings.Join(w.brokers, ","), "DOUSTREAM_TOPIC_PARTITIONS=2",
		"DOUSTREAM_TOPIC_PREFIX=" + w.prefix, "DOUSTREAM_GROUP_PREFIX=" + w.prefix,
		"DOUSTREAM_APPS_0_ID=" + app.ID, "DOUSTREAM_APPS_0_SECRET=" + string(app.Secret),
		"DOUSTREAM_DOUYIN_APPS_URL=" + server.URL, "DOUSTREAM_DOUYIN_OPEN_URL=" + server.URL,
		"DOUSTREAM_SEALING_KEYS=s1:" + testKey, "DOUSTREAM_PERSONAL_KEYS=p1:" + testKey, "DOUSTREAM_PHONE_PEPPERS=h1:" + testKey,
		"DOUSTREAM_HTTP_ADDR=127.0.0.1:0", "DOUSTREAM_INSTANCE_ID=one", "DOUSTREAM_COMMIT_INTERVAL=20ms",
		"DOUSTREAM_NOTIFY_USER_INTERVAL=1ms",
	}, changes...)
	if code, out, errs := invoke(t, w.environ, "topics"); code != exitOK {
		t.Fatalf("make topics: exit %d\n%s%s", code, out, errs)
	}
	backend, err := kgo.NewClient(append(access, kgo.SeedBrokers(w.brokers...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.Close)
	w.backend = backend
	return w
}

// startKafka answers a Kafka of the test's own, or a share of Apache's, which
// takes too much to have one for each test.
func startKafka(t *testing.T) (brokers []string, prefix string) {
	t.Helper()
	if os.Getenv("DOUSTREAM_TEST_KAFKA") != "" {
		apache, err := sharedApache()
		if err != nil {
			t.Fatal(err)
		}
		return apache.Brokers(), fmt.Sprintf("w%d.", worlds.Add(1))
	}
	kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	return kafka.Brokers(), ""
}

var (
	worlds       atomic.Int32
	closeApache  = func() {}
	sharedApache = sync.OnceValues(func() (*embedded.Apache, error) {
		dir, err := os.MkdirTemp("", "doustream-apache-")
		if err != nil {
			return nil, err
		}
		apache, err := embedded.StartApache(context.Background(), embedded.ApacheOptions{Dir: dir, Config: map[string]string{"log.cleaner.backoff.ms": "500"}})
		closeApache = func() {
			if apache != nil {
				_ = apache.Close()
			}
			_ = os.RemoveAll(dir)
		}
		return apache, err
	})
)

// role starts a role and waits until it is ready.
func (w *world) role(args ...string) *running {
	w.t.Helper()
	r := start(w.t, w.environ, args...)
	eventually(w.t, func() bool { status, _ := r.readyz(w.t); return status == 200 }, func() string {
		_, body := r.readyz(w.t)
		return "not ready: " + body + r.log.String()
	})
	return r
}

// stop ends a role by the first signal, in good order.
func (w *world) stop(r *running) {
	w.t.Helper()
	r.first()
	if code := r.wait(w.t); code != exitOK {
		w.t.Errorf("exit %d after a signal:\n%s", code, r.log)
	}
	for _, line := range strings.Split(r.log.String(), "\n") {
		if strings.Contains(line, "level=ERROR") {
			w.t.Errorf("an error in good times: %s", line)
		}
	}
}

// publish writes one event of the mini-app.
func (w *world) publish(topic, eventID, session string, payload any, more ...string) {
	w.t.Helper()
	event := map[string]any{"event_id": eventID, "app_id": testApp, "session_id": session, "occurred_at": time.Now().UnixMilli(), "payload": payload}
	for i := 0; i < len(more); i += 2 {
		event[more[i]] = more[i+1]
	}
	w.produce(topic, session, asJSON(w.t, event))
}

func (w *world) produce(topic, key string, value []byte) {
	w.t.Helper()
	record := &kgo.Record{Topic: w.prefix + topic, Key: []byte(key), Value: value}
	if err := w.backend.ProduceSync(w.t.Context(), record).FirstErr(); err != nil {
		w.t.Fatalf("publish to %s: %v", topic, err)
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealed is what a callback hands over encrypted.
func (w *world) sealed(login douyintest.Login, plaintext string) (data, iv string) {
	w.t.Helper()
	data, iv, err := douyintest.Seal(douyin.SessionKey(login.SessionKey), []byte(plaintext))
	if err != nil {
		w.t.Fatal(err)
	}
	return data, iv
}

func watermark() string {
	return `"watermark":{"appid":"` + testApp + `","timestamp":` + strconv.FormatInt(time.Now().Unix(), 10) + `}`
}

// collect reads committed records of a topic until there are so many, and
// then a little longer, for there must not be more.
func collect[T any](w *world, topic string, want int, decode func(*kgo.Record) (T, error)) []T {
	w.t.Helper()
	client, err := kgo.NewClient(append(w.access, kgo.SeedBrokers(w.brokers...), kgo.ConsumeTopics(w.prefix+topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	var got []T
	deadline := time.Now().Add(90 * time.Second)
	for time.Now().Before(deadline) {
		patience := time.Until(deadline)
		if len(got) >= want {
			patience = 300 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), patience)
		fetches := client.PollFetches(ctx)
		ended := ctx.Err() != nil
		cancel()
		for iter := fetches.RecordIter(); !iter.Done(); {
			record := iter.Next()
			v, err := decode(record)
			if err != nil {
				w.t.Fatalf("decode a record of %s: %v", topic, err)
			}
			got = append(got, v)
		}
		if len(got) >= want && ended {
			break
		}
	}
	if len(got) != want {
		w.t.Fatalf("%s has %d records, want %d: %v", topic, len(got), want, summarize(got))
	}
	return got
}

func summarize[T any](list []T) string {
	text := fmt.Sprintf("%+v", list)
	return text[:min(len(text), 2000)]
}

func decodeUser(r *kgo.Record) (schemas.EnrichedUser, error) {
	return schemas.DecodeEnrichedUser(r.Value)
}

func decodeResult(r *kgo.Record) (schemas.NotificationResult, error) {
	return schemas.DecodeNotificationResult(r.Value)
}

func decodeLetter(r *kgo.Record) (schemas.DeadLetter, error) {
	return schemas.DecodeDeadLetter(headersOf(r))
}

func decodeConsent(r *kgo.Record) (schemas.ConsentFact, error) {
	return schemas.DecodeConsentFact(r.Value)
}
