package enrich

import (
	"bytes"
	"runtime"
	"testing"
	"time"
	"weak"
)

// I9: who waits for the platform is not kept when its task has closed, with the
// table of all its sessions, until that answers: a partition may move often in an
// outage.
func TestI9ClosedTaskIsNotKeptByWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*limits){
		"no permit is free": func(l *limits) { fill(l, testApp) },
		"its last sends wait for an answer": func(l *limits) {
			a := l.apps[testApp]
			a.ailing, a.trial = true, time.Now().Add(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			l := testLimits(new(bytes.Buffer), nil)
			b.loop.task.gate = l
			b.platform.fault = func(string) fault { return faultLostBefore }
			b.code("c1", "o1")
			b.login("s1", "c1")
			b.loop.until(t, "a request that is under way", func() bool { return b.loop.task.requests == 1 })
			stop(l)
			b.loop.advance(10 * time.Second)
			if w := b.loop.task.lines[testApp].waiter; !w.waiting && !l.apps[testApp].stalled[w] {
				t.Fatal("the task waits for nothing")
			}
			task := weak.Make(b.loop.task)
			b.loop.close()
			b.loop = nil
			for deadline := time.Now().Add(10 * time.Second); task.Value() != nil; runtime.GC() {
				if time.Now().After(deadline) {
					t.Fatal("I9: the limits keep a task that has closed")
				}
			}
			runtime.KeepAlive(l)
		})
	}
}
