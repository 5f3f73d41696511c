package stream

import (
	gort "runtime"
	"sync"
)

// workers runs jobs of the processor on a fixed number of goroutines: what has
// begun before what has not. In a backlog all windows would be prepared
// otherwise before the first input of any is worked on, and then retire, commit
// and be fetched for all at the same time, with nothing to do in between. The
// queues are not bounded here: their jobs are inputs inside the windows, or
// work of the tasks for such inputs.
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

// work runs jobs. A worker that never sleeps would keep the loop whose job it
// has done from its processor for as long as the scheduler lets it, ten
// milliseconds, at every step that an input takes: it stands back after each.
func (w *workers) work() {
	for {
		job, ok := w.next()
		if !ok {
			return
		}
		job()
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

// close drops what is queued and waits for what runs.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cond.Broadcast()
	w.done.Wait()
}
