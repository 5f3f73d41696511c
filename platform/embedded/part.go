package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// partVariable is what turns this binary into a part: set to the part's name.
const partVariable = "DOUSTREAM_EMBEDDED_PART"

// started is what a part is given at its start.
type started struct {
	options []byte                  // JSON
	ready   func(addr string) error // to be told the address, once
	orders  *bufio.Reader           // further lines of the parent's; ends when the parent does. Somebody must read it
	log     *slog.Logger
}

// parts are what a process may be. Each runs until ctx ends.
var parts = map[string]func(ctx context.Context, s started) error{
	"clickhouse": serveClickHouse,
	"kafka":      serveKafka,
}

// Main turns this process into a part of the world in a box if it was started to be one, and then never returns; in any
// other process it does nothing. It must be called before anything else, in main or TestMain.
func Main() {
	name := os.Getenv(partVariable)
	if name == "" {
		return
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := runPart(name, log); err != nil {
		log.Error("part ended", "part", name, "error", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runPart reads its options from the first line of standard input; the end of that input is the parent's end.
func runPart(name string, log *slog.Logger) error {
	run, ok := parts[name]
	if !ok {
		return fmt.Errorf("run part: there is none called %q", name)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	in := bufio.NewReader(os.Stdin)
	options, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	ctx, orphaned := context.WithCancel(ctx)
	defer orphaned()
	orders, fromParent := io.Pipe()
	go func() {
		_, _ = io.Copy(fromParent, in)
		orphaned()
		_ = fromParent.Close()
	}()
	report := os.NewFile(3, "ready")
	return run(ctx, started{options: options, orders: bufio.NewReader(orders), log: log, ready: func(addr string) error {
		_, err := fmt.Fprintln(report, addr)
		return errors.Join(err, report.Close())
	}})
}

// partCommand is the command that starts this binary as a part. addr holds the part's address once it is ready.
func partCommand(name string, options any, log io.Writer, addr *partAddr) (Command, error) {
	exe, err := os.Executable()
	if err != nil {
		return Command{}, fmt.Errorf("find own program: %w", err)
	}
	line, err := json.Marshal(options)
	if err != nil {
		return Command{}, fmt.Errorf("encode options of %s: %w", name, err)
	}
	return Command{
		Name: name, Path: exe, Args: []string{"embedded-" + name}, Env: []string{partVariable + "=" + name}, Log: log, Grace: 20 * time.Second,
		stdin: func() (io.ReadCloser, error) { return addr.lifeline(append(line, '\n')) },
		extra: addr.report,
		Ready: addr.await,
	}, nil
}

// partAddr is the parent's side of a part's two pipes: the lifeline, whose end tells the part that its parent is gone,
// and the report, on which the part says its address.
type partAddr struct {
	mu     sync.Mutex
	addr   string   // guarded by mu
	life   *os.File // guarded by mu; kept open for as long as the part may live
	answer *os.File // guarded by mu
}

func (a *partAddr) lifeline(first []byte) (io.ReadCloser, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(first); err != nil { // far below a pipe's buffer
		return nil, errors.Join(err, r.Close(), w.Close())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life != nil {
		_ = a.life.Close()
	}
	a.life = w
	return r, nil
}

func (a *partAddr) report() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = r
	return w, nil
}

// await reads the part's address; a part that ends first closes the pipe.
func (a *partAddr) await(ctx context.Context) error {
	a.mu.Lock()
	answer := a.answer
	a.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = answer.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReader(answer).ReadString('\n')
	_ = answer.Close()
	if err != nil {
		return fmt.Errorf("wait for its address: %w", errors.Join(context.Cause(ctx), err))
	}
	a.mu.Lock()
	a.addr = strings.TrimSpace(line)
	a.mu.Unlock()
	return nil
}

// tell writes a line to the part.
func (a *partAddr) tell(line []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.life.SetWriteDeadline(time.Now().Add(time.Second)); err != nil { // a part that is paused does not read
		return err
	}
	_, err := a.life.Write(line)
	return err
}

func (a *partAddr) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addr
}

func (a *partAddr) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life != nil {
		_ = a.life.Close()
	}
}
