package enrich

import "time"

// errands runs functions that wait for something, each on a goroutine of its
// own, and uses the goroutines again: the stack of a new one grows several times
// before it has asked the platform. Safe for concurrent use.
type errands struct {
	next chan func()
	over chan struct{}
}

// errandIdle is how long a goroutine without anything to do stays.
const errandIdle = 10 * time.Second

func newErrands() *errands { return &errands{next: make(chan func()), over: make(chan struct{})} }

// run has f called; it does not block.
func (e *errands) run(f func()) {
	select {
	case e.next <- f:
	default:
		go e.serve(f)
	}
}

// close has goroutines end that have nothing to do, from now on. What runs goes
// on. It is called once.
func (e *errands) close() { close(e.over) }

func (e *errands) serve(f func()) {
	idle := time.NewTimer(errandIdle)
	defer idle.Stop()
	for {
		f()
		idle.Reset(errandIdle)
		select {
		case f = <-e.next:
		case <-idle.C:
			return
		case <-e.over:
			return
		}
	}
}
