package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"doustream/platform/embedded"
)

// safeBuffer may be written by a process while the test reads it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// until waits for a condition, with a deadline.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(2 * time.Minute)
	for !condition() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func shell(script string, log *safeBuffer) embedded.Command {
	return embedded.Command{Name: "shell", Path: "sh", Args: []string{"-c", script}, Log: log}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	t.Run("terminates in order", func(t *testing.T) {
		t.Parallel()
		var log safeBuffer
		c := shell(`trap 'echo bye; exit 0' TERM; echo hi; while :; do sleep 0.02; done`, &log)
		p, err := embedded.StartProcess(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it speaks", func() bool { return strings.Contains(log.String(), "hi") })
		if err := p.Terminate(); err != nil || p.Running() || !strings.Contains(log.String(), "bye") {
			t.Errorf("%v, running %v, said %q", err, p.Running(), log.String())
		}
		if err := p.Terminate(); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
	t.Run("is killed when it does not terminate", func(t *testing.T) {
		t.Parallel()
		var log safeBuffer
		c := shell(`trap '' TERM; echo deaf; while :; do sleep 0.02; done`, &log)
		c.Grace = 50 * time.Millisecond
		p, err := embedded.StartProcess(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it is deaf", func() bool { return log.String() != "" })
		if err := p.Terminate(); err == nil || p.Running() {
			t.Errorf("%v, running %v", err, p.Running())
		}
	})
	t.Run("pauses, resumes, is killed and starts again", func(t *testing.T) {
		t.Parallel()
		var log safeBuffer
		p, err := embedded.StartProcess(t.Context(), shell(`while :; do echo x; sleep 0.005; done`, &log))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		until(t, "it writes", func() bool { return log.String() != "" })
		if err := p.Pause(); err != nil {
			t.Fatal(err)
		}
		until(t, "it stands still", func() bool { return state(t, p.PID()) == "T" })
		if err := p.Resume(); err != nil {
			t.Fatal(err)
		}
		before := len(log.String())
		until(t, "it writes again", func() bool { return len(log.String()) > before })
		first := p.PID()
		p.Kill()
		var exit *exec.ExitError
		if err := p.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("killed: %v", err)
		}
		if err := p.Restart(t.Context()); err != nil || p.PID() == first || !p.Running() {
			t.Errorf("restart: %v", err)
		}
	})
	t.Run("says when it ends before it is ready", func(t *testing.T) {
		t.Parallel()
		c := shell(`exit 3`, &safeBuffer{})
		c.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		if _, err := embedded.StartProcess(t.Context(), c); !errors.Is(err, embedded.ErrExited) {
			t.Error(err)
		}
	})
	t.Run("is killed when it is not ready in time", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		c := shell(`while :; do sleep 0.02; done`, &safeBuffer{})
		c.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		if _, err := embedded.StartProcess(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// state is the letter that Linux's ps shows for a process.
func state(t *testing.T, pid int) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// A part must not outlive whoever started it, however that died: here a process of this binary that starts a ClickHouse
// and is killed.
func TestAPartEndsWithItsParent(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	parent, err := embedded.StartProcess(t.Context(), embedded.Command{
		Name: "parent", Path: os.Args[0], Env: []string{parentVariable + "=" + t.TempDir()}, Log: &log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(parent.Kill)
	until(t, "the part is up", func() bool { return strings.Contains(log.String(), "\n") })
	pid, err := strconv.Atoi(strings.Fields(log.String())[0])
	if err != nil {
		t.Fatal(err)
	}
	parent.Kill()
	until(t, "the part is gone", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || state(t, pid) == "Z" })
}

func TestAMissingEngineNamesTheRemedy(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv(embedded.LibraryVariable, "")
	if _, err := embedded.FindLibrary(); !errors.Is(err, embedded.ErrNoEngine) || !strings.Contains(err.Error(), "make engines") {
		t.Errorf("%v", err)
	}
	if _, err := embedded.StartApache(t.Context(), embedded.ApacheOptions{Dir: t.TempDir()}); !errors.Is(err, embedded.ErrNoEngine) || !strings.Contains(err.Error(), "make engines-kafka") {
		t.Errorf("%v", err)
	}
	t.Setenv(embedded.LibraryVariable, "/nowhere/libchdb.so")
	if _, err := embedded.FindLibrary(); err == nil || !strings.Contains(err.Error(), embedded.LibraryVariable) {
		t.Errorf("%v", err)
	}
}
