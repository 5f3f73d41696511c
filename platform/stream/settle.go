package stream

import (
	"context"
	"log/slog"
	"time"
)

// abortsTillError is how many aborts in a row mean that somebody must act.
const abortsTillError = 10

// committed tells the tasks.
func (r *round) committed() {
	for _, s := range r.shares {
		entries := s.entries
		for i := range entries {
			if p := entries[i].part; p != nil {
				p.committed.Store(entries[i].next)
				p.committedEpoch = entries[i].epoch
			}
		}
		s.task.outbox.settle(len(entries))
		s.task.post(func() { s.task.settled(entries) })
	}
}

// settled frees the room that committed inputs took, and calls back. It is
// posted.
func (l *loop) settled(entries []outEntry) {
	var room map[*partition]*chunkSize
	for i := range entries {
		if p := entries[i].part; p != nil {
			if room == nil {
				room = make(map[*partition]*chunkSize)
			}
			s := room[p]
			if s == nil {
				s = &chunkSize{}
				room[p] = s
			}
			s.records++
			s.bytes += entries[i].bytes
		}
		if entries[i].committed != nil {
			entries[i].committed()
		}
	}
	for p, s := range room {
		resume, room := p.flow.sub(s.records, s.bytes)
		if resume {
			l.session.resume(p)
		}
		if room {
			l.session.poller.hasRoom()
		}
	}
}

type chunkSize struct {
	records int
	bytes   int64
}

// again puts the entries of an aborted round back, to be produced once more,
// and waits a little when that happened before.
func (r *round) again(ctx context.Context, reason error) error {
	r.session.metrics.aborted.Inc()
	for _, s := range r.shares {
		s.task.outbox.restore(s.entries)
	}
	r.aborts++
	level := slog.LevelWarn
	if r.aborts%abortsTillError == 0 {
		level = slog.LevelError
	}
	r.session.log.Log(ctx, level, "transaction aborted, its results are produced again", "attempt", r.aborts, "error", reason)
	wait := min(20*time.Millisecond<<min(r.aborts, 8), 2*time.Second)
	return sleep(ctx, wait)
}
