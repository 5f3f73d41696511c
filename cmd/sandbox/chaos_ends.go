package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// processEnd is how a doustream process ended that was not killed.
type processEnd struct {
	instance string
	asked    bool      // by SIGTERM
	from, at time.Time // from when it was asked, or what lost it its footing
	code     int       // -1: by a signal
	unarmed  bool      // by the SIGTERM itself: it had only just been started
	how      string
}

// endOf is how a process ended, which it has.
func endOf(r *role, asked bool, from time.Time) processEnd {
	err := r.Wait()
	end := processEnd{instance: r.name, asked: asked, from: from, at: time.Now(), how: fmt.Sprint(err)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		end.code = exit.ExitCode()
		status, _ := exit.Sys().(syscall.WaitStatus)
		end.unarmed = asked && status.Signaled() && status.Signal() == syscall.SIGTERM
	}
	return end
}

// What a doustream process ends with.
const (
	endedWell   = 0
	endedFailed = 1 // it says why, and an orchestrator starts it again
)

// judgeEnds finds processes that broke down, for which there is no excuse, those
// that ended as if all were done, and those that were asked to end and failed at
// it although nothing was wrong.
func (o *oracle) judgeEnds() {
	for _, end := range o.ends {
		switch {
		case end.unarmed, end.asked && end.code == endedWell:
		case end.asked && end.code == endedFailed && o.suffered(roleOf(end.instance), end.from, end.at):
		case !end.asked && end.code == endedFailed:
		default:
			o.tell(chargeEnd, "%s at %s, asked to: %v: %s", end.instance, end.at.Format(time.TimeOnly), end.asked, end.how)
		}
	}
	for _, why := range o.unready {
		o.tell(chargeEnd, "%s", why)
	}
}

// awaitReady answers which processes are not ready when all faults are long healed.
func (d *demo) awaitReady(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	var unready []string
	for _, r := range d.running() {
		if err := poll(ctx, func() error { return r.ready(ctx) }); err != nil {
			unready = append(unready, fmt.Sprintf("%s is not ready in the end: %v", r.name, err))
		}
	}
	return unready
}
