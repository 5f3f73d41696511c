package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// runtime makes one session after the other until its context ends.
type runtime struct {
	cfg     Config
	log     *slog.Logger
	newTask func(*Loop) Task
	metrics *metrics
	history *history
	running atomic.Bool
	current atomic.Pointer[session]
}

func newRuntime(cfg Config, newTask func(*Loop) Task) (*Runtime, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if newTask == nil {
		return nil, errors.New("stream: newTask is nil")
	}
	r := &Runtime{runtime{cfg: cfg, newTask: newTask, history: newHistory(), log: cfg.Logger.With("role", cfg.Role, "instance", cfg.Instance)}}
	r.metrics = newMetrics(cfg.Metrics, &r.runtime)
	return r, nil
}

func (r *runtime) run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return errors.New("stream: Run is under way already")
	}
	defer r.running.Store(false)
	journal, err := openJournal(&r.cfg)
	if err != nil {
		return err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.DrainTimeout)
		defer cancel()
		if err := journal.close(last); err != nil {
			r.log.Error("write out appended records", "error", err)
		}
	}()
	return r.sessions(ctx, journal)
}

// sessions runs sessions until ctx ends or an operator is needed. A session
// that held for a minute starts the backoff anew.
func (r *runtime) sessions(ctx context.Context, journal *journal) error {
	for failures := 0; ; failures++ {
		s := newSession(r, journal)
		r.metrics.sessions.Inc()
		began := time.Now()
		err := s.run(ctx)
		if err == nil || ctx.Err() != nil {
			if err != nil && !errors.Is(err, context.Canceled) {
				r.log.Warn("stopped without an orderly end", "error", err)
			}
			return nil
		}
		if needed := forOperator(err); needed != nil {
			return fmt.Errorf("run %s: %w", r.cfg.Role, needed)
		}
		if time.Since(began) > time.Minute {
			failures = 0
		}
		wait := min(100*time.Millisecond<<min(failures, 6), 5*time.Second)
		r.log.Warn("session ended, will start anew", "error", err, "wait", wait)
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

func (r *runtime) ready() bool {
	s := r.current.Load()
	return s != nil && s.ready()
}
