package stream

import (
	"context"
	"fmt"
	"time"
)

// round is one transaction, or, when nothing was put out, one commit of
// offsets alone. Owned by the transactor's goroutine.
type round struct {
	*transactor
	began    time.Time
	shares   []*share
	open     bool // a transaction was begun
	records  int
	memberID string // captured before anything was taken: a rebalance since then is to refuse the offsets
	genID    int32
	fresh    []outEntry
}

// shortRound is the least time that results are collected for.
const shortRound = 20 * time.Millisecond

// roundRecords is about how many output records a round holds at most, so that
// a flood of emits does not outlast the transaction's time-out.
const roundRecords = 100_000

// share is one task's part of a round.
type share struct {
	task    *loop
	entries []outEntry
	records int
}

func (r *round) empty() bool { return len(r.shares) == 0 }

func (r *round) run(ctx context.Context) error {
	defer func() { r.stalled = r.late() }()
	if err := r.collect(ctx); err != nil || r.empty() {
		return err
	}
	start := time.Now()
	fate, err := r.finish(ctx)
	switch fate {
	case fateCommitted:
		r.aborts = 0
		r.session.metrics.committed(r.records, time.Since(start))
		r.committed()
		return nil
	case fateAborted:
		return r.again(ctx, err)
	}
	return err
}

// late reports whether the broker may have aborted the transaction by itself,
// whose clock goes on while this machine is suspended.
func (r *round) late() bool {
	return elapsed(r.began, r.session.cfg.Now()) >= r.session.cfg.TxnTimeout
}

// collect takes what the tasks put out, and produces it, for one commit
// interval from the first of it on, or less when somebody waits.
func (r *round) collect(ctx context.Context) error {
	r.memberID, r.genID = r.session.group.GroupMetadata()
	timer := time.NewTimer(r.session.cfg.CommitInterval)
	defer timer.Stop()
	for {
		if err := r.gather(ctx); err != nil || r.empty() || r.hurried() || r.records >= roundRecords {
			return err
		}
		select {
		case <-r.wakeup:
		case <-r.pressed:
			timer.Reset(max(0, min(shortRound, r.session.cfg.CommitInterval)-r.session.cfg.Now().Sub(r.began)))
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *round) gather(ctx context.Context) error {
	for _, task := range r.current() {
		if task.member != r.memberID {
			continue // it is another membership's: the next round's, or nobody's
		}
		r.fresh = task.outbox.take(r.fresh[:0], roundRecords-r.records)
		if len(r.fresh) == 0 {
			continue
		}
		s := r.share(task)
		s.entries = append(s.entries, r.fresh...)
		for i := range r.fresh {
			if err := r.produce(ctx, s, r.fresh[i].records); err != nil {
				return err
			}
		}
		clear(r.fresh)
	}
	return nil
}

func (r *round) share(task *loop) *share {
	for _, s := range r.shares {
		if s.task == task {
			return s
		}
	}
	s := &share{task: task}
	r.shares = append(r.shares, s)
	return s
}

func (r *round) produce(ctx context.Context, s *share, records []*Record) error {
	if len(records) == 0 {
		return nil
	}
	if !r.open {
		if err := r.begin(); err != nil {
			return err
		}
	}
	for _, rec := range records {
		r.client.Produce(ctx, rec, r.promise)
	}
	s.records += len(records)
	r.records += len(records)
	return nil
}

func (r *round) begin() error {
	r.broken.Store(nil)
	if err := r.client.BeginTransaction(); err != nil {
		return r.ending(fmt.Errorf("begin transaction: %w", err))
	}
	r.open = true
	return nil
}

// finish ends the round one way or the other. An error beside fateUnknown ends
// the session; beside fateAborted it is the reason.
func (r *round) finish(ctx context.Context) (fate, error) {
	if !r.open {
		return r.commitOffsetsAlone(ctx)
	}
	err := r.client.Flush(ctx)
	if err == nil {
		if broken := r.broken.Load(); broken != nil {
			err = fmt.Errorf("produce: %w", *broken)
		}
	}
	if err == nil {
		err = r.addOffsets(ctx)
	}
	if err == nil && r.lostTask() {
		err = errTaskLost
	}
	if err != nil {
		return r.abort(ctx, err)
	}
	return r.commit(ctx)
}

// lostTask reports whether a task that has a share was lost meanwhile.
func (r *round) lostTask() bool {
	for _, s := range r.shares {
		if s.task.outbox.killed() {
			return true
		}
	}
	return false
}
