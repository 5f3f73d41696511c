package stream

import (
	"slices"
	"sync"
	"testing"
)

func TestWorkersEndWhatHasBegunBeforeTheyBegin(t *testing.T) {
	t.Parallel()
	w := startWorkers(1)
	t.Cleanup(w.close)
	var (
		busy, free = make(chan struct{}), make(chan struct{})
		ran        []string
		left       sync.WaitGroup
	)
	w.submit(func() { close(busy); <-free })
	<-busy // the only worker
	job := func(name string) func() {
		left.Add(1)
		return func() { ran = append(ran, name); left.Done() }
	}
	w.prepare(job("prepare 1"), job("prepare 2"))
	w.submit(job("work 1"))
	w.submit(job("work 2"))
	close(free)
	left.Wait()
	if want := []string{"work 1", "work 2", "prepare 1", "prepare 2"}; !slices.Equal(ran, want) {
		t.Fatalf("ran %q, want %q", ran, want)
	}
}
