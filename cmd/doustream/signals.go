package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignals answers two contexts: the first ends at the first interrupt or
// termination, the second at the next one. release gives the signals back.
func untilSignals(ctx context.Context) (polling, work context.Context, release func()) {
	work, endWork := context.WithCancel(ctx)
	polling, endPolling := context.WithCancel(work)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for _, end := range []context.CancelFunc{endPolling, endWork} {
			select {
			case <-signals:
				end()
			case <-work.Done():
				return
			}
		}
	}()
	return polling, work, func() {
		signal.Stop(signals)
		endWork()
	}
}
