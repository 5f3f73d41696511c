package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Command says how a process is started, and started again.
type Command struct {
	// Name is what errors and logs call it.
	Name string
	// Path is the program; Args come after its name.
	Path string
	Args []string
	// Env is added to this process's environment; the last of a name counts.
	Env []string
	// Dir is the working directory; empty: this process's.
	Dir string
	// Log gets what the process writes to its standard output and error; nil drops it. It must be safe for concurrent
	// use if several processes share it.
	Log io.Writer
	// Ready returns when the process can be used, or with the reason why it never will. Its context ends when the
	// process does. Nil: at once.
	Ready func(ctx context.Context) error
	// Grace is how long Close waits after a SIGTERM before it kills. Default 10 s.
	Grace time.Duration

	stdin func() (io.ReadCloser, error) // each start's standard input
	extra func() (*os.File, error)      // each start's file 3
}

const defaultGrace = 10 * time.Second

// ErrExited says that a process ended before it was ready.
var ErrExited = errors.New("process ended")

// Process is a process of this machine that can be killed, paused and started again. Its methods are safe for
// concurrent use, except that Restart must not run beside itself.
type Process struct {
	command Command

	mu   sync.Mutex
	cmd  *exec.Cmd     // guarded by mu
	done chan struct{} // guarded by mu; closed when cmd has been waited for
	err  error         // guarded by mu; cmd's end, once done is closed
}

// StartProcess starts a process and waits until it is ready. When it is not, or ctx ends before it is, it is killed.
func StartProcess(ctx context.Context, command Command) (*Process, error) {
	p := &Process{command: command}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Process) start(ctx context.Context) error {
	done, err := p.launch(ctx)
	if err != nil {
		return err
	}
	if err := p.awaitReady(ctx, done); err != nil {
		p.Kill()
		return fmt.Errorf("start %s: %w", p.command.Name, err)
	}
	return nil
}

// launch starts the process and waits for nothing.
func (p *Process) launch(ctx context.Context) (done chan struct{}, err error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), p.command.Path, p.command.Args...) // ctx bounds the start alone
	cmd.Env = append(os.Environ(), p.command.Env...)
	cmd.Dir = p.command.Dir
	cmd.Stdout, cmd.Stderr = p.command.Log, p.command.Log
	cmd.SysProcAttr = processAttributes(p.command.stdin != nil)
	cmd.WaitDelay = time.Second
	closers, err := p.attach(cmd)
	if err == nil {
		err = cmd.Start()
	}
	for _, c := range closers {
		_ = c.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.command.Name, err)
	}
	done = make(chan struct{})
	p.mu.Lock()
	p.cmd, p.done, p.err = cmd, done, nil
	p.mu.Unlock()
	go p.wait(cmd, done)
	return done, nil
}

// attach gives the process its standard input and its file 3; what it gives back is to be closed after the start.
func (p *Process) attach(cmd *exec.Cmd) (closers []io.Closer, err error) {
	if p.command.stdin != nil {
		in, err := p.command.stdin()
		if err != nil {
			return nil, err
		}
		cmd.Stdin = in
		closers = append(closers, in)
	}
	if p.command.extra != nil {
		f, err := p.command.extra()
		if err != nil {
			return closers, err
		}
		cmd.ExtraFiles = []*os.File{f}
		closers = append(closers, f)
	}
	return closers, nil
}

func (p *Process) wait(cmd *exec.Cmd, done chan struct{}) {
	err := cmd.Wait()
	p.mu.Lock()
	p.err = err
	p.mu.Unlock()
	close(done)
}

func (p *Process) awaitReady(ctx context.Context, done chan struct{}) error {
	if p.command.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-done:
			cancel(ErrExited)
		case <-ctx.Done():
		}
	}()
	if err := p.command.Ready(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", cause, err)
		}
		return err
	}
	return nil
}

// PID is the process's number, that of its latest start.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Done is closed when the process has ended. A Restart makes another.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Wait returns when the process has ended, with what it ended with.
func (p *Process) Wait() error {
	<-p.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Running says whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// Signal sends a signal; that the process has ended is no error.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	cmd := p.cmd
	p.mu.Unlock()
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.command.Name, err)
	}
	return nil
}

// Kill ends the process as a kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.Done()
}

// Pause stops the process where it stands (SIGSTOP); Resume lets it go on.
func (p *Process) Pause() error { return p.Signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }

// Terminate asks the process to end (SIGTERM) and waits, for its grace at most; then it is killed. The error is what
// the process ended with: nil for exit 0.
func (p *Process) Terminate() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	grace := p.command.Grace
	if grace <= 0 {
		grace = defaultGrace
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.Done():
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("stop %s: still running %s after SIGTERM", p.command.Name, grace)
	}
	return p.Wait()
}

// Restart starts the process again, killing what still runs of it, and waits until it is ready.
func (p *Process) Restart(ctx context.Context) error {
	p.Kill()
	return p.start(ctx)
}

// Relaunch starts the process again as Restart does, but waits for nothing: it may be ready late, or never.
func (p *Process) Relaunch(ctx context.Context) error {
	p.Kill()
	_, err := p.launch(ctx)
	return err
}
