package enrich

import (
	"sync"
	"time"
)

// errands runs functions that wait for something, each on a goroutine of its
// own, and uses the goroutines again: the stack of a new one grows several times
// before it has asked the platform. Safe for concurrent use.
type errands struct {
	mu     sync.Mutex
	idle   []chan func() // goroutines without anything to do; who came last is used first: its stack is warm
	unused int           // how many of them, the first ones, had nothing to do since the timer was set
	timer  *time.Timer   // ends those; nil: not set
	over   bool
}

// errandIdle is how long a goroutine without anything to do stays at least; twice
// as long at most.
const errandIdle = 10 * time.Second

func newErrands() *errands { return &errands{} }

// run has f called; it does not block.
func (e *errands) run(f func()) {
	e.mu.Lock()
	last := len(e.idle) - 1
	if last < 0 {
		e.mu.Unlock()
		go e.serve(f)
		return
	}
	next := e.idle[last]
	e.idle[last] = nil
	e.idle = e.idle[:last]
	e.unused = min(e.unused, last)
	e.mu.Unlock()
	next <- f // it has room for one
}

// close has goroutines end that have nothing to do, from now on. What runs goes
// on.
func (e *errands) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	e.end(len(e.idle))
	if e.timer != nil {
		e.timer.Stop()
	}
}

func (e *errands) serve(f func()) {
	next := make(chan func(), 1)
	for more := true; more; f, more = <-next {
		f()
		e.rest(next)
	}
}

// rest notes that a goroutine has nothing to do; its channel is closed when it
// is to end.
func (e *errands) rest(next chan func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		close(next)
		return
	}
	e.idle = append(e.idle, next)
	if e.timer == nil {
		e.unused = len(e.idle)
		e.timer = time.AfterFunc(errandIdle, e.thin)
	}
}

// thin ends who had nothing to do since the timer was set.
func (e *errands) thin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(e.unused)
	e.timer, e.unused = nil, len(e.idle)
	if len(e.idle) > 0 && !e.over {
		e.timer = time.AfterFunc(errandIdle, e.thin)
	}
}

// end ends the first n that are idle. It is called with mu held.
func (e *errands) end(n int) {
	n = min(n, len(e.idle))
	for _, next := range e.idle[:n] {
		close(next)
	}
	left := copy(e.idle, e.idle[n:])
	clear(e.idle[left:])
	e.idle = e.idle[:left]
}
