package stream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// easing is a poller with one window, which the last fetch has filled.
func easing(t *testing.T) (*poller, *partition) {
	t.Helper()
	group, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(group.Close)
	s := &session{group: group, cfg: Config{CommitInterval: 100 * time.Millisecond}}
	s.transactor = newTransactor(s, nil)
	p := &partition{topic: "in", number: 3, flow: flow{maxRecords: 10, maxBytes: 1000}}
	s.inputs = map[topicPartition]*partition{{"in", 3}: p}
	s.poller = &poller{session: s, room: make(chan struct{}, 1)}
	p.flow.add(12, 0)
	s.poller.full = append(s.poller.full, p)
	return s.poller, p
}

func (p *poller) paused() bool { return len(p.session.group.PauseFetchPartitions(nil)) > 0 }

// I9, and no client that fetches the same records twice: a full window is
// paused, but only when no commit makes room in it for a while.
func TestAFullWindowIsPausedOnlyWhenNoCommitMakesRoom(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		during func(*poller, *partition, context.CancelFunc) // 10 ms after it began
		took   time.Duration
		paused bool
	}{
		{"a commit makes room", func(p *poller, part *partition, _ context.CancelFunc) {
			if _, room := part.flow.sub(5, 0); room {
				p.hasRoom()
			}
		}, 10 * time.Millisecond, false},
		{"nothing happens", func(*poller, *partition, context.CancelFunc) {}, 100 * time.Millisecond, true},
		{"a commit frees too little", func(p *poller, part *partition, _ context.CancelFunc) {
			part.flow.sub(1, 0)
			p.hasRoom() // another window's
		}, 100 * time.Millisecond, true},
		{"a revocation waits for the next poll", func(_ *poller, _ *partition, stop context.CancelFunc) { stop() }, 10 * time.Millisecond, true},
		{"its task is gone", func(p *poller, _ *partition, stop context.CancelFunc) {
			p.session.mu.Lock()
			clear(p.session.inputs)
			p.session.mu.Unlock()
			stop()
		}, 10 * time.Millisecond, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, part := easing(t)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				time.AfterFunc(10*time.Millisecond, func() { row.during(p, part, stop) })
				began := time.Now()
				p.ease(ctx)
				if took := time.Since(began); took != row.took || p.paused() != row.paused || part.flow.isPaused() != row.paused || len(p.full) != 0 {
					t.Errorf("after %v paused %v, counted as paused %v, %d left; want %v and %v", took, p.paused(), part.flow.isPaused(), len(p.full), row.took, row.paused)
				}
				select {
				case <-p.session.transactor.pressed:
				default:
					t.Error("the round under way was not shortened")
				}
			})
		})
	}
}
