package stream

import (
	gort "runtime"
	"sync"
	"time"
)

// workers runs jobs of the processor on a fixed number of goroutines: what has
// begun before what has not. In a backlog all windows would be prepared
// otherwise before the first input of any is worked on, and then retire, commit
// and be fetched for all at the same time, with nothing to do in between. The
// queues are not bounded here: their jobs are inputs inside the windows, or
// work of the tasks for such inputs. A job may be held up by what it asks for, a
// schema of a registry that is away: another worker takes the place of the one that
// is, so that no other input waits for it.
type workers struct {
	mu       sync.Mutex
	cond     *sync.Cond
	begun    []func() // work for inputs that were prepared
	prepares []func()
	closed   bool
	done     sync.WaitGroup
}

func startWorkers(n int) *workers {
	w := &workers{}
	w.cond = sync.NewCond(&w.mu)
	for range n {
		w.done.Go(w.work)
	}
	return w
}

// submit queues work for inputs that were prepared.
func (w *workers) submit(jobs ...func()) { w.queue(&w.begun, jobs) }

// prepare queues jobs that prepare inputs.
func (w *workers) prepare(jobs ...func()) { w.queue(&w.prepares, jobs) }

func (w *workers) queue(q *[]func(), jobs []func()) {
	w.mu.Lock()
	*q = append(*q, jobs...)
	w.mu.Unlock()
	if len(jobs) == 1 {
		w.cond.Signal()
		return
	}
	w.cond.Broadcast()
}

// heldUp is how long a job runs until another worker takes the place of its own.
const heldUp = 100 * time.Millisecond

// work runs jobs, until another worker has taken this one's place. A worker that
// never sleeps would keep the loop whose job it has done from its processor for as
// long as the scheduler lets it, ten milliseconds, at every step that an input
// takes: it stands back after each.
func (w *workers) work() {
	taken := make(chan struct{})
	place := time.AfterFunc(time.Hour, func() {
		w.done.Go(w.work)
		close(taken)
	})
	place.Stop()
	for {
		job, ok := w.next()
		if !ok {
			return
		}
		place.Reset(heldUp)
		job()
		if !place.Stop() {
			<-taken // at no moment nobody is counted
			return
		}
		gort.Gosched()
	}
}

func (w *workers) next() (func(), bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.begun) == 0 && len(w.prepares) == 0 && !w.closed {
		w.cond.Wait()
	}
	if w.closed {
		return nil, false
	}
	q := &w.begun
	if len(*q) == 0 {
		q = &w.prepares
	}
	job := (*q)[0]
	(*q)[0] = nil
	*q = (*q)[1:]
	return job, true
}

// lastWork is how long the end waits for what runs.
const lastWork = time.Second

// close drops what is queued and waits for what runs; for what is held up it does
// not: the tasks have ended, and what becomes of it reaches nobody.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cond.Broadcast()
	idle := make(chan struct{})
	go func() {
		w.done.Wait()
		close(idle)
	}()
	end := time.NewTimer(lastWork)
	defer end.Stop()
	select {
	case <-idle:
	case <-end.C:
	}
}
