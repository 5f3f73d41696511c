package enrich

import "time"

// errands runs functions that wait for something, each on a goroutine of its
// own, and uses the goroutines again: the stack of a new one grows several times
// before it has asked the platform. Safe for concurrent use.
type errands struct{ next chan func() }

// errandIdle is how long a goroutine without anything to do stays.
const errandIdle = time.Second

func newErrands() *errands { return &errands{next: make(chan func())} }

// run has f called; it does not block.
func (e *errands) run(f func()) {
	select {
	case e.next <- f:
	default:
		go e.serve(f)
	}
}

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
		}
	}
}
