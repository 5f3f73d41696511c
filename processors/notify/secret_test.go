package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

// I8: no secret, no token and nothing of a message leaves by a log, a metric, a
// state record or a result, whatever goes wrong.
func TestNothingLeaks(t *testing.T) {
	for _, driver := range []Driver{DriverV1, DriverV2} {
		t.Run(string(driver), func(t *testing.T) {
			virtually(t, func(t *testing.T) { leaks(t, driver) })
		})
	}
}

func leaks(t *testing.T, driver Driver) {
	const secret = "app-secret-7d1e"
	b := newBox(t, Config{Driver: driver}, douyintest.Options{Apps: []douyin.App{{ID: "tt1", Secret: secret}}, Open: true, ForbiddenText: "n3", TokenLife: 3 * time.Minute})
	seen := &tokens{}
	var logs bytes.Buffer
	b.log = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	reg := prometheus.NewRegistry()
	b.metrics = reg
	b.wrap = func(p Platform) Platform { return spy{p, seen} }
	running := b.start("a")
	troubles := []douyintest.Mode{douyintest.ModeHTML, douyintest.ModeReset, douyintest.ModeCut, douyintest.ModeHang, douyintest.ModeErrNo, douyintest.ModeStatus}
	for n, mode := range troubles {
		b.platform.SetFaults(douyintest.Fault{Mode: mode, ErrNo: 28001003, Until: time.Now().Add(20 * time.Second), Share: 0.5})
		for m := range 5 {
			b.order(fmt.Sprint("n", n, m), fmt.Sprint("open-id-of-user-", m))
		}
		pass(time.Minute)
	}
	b.platform.SetFaults()
	b.results(30, 10*time.Minute)
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}

	var metrics bytes.Buffer
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		fmt.Fprintln(&metrics, f.String())
	}
	places := map[string]string{"logs": logs.String(), "metrics": metrics.String()}
	for _, topic := range []string{stateTopic, tokensTopic, resultTopic} {
		places[topic] = b.dump(topic)
	}
	if len(seen.texts) < 2 || logs.Len() == 0 || len(places[tokensTopic]) == 0 {
		t.Fatalf("%d tokens, %d bytes of logs: nothing to look for", len(seen.texts), logs.Len())
	}
	for place, text := range places {
		for _, token := range seen.texts {
			if strings.Contains(text, token) {
				t.Errorf("%s hold a token", place)
			}
		}
		if strings.Contains(text, secret) {
			t.Errorf("%s hold the AppSecret", place)
		}
		if strings.Contains(text, "text of n") {
			t.Errorf("%s hold a message's text", place)
		}
		if place != resultTopic && strings.Contains(text, "open-id-of-user") {
			t.Errorf("%s hold an open_id", place)
		}
	}
}

// dump is every byte of a topic.
func (b *box) dump(topic string) string {
	b.t.Helper()
	reader, err := kgo.NewClient(append(b.connect(b.network.DialContext), kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reader.Close()
	var all strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		reader.PollFetches(ctx).EachRecord(func(rec *kgo.Record) {
			headers, _ := json.Marshal(rec.Headers)
			fmt.Fprintf(&all, "%s %s %s\n", rec.Key, rec.Value, headers)
		})
	}
	return all.String()
}

// tokens is what the platform issued. Its fields are written by one fetch at a
// time.
type tokens struct{ texts []string }

// spy notes the tokens that are issued.
type spy struct {
	Platform
	seen *tokens
}

func (s spy) AccessToken(ctx context.Context, app douyin.App) (douyin.Issued, error) {
	return s.note(s.Platform.AccessToken(ctx, app))
}

func (s spy) StableClientToken(ctx context.Context, app douyin.App) (douyin.Issued, error) {
	return s.note(s.Platform.StableClientToken(ctx, app))
}

func (s spy) note(i douyin.Issued, err error) (douyin.Issued, error) {
	if err == nil {
		s.seen.texts = append(s.seen.texts, string(i.Token))
	}
	return i, err
}
