package stream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// transactor is the one goroutine that produces, commits and aborts for all
// tasks of a session. A round collects what tasks have retired for a commit
// interval, producing it meanwhile, and then commits it with the frontier of
// each task that it holds something of.
type transactor struct {
	session *session
	client  *kgo.Client // transactional
	wakeup  chan struct{}
	pressed chan struct{} // holds one signal: a window is full

	mu      sync.Mutex
	tasks   []*loop
	waiters []waiter

	broken atomic.Pointer[error] // first produce error of the open transaction

	// Owned by the goroutine.
	aborts  int  // in a row
	stalled bool // the round before this one outlasted the transaction's time-out
}

// waiter waits until what a task had put has been committed, or is dead and
// out of the open transaction.
type waiter struct {
	task *loop
	mark uint64
	done chan struct{}
}

func newTransactor(s *session, client *kgo.Client) *transactor {
	return &transactor{session: s, client: client, wakeup: make(chan struct{}, 1), pressed: make(chan struct{}, 1)}
}

func (t *transactor) wake() {
	select {
	case t.wakeup <- struct{}{}:
	default:
	}
}

// press shortens the round under way: a window is full, perhaps of what only
// waits for its commit, and a commit interval is a long time for an idle input.
func (t *transactor) press() {
	select {
	case t.pressed <- struct{}{}:
	default:
	}
}

func (t *transactor) add(l *loop) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks = append(t.tasks, l)
}

func (t *transactor) remove(l *loop) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, task := range t.tasks {
		if task == l {
			t.tasks = append(t.tasks[:i:i], t.tasks[i+1:]...)
			return
		}
	}
}

func (t *transactor) current() []*loop {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks[:len(t.tasks):len(t.tasks)]
}

// settled is closed once everything that l had retired when it was called is
// committed, or, if l was killed, is part of no open transaction.
func (t *transactor) settled(l *loop) <-chan struct{} {
	w := waiter{task: l, mark: l.outbox.mark(), done: make(chan struct{})}
	t.mu.Lock()
	t.waiters = append(t.waiters, w)
	t.mu.Unlock()
	t.wake()
	return w.done
}

// release answers the waiters whose turn has come. It is called between
// rounds, when no transaction is open.
func (t *transactor) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting := t.waiters[:0]
	for _, w := range t.waiters {
		if w.task.outbox.reached(w.mark) {
			close(w.done)
			continue
		}
		waiting = append(waiting, w)
	}
	t.waiters = waiting
}

func (t *transactor) hurried() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiters) > 0
}

// run goes on until ctx ends, or an outcome is unknown or beyond repair.
func (t *transactor) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wakeup:
		}
		for again := true; again; {
			r := &round{transactor: t, began: t.session.cfg.Now()}
			if err := r.run(ctx); err != nil {
				return fmt.Errorf("commit tasks' results: %w", err)
			}
			t.release()
			again = !r.empty() && ctx.Err() == nil
		}
	}
}

// promise receives the outcome of each record that was produced.
func (t *transactor) promise(_ *Record, err error) {
	if err != nil {
		t.broken.CompareAndSwap(nil, &err)
	}
}
