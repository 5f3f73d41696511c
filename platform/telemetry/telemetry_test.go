package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, s *Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	return func() {
		t.Helper()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server does not stop")
		}
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestServer(t *testing.T) {
	t.Parallel()
	health := &Health{}
	s, err := Listen(t.Context(), "127.0.0.1:0", NewRegistry(ReadBuild("v9")), health, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stop := serve(t, s)
	defer stop()
	url := "http://" + s.Addr()

	if status, _ := get(t, url+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz before anything started: %d", status)
	}
	if status, body := get(t, url+"/readyz"); status != http.StatusServiceUnavailable || body != "starting\n" {
		t.Errorf("/readyz before anything started: %d %q", status, body)
	}
	health.Add("sink", nil)
	health.Add("enrich", func() error { return nil })
	if status, body := get(t, url+"/readyz"); status != http.StatusServiceUnavailable || body != "enrich: ready\nsink: not ready: starting\n" {
		t.Errorf("/readyz with one of two: %d %q", status, body)
	}
	health.Add("sink", func() error { return errors.New("clickhouse does not answer") })
	if _, body := get(t, url+"/readyz"); !strings.Contains(body, "sink: not ready: clickhouse does not answer") {
		t.Errorf("/readyz does not say why: %q", body)
	}
	health.Add("sink", func() error { return nil })
	if status, _ := get(t, url+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz with both: %d", status)
	}
	_, body := get(t, url+"/metrics")
	for _, want := range []string{`doustream_build_info{`, `version="v9"`, "go_goroutines ", "process_"} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if status, _ := get(t, url+"/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("profiles on the public address: %d", status)
	}
}

func TestAnAddressInUseIsAnError(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	first, err := Listen(t.Context(), "127.0.0.1:0", NewRegistry(Build{}), &Health{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	if _, err := Listen(t.Context(), first.Addr(), NewRegistry(Build{}), &Health{}, log); err == nil {
		t.Fatal("two servers on one address")
	}
}

func TestProfilesStayOnLoopback(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"127.0.0.1:6060": true, "[::1]:6060": true, "localhost:6060": true,
		":6060": false, "0.0.0.0:6060": false, "10.0.0.1:6060": false, "example.com:6060": false, "6060": false,
	} {
		if got := Loopback(addr); got != want {
			t.Errorf("Loopback(%q) = %v", addr, got)
		}
	}
	if s, err := ListenProfiles(t.Context(), "0.0.0.0:0", slog.New(slog.DiscardHandler)); err == nil {
		_ = s.Close()
		t.Error("profiles are served to everybody")
	}
	s, err := ListenProfiles(t.Context(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stop := serve(t, s)
	defer stop()
	if status, body := get(t, "http://"+s.Addr()+"/debug/pprof/"); status != http.StatusOK || !strings.Contains(body, "goroutine") {
		t.Errorf("profiles: %d %.60q", status, body)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var text, lines bytes.Buffer
	NewLogger(&text, slog.LevelWarn, FormatText).Info("below the level")
	NewLogger(&text, slog.LevelWarn, FormatText).Warn("said", "n", 1)
	if got := text.String(); strings.Contains(got, "below") || !strings.Contains(got, "msg=said n=1") {
		t.Errorf("text: %q", got)
	}
	NewLogger(&lines, slog.LevelInfo, FormatJSON).Info("said", "n", 1)
	var line map[string]any
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line["msg"] != "said" {
		t.Errorf("json: %q, %v", lines.String(), err)
	}
	if level, err := ParseLevel("WARN"); err != nil || level != slog.LevelWarn {
		t.Errorf("WARN: %v, %v", level, err)
	}
	if _, err := ParseLevel("loud"); err == nil {
		t.Error("loud is a level")
	}
}

// What only this machine may ask is not served on another address, nor to one
// who names another host.
func TestLoopbackAlone(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) })
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "example.com:0"} {
		if s, err := ListenLoopback(t.Context(), addr, handler, log); err == nil {
			_ = s.Close()
			t.Errorf("%s is listened on", addr)
		}
	}
	s, err := ListenLoopback(t.Context(), "127.0.0.1:0", handler, log)
	if err != nil {
		t.Fatal(err)
	}
	defer serve(t, s)()
	for host, want := range map[string]int{
		s.Addr(): http.StatusOK, "localhost": http.StatusOK, "[::1]:80": http.StatusOK, "[::1]": http.StatusOK,
		"evil.example": http.StatusForbidden, "evil.example:80": http.StatusForbidden, "10.0.0.1": http.StatusForbidden,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want || want != http.StatusOK && strings.Contains(string(body), "secret") {
			t.Errorf("host %s: %d %q, want %d", host, res.StatusCode, body, want)
		}
	}
}
