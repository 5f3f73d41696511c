package stream

import "sync"

// workers runs jobs of the processor on a fixed number of goroutines. The
// queue is not bounded here: its jobs are inputs inside the windows, or work of
// the tasks for such inputs.
type workers struct {
	mu     sync.Mutex
	cond   *sync.Cond
	jobs   []func()
	closed bool
	done   sync.WaitGroup
}

func startWorkers(n int) *workers {
	w := &workers{}
	w.cond = sync.NewCond(&w.mu)
	for range n {
		w.done.Go(w.work)
	}
	return w
}

func (w *workers) submit(jobs ...func()) {
	w.mu.Lock()
	w.jobs = append(w.jobs, jobs...)
	w.mu.Unlock()
	if len(jobs) == 1 {
		w.cond.Signal()
		return
	}
	w.cond.Broadcast()
}

func (w *workers) work() {
	for {
		job, ok := w.next()
		if !ok {
			return
		}
		job()
	}
}

func (w *workers) next() (func(), bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.jobs) == 0 && !w.closed {
		w.cond.Wait()
	}
	if w.closed {
		return nil, false
	}
	job := w.jobs[0]
	w.jobs[0] = nil
	w.jobs = w.jobs[1:]
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
