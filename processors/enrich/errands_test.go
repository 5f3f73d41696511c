package enrich

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestErrandsAreRunAtOnceByGoroutinesThatAreUsedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newErrands()
		const at, rounds = 5, 20
		by, started := map[string]int{}, make(chan string)
		for range rounds {
			release := make(chan struct{})
			for range at {
				e.run(func() {
					started <- goroutine()
					<-release
				})
			}
			for range at { // all of them, at once
				by[<-started]++
			}
			close(release)
			synctest.Wait()
		}
		for name, n := range by {
			if len(by) != at || n != rounds {
				t.Errorf("%d goroutines, %s ran %d; want %d, and %d each", len(by), name, n, at, rounds)
			}
		}
		held := make(chan struct{})
		e.run(func() { <-held })
		e.close() // the idle ones end, else the test would not
		synctest.Wait()
		close(held)
	})
}

func TestErrandsOfTheIdleEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newErrands()
		e.run(func() {})
		time.Sleep(errandIdle + time.Second) // not closed: who is idle ends all the same
		e.run(func() {})
		time.Sleep(errandIdle + time.Second)
	})
}

// goroutine names the goroutine that asks.
func goroutine() string {
	var stack [64]byte
	name, _, _ := strings.Cut(string(stack[:runtime.Stack(stack[:], false)]), " [")
	return name
}
