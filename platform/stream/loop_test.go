package stream_test

import (
	"sync/atomic"
	"testing"
	"time"

	"doustream/platform/stream"
)

func TestARoundHasOneTime(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var looks atomic.Int64
		open := make(chan *stream.Loop, 1)
		run(t, k, "a", func(c *stream.Config) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(looks.Add(1))) }
		}, func(l *stream.Loop) stream.Task {
			return &script{open: func() { open <- l }}
		})
		l := <-open
		times := make(chan []time.Time)
		look := func() []time.Time {
			l.Post(func() { times <- []time.Time{l.Round(), l.Now(), l.Round()} })
			return <-times
		}
		first, second := look(), look()
		if !first[0].Equal(first[2]) || !first[1].After(first[0]) {
			t.Errorf("a round that began at %v has the times %v", first[0], first)
		}
		if !second[0].After(first[1]) {
			t.Errorf("a round after %v began at %v", first[1], second[0])
		}
	})
}
