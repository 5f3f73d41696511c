package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	awaitFirst   = 250 * time.Millisecond
	awaitMost    = 5 * time.Second
	awaitOnce    = 10 * time.Second // one try
	awaitRemind  = 30 * time.Second // the same trouble is said again
	awaitTooLong = "waiting for what it needs"
)

// fatal is an error that waiting does not mend.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// waiting is what a part waits for, as /readyz shows it.
type waiting struct{ trouble atomic.Pointer[error] }

// check is the part's readiness until it has found what it waits for.
func (w *waiting) check() error {
	if err := w.trouble.Load(); err != nil {
		return *err
	}
	return errors.New(awaitTooLong)
}

// await tries until it succeeds, is told that it never will, or ctx ends. What
// it waits for is logged once for each new trouble, and as a reminder.
func await(ctx context.Context, log *slog.Logger, what string, w *waiting, try func(context.Context) error) error {
	pause := awaitFirst
	var said string
	var saidAt time.Time
	for {
		err := tryOnce(ctx, try)
		if err == nil {
			if said != "" {
				log.Info("it is there now", "waiting_for", what)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var never fatal
		if errors.As(err, &never) {
			return never.error
		}
		w.trouble.Store(&err)
		if text := err.Error(); text != said || time.Since(saidAt) >= awaitRemind {
			log.Warn("not there yet, will go on trying", "waiting_for", what, "error", err)
			said, saidAt = text, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
		pause = min(2*pause, awaitMost)
	}
}

func tryOnce(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, awaitOnce)
	defer cancel()
	return try(ctx)
}
