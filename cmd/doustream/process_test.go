package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"doustream/cmd/doustream/config"
	"doustream/platform/telemetry"
	"doustream/schemas"
)

const testKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="

// complete is an environment that every role starts with.
func complete(changes ...string) []string {
	return append([]string{
		"DOUSTREAM_KAFKA_BROKERS=127.0.0.1:1", "DOUSTREAM_CLICKHOUSE_DSN=clickhouse://127.0.0.1:1/doustream",
		"DOUSTREAM_APPS_0_ID=tt1", "DOUSTREAM_APPS_0_SECRET=appsecret", "DOUSTREAM_INSTANCE_ID=here",
		"DOUSTREAM_SEALING_KEYS=s1:" + testKey, "DOUSTREAM_PERSONAL_KEYS=p1:" + testKey, "DOUSTREAM_PHONE_PEPPERS=h1:" + testKey,
		"DOUSTREAM_HTTP_ADDR=127.0.0.1:0", "DOUSTREAM_DOUYIN_APPS_URL=http://127.0.0.1:1", "DOUSTREAM_DOUYIN_OPEN_URL=http://127.0.0.1:1",
	}, changes...)
}

// logBuffer collects a process's log while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await polls the log until it has the text.
func (b *logBuffer) await(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(b.String(), text) }, func() string { return "the log lacks " + text + ":\n" + b.String() })
}

func eventually(t *testing.T, ok func() bool, complaint func() string) {
	t.Helper()
	deadline := time.After(90 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(complaint())
		}
	}
}

// running is a process started by start.
type running struct {
	log          *logBuffer
	first, again context.CancelFunc // the signals
	code         chan int
}

func start(t *testing.T, environ []string, args ...string) *running {
	t.Helper()
	work, again := context.WithCancel(t.Context())
	polling, first := context.WithCancel(work)
	r := &running{log: &logBuffer{}, first: first, again: again, code: make(chan int, 1)}
	go func() { r.code <- run(polling, work, args, environ, io.Discard, r.log) }()
	t.Cleanup(again)
	return r
}

func (r *running) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-r.code:
		return code
	case <-time.After(time.Minute):
		t.Fatalf("the process does not end:\n%s", r.log)
		return -1
	}
}

var listening = regexp.MustCompile(`msg=started .*http=(\S+)`)

func (r *running) readyz(t *testing.T) (int, string) {
	t.Helper()
	r.log.await(t, "msg=started")
	addr := listening.FindStringSubmatch(r.log.String())[1]
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestUnreachableAtStart(t *testing.T) {
	t.Parallel()
	r := start(t, complete(), "enrich")
	r.log.await(t, "waiting_for=kafka")
	r.log.await(t, `waiting_for="the open platform"`)
	status, body := r.readyz(t)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "enrich: not ready: ask kafka for topics") ||
		!strings.Contains(body, "open platform: not ready: reach http://127.0.0.1:1") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	r.first()
	if code := r.wait(t); code != exitOK {
		t.Errorf("exit %d after a signal", code)
	}
	if n := strings.Count(r.log.String(), "waiting_for=kafka"); n != 1 {
		t.Errorf("%d lines about one trouble:\n%s", n, r.log)
	}
}

func TestMissingTopicsAreWaitedFor(t *testing.T) {
	t.Parallel()
	brokers, _ := fakeKafka(t)
	r := start(t, complete("DOUSTREAM_KAFKA_BROKERS="+brokers), "enrich")
	r.log.await(t, "doustream topics makes them")
	r.log.await(t, "doustream.sessions")
	r.first()
	if code := r.wait(t); code != exitOK {
		t.Errorf("exit %d", code)
	}
}

