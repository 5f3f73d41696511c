package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

// startUp runs `sandbox up` until the test ends or stop is called; stop gives the exit code.
func startUp(t *testing.T, dir string, args ...string) (env environment, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	out := &lineWriter{lines: make(chan string, 10)}
	code := make(chan int, 1)
	go func() { code <- run(ctx, append([]string{"up", "--dir", dir}, args...), out, t.Output()) }()
	select {
	case line := <-out.lines:
		if !strings.HasPrefix(line, "ready: ") {
			t.Fatalf("said %q", line)
		}
	case c := <-code:
		t.Fatalf("ended with %d before it was ready", c)
	}
	env, err := readEnvironment(filepath.Join(dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	return env, func() int { cancel(); return <-code }
}

// lineWriter gives what is written line by line.
type lineWriter struct {
	rest  bytes.Buffer
	lines chan string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest.Write(p)
	for {
		line, err := w.rest.ReadString('\n')
		if err != nil {
			w.rest.WriteString(line)
			return len(p), nil
		}
		w.lines <- line
	}
}

func TestUpServesAWorldThatOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "it's")
	first, stop := startUp(t, dir)
	visit(t, first, "CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n")
	if info, err := os.Stat(filepath.Join(dir, "env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the env file holds secrets: %v %v", info.Mode(), err)
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit %d after a signal", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "env")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the env file of a world that has ended says that it is ready: %v", err)
	}

	second, stop := startUp(t, dir)
	for name, value := range first {
		if second[name] != value && !strings.Contains(name, "URL") && !strings.Contains(value, "127.0.0.1") { // a port may have been taken
			t.Errorf("%s changed over a restart", name)
		}
	}
	visit(t, second, "INSERT INTO kept VALUES (1)")
	if code := stop(); code != exitOK {
		t.Fatalf("exit %d after a signal", code)
	}
}

// visit uses each part as its env file says.
func visit(t *testing.T, env environment, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	kafka, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(env[brokersVariable], ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	if err := kafka.Ping(ctx); err != nil {
		t.Error(err)
	}
	options, err := clickhouse.ParseDSN(env[dsnVariable])
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Exec(ctx, statement); err != nil {
		t.Error(err)
	}
	logins, err := douyintest.NewControl(env[controlVariable]).Logins(ctx, traffic.AppTravel, []string{"mei"}, false)
	if err != nil || len(logins) != 1 {
		t.Errorf("logins %v, %v", logins, err)
	}
}

func TestUpStartsOnlyWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	env, stop := startUp(t, t.TempDir(), "--only", "kafka")
	if env[brokersVariable] == "" || env[dsnVariable] != "" || env[platformVariable] != "" {
		t.Errorf("started %v", env.lines())
	}
	if code := stop(); code != exitOK {
		t.Errorf("exit %d", code)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no command":         {},
		"an unknown command": {"down"},
		"an unknown kafka":   {"up", "--kafka", "pulsar"},
		"an unknown part":    {"up", "--only", "kafka,redis"},
		"two nodes":          {"up", "--kafka", "apache", "--nodes", "2"},
		"an unknown flag":    {"up", "--unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := run(t.Context(), args, &bytes.Buffer{}, &stderr); code != exitUsage || stderr.Len() == 0 {
				t.Errorf("exit %d, said %q", code, stderr.String())
			}
		})
	}
}
