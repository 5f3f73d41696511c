package enrich

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// I8: with secrets that are known, everything that leaves the task is searched
// for them: logs, metrics, keys and headers of every record, and the values of
// all but the dead letters, which keep what the input topics hold anyway.
func TestI8NothingSecretLeaves(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	registry := prometheus.NewRegistry()
	b := newBench(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Metrics = registry
	})
	b.everything()
	secrets := []string{
		"app-secret-never-seen", "code-never-seen", "lost-never-seen", "anon-never-seen",
		"13800001234", "13811112222", "张三", "望京1号", string(keyOf("code-never-seen")), string(keyOf("lost-never-seen")),
	}
	for _, key := range []string{"code-never-seen", "lost-never-seen"} {
		raw, err := base64.StdEncoding.DecodeString(string(keyOf(key)))
		must(t, err)
		secrets = append(secrets, string(raw))
	}
	seen := 0
	search := func(where string, content []byte) {
		seen++
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("I8: %s holds %q", where, secret)
			}
		}
	}
	search("the log", logs.Bytes())
	search("the metrics", gathered(t, registry))
	for _, rec := range append(append(append([]*stream.Record(nil), b.out...), b.parked...), b.sessions...) {
		search("a key of "+rec.Topic, rec.Key)
		for _, h := range rec.Headers {
			search("a header of "+rec.Topic, []byte(h.Key+"="+string(h.Value)))
		}
		if rec.Topic != schemas.TopicDeadLetters {
			search("a value of "+rec.Topic, rec.Value)
		}
	}
	if seen < 50 || logs.Len() == 0 {
		t.Errorf("only %d places were searched, %d bytes of them logs", seen, logs.Len())
	}
}

// everything has every kind of event, many fates, a crash, and a state record
// that does not open.
func (b *bench) everything() {
	b.code("code-never-seen", "o1")
	b.code("lost-never-seen", "o2")
	b.platform.issue("anon-never-seen", douyin.Session{AnonymousOpenID: "a1"})
	b.platform.fault = func(code string) fault {
		switch {
		case code == "lost-never-seen" && b.platform.codes[code].sends == 0:
			return faultLostAfter
		case code == "refused-never-seen":
			return faultConfig
		}
		return faultNone
	}
	b.code("refused-never-seen", "o3")
	key := keyOf("code-never-seen")
	for i, code := range []string{"code-never-seen", "lost-never-seen", "refused-never-seen", "unknown-never-seen"} {
		session := fmt.Sprintf("s%d", i)
		b.login(session, code)
		b.phone(session, key)
		b.phone(session, keyOf("other"))
		b.event(topicLocation, session, map[string]any{
			"userName": "张三", "provinceName": "北京市", "detailInfo": "望京1号",
			"telNumber": "13811112222", "errMsg": "chooseAddress:ok",
		})
		b.event(topicSubscription, session, map[string]any{"A": "accept", "errMsg": "requestSubscribeMessage:ok"})
		b.device(session)
		b.produce(topicPhone, session, []byte("{\"code\":\"code-never-seen\""))
	}
	b.event(topicLogin, "s9", map[string]any{"anonymousCode": "anon-never-seen", "errMsg": "login:ok"})
	b.phone("s9", key)
	b.loop.advance(3 * time.Second)
	torn := *b.sessions[len(b.sessions)-1]
	torn.Value = torn.Value[:len(torn.Value)-3]
	torn.Key = []byte(strings.Replace(string(torn.Key), "s", "x", 1))
	b.sessions = append(b.sessions, &torn, &stream.Record{Topic: schemas.TopicSessions, Key: []byte("foreign"), Value: []byte("code-never-seen")})
	b.parked = append(b.parked, &stream.Record{Topic: schemas.TopicParked, Key: []byte("foreign"), Value: []byte("code-never-seen-torn")})
	b.restart()
	b.device("x0")
	b.loop.advance(4 * time.Minute)
	b.parked = dropForeign(b.parked)
	b.sessions = dropForeign(b.sessions)
}

func dropForeign(records []*stream.Record) (kept []*stream.Record) {
	for _, rec := range records {
		if string(rec.Key) != "foreign" {
			kept = append(kept, rec)
		}
	}
	return kept
}

func gathered(t *testing.T, registry *prometheus.Registry) []byte {
	families, err := registry.Gather()
	must(t, err)
	var b bytes.Buffer
	for _, f := range families {
		_, err := expfmt.MetricFamilyToText(&b, f)
		must(t, err)
	}
	return b.Bytes()
}