func TestPartitionCountsThatDoNotGoTogetherEndTheProcess(t *testing.T) {
	t.Parallel()
	brokers, admin := fakeKafka(t)
	environ := complete("DOUSTREAM_KAFKA_BROKERS=" + brokers)
	if code, _, errs := invoke(t, environ, "topics"); code != exitOK {
		t.Fatal(errs)
	}
	if _, err := admin.CreatePartitions(t.Context(), 1, "miniapp.phone"); err != nil {
		t.Fatal(err)
	}
	r := start(t, environ, "enrich")
	if code := r.wait(t); code != exitFailed || !strings.Contains(r.log.String(), "13:[miniapp.phone]") {
		t.Errorf("exit %d:\n%s", code, r.log)
	}
}

func TestTopicsThatTakeTooLittleAreNamedAtStart(t *testing.T) {
	t.Parallel()
	brokers, admin := fakeKafka(t)
	environ := complete("DOUSTREAM_KAFKA_BROKERS=" + brokers)
	if code, _, errs := invoke(t, environ, "topics"); code != exitOK {
		t.Fatal(errs)
	}
	little := "100000"
	answers, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &little}},
		schemas.TopicDeadLetters, schemas.TopicPhone)
	if err != nil || len(answers) != 2 || answers[0].Err != nil || answers[1].Err != nil {
		t.Fatal(answers, err)
	}
	r := start(t, environ, "enrich")
	r.log.await(t, "takes smaller records")
	r.first()
	if code := r.wait(t); code != exitOK {
		t.Errorf("exit %d:\n%s", code, r.log)
	}
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "takes smaller records") && !strings.Contains(line, "topic=dead-letters max_message_bytes=100000") {
			t.Errorf("warned of a topic that takes enough, or that is only read: %s", line)
		}
	}
}

// testProcess runs made-up roles.
func testProcess(t *testing.T, timeout time.Duration) *process {
	t.Helper()
	c := &config.Config{}
	c.Process.ShutdownTimeout = timeout
	return &process{config: c, log: slog.New(slog.DiscardHandler), health: &telemetry.Health{}, metrics: telemetry.NewRegistry(telemetry.Build{})}
}

func TestRunRoles(t *testing.T) {
	t.Parallel()
	untilSignal := func(ctx context.Context, _ *process) error { <-ctx.Done(); return nil }
	never := func(context.Context, *process) error { select {} }
	broken := errors.New("broken")
	tests := []struct {
		name    string
		roles   map[config.Use]func(context.Context, *process) error
		signals int
		want    string // "" for none
	}{
		{"a signal ends all in good order", map[config.Use]func(context.Context, *process) error{"a": untilSignal, "b": untilSignal}, 1, ""},
		{"a failure ends the others in good order", map[config.Use]func(context.Context, *process) error{
			"a": func(context.Context, *process) error { return broken }, "b": untilSignal,
		}, 0, "run a: reported\nbroken"},
		{"a role that ends by itself has failed", map[config.Use]func(context.Context, *process) error{
			"a": func(context.Context, *process) error { return nil },
		}, 0, "it ended by itself"},
		{"a role that does not end is left at the deadline", map[config.Use]func(context.Context, *process) error{"a": never}, 1, "stop in good order"},
		{"a second signal leaves at once", map[config.Use]func(context.Context, *process) error{"a": never}, 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if tt.want == "stop in good order" {
				timeout = 10 * time.Millisecond
			}
			work, again := context.WithCancel(t.Context())
			defer again()
			polling, first := context.WithCancel(work)
			defer first()
			for i, signal := range []context.CancelFunc{first, again} {
				if i < tt.signals {
					signal()
				}
			}
			err := testProcess(t, timeout).runRoles(polling, work, tt.roles)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestADefaultAddressThatIsTakenIsNoReasonToFail(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	p := testProcess(t, time.Second)
	server, err := p.listen(t.Context(), "", taken.Addr().String())
	if err != nil {
		t.Fatalf("by default: %v", err)
	}
	_ = server.Close()
	if _, err := p.listen(t.Context(), taken.Addr().String(), ""); err == nil {
		t.Error("an address that was asked for is exchanged for another")
	}
}
