package sinks

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// The steps of a delivery, as metrics and logs name them.
const (
	stepAnnounce = "announce"
	stepReject   = "reject"
	stepInsert   = "insert"
	stepSettle   = "settle"
)

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 15 * time.Second
)

// errStopped ends write without a fault: the partition is somebody else's now.
var errStopped = errors.New("the partition is being handed over")

// write brings due blocks into the table until the partition stops.
func (p *partition) write() {
	for {
		select {
		case <-p.stopping:
			return
		case <-p.due:
		}
		b, on, err := p.turn()
		if err != nil {
			return
		}
		for b != nil {
			next, err := p.deliver(b, on)
			p.sink.blanks[p.table.name].giveBack(b)
			if err != nil {
				if !errors.Is(err, errStopped) {
					p.fail(err)
				}
				return
			}
			b, on = next.block, next.on
		}
	}
}

// turn waits for the table's pace and for a connection, and only then takes the
// block: what comes in meanwhile still goes into it.
func (p *partition) turn() (*block, *connection, error) {
	ctx, cancel := p.untilStopped()
	defer cancel()
	if err := p.sink.pace[p.table.name].wait(ctx); err != nil {
		return nil, nil, err
	}
	on, err := p.sink.borrow(ctx)
	if err != nil {
		return nil, nil, err
	}
	select {
	case b := <-p.handover:
		return b, on, nil
	case <-p.stopping:
		p.sink.slots <- on
		return nil, nil, errStopped
	}
}

// borrow waits for a connection that no insert uses.
func (s *ClickHouse) borrow(ctx context.Context) (*connection, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case on := <-s.slots:
		return on, nil
	}
}

// lent is a block with the connection it goes over.
type lent struct {
	block *block
	on    *connection
}

// deliver takes one block through the three steps. It answers the next block where
// one was due when this one was in: both then share a commit.
func (p *partition) deliver(b *block, on *connection) (next lent, err error) {
	announced := b.span()
	if b.announced != nil {
		announced = *b.announced
	}
	held := on // nil while a retry waits
	free := func() {
		if held != nil {
			p.sink.slots <- held
			held = nil
		}
	}
	defer func() {
		if held != nil && next.block == nil {
			p.sink.slots <- held
		}
	}()
	if err := p.try(stepAnnounce, func(ctx context.Context) error { return p.delivery.announce(ctx, announced) }, free); err != nil {
		return lent{}, err
	}
	if len(b.rejections) > 0 { // Kafka may take its time, or refuse
		free()
	}
	if err := p.try(stepReject, func(ctx context.Context) error { return p.rejectAll(ctx, b) }, nil); err != nil {
		return lent{}, err
	}
	err = p.try(stepInsert, func(ctx context.Context) error {
		if held == nil {
			var err error
			if held, err = p.sink.borrow(ctx); err != nil {
				return err
			}
		}
		p.delivery.store = &tableStore{place: p.place, on: held, sent: p.sink.metrics.sent(p.table.name)}
		return p.delivery.insert(ctx, b)
	}, free)
	if err != nil {
		return lent{}, err
	}
	next = p.following(held)
	var range_ *span
	if next.block != nil {
		s := next.block.span()
		range_ = &s
	}
	p.epoch = b.epoch
	err = p.try(stepSettle, func(ctx context.Context) error { return p.delivery.settle(ctx, range_) }, nil)
	if err != nil {
		next = lent{}
		return next, err
	}
	p.settled(b)
	return next, nil
}

// following takes the next block if one is due and the table's pace allows it now.
func (p *partition) following(on *connection) lent {
	if p.stopped() {
		return lent{}
	}
	select {
	case <-p.due:
	default:
		return lent{}
	}
	if p.sink.pace[p.table.name].try() {
		select {
		case b := <-p.handover:
			return lent{b, on}
		case <-p.stopping:
			return lent{}
		}
	}
	p.due <- struct{}{} // it is ours to put back: fill offers each block once
	return lent{}
}

// settled counts a block that is in and committed.
func (p *partition) settled(b *block) {
	p.lag.committed(b.last + 1)
	p.sink.metrics.settled(p.table.name, b)
	p.landed(b.weight)
	p.letters.settled()
}

// try repeats a step while its errors pass, with backoff and jitter. It gives up
// with errStopped when the partition is handed over, and with the error where
// somebody must act. failed, if any, is called after every failure.
func (p *partition) try(step string, f func(context.Context) error, failed func()) error {
	backoff := firstBackoff
	for {
		p.sink.passes("before " + step)
		err := p.once(f)
		if err == nil {
			p.sink.passes("after " + step)
			return nil
		}
		if failed != nil {
			failed()
		}
		if p.working.Err() != nil {
			return errStopped
		}
		if fateOf(err) != fatePasses {
			return err
		}
		p.sink.metrics.retries.WithLabelValues(p.table.name, step).Inc()
		p.log.Warn("try again", "step", step, "in", backoff, "error", err)
		ctx, cancel := p.untilStopped()
		err = pause(ctx, backoff/2+rand.N(backoff/2+1))
		cancel()
		if err != nil {
			return errStopped
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// once runs a step inside the lease and the time that an insert may take.
func (p *partition) once(f func(context.Context) error) error {
	held, release, err := p.sink.lease.hold(p.working)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(held, p.sink.cfg.InsertTimeout)
	defer cancel()
	err = f(ctx)
	if err != nil && errors.Is(context.Cause(held), errLease) {
		return errors.Join(errLease, err)
	}
	return err
}

// untilStopped is a context that ends when the partition takes nothing more.
func (p *partition) untilStopped() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(p.working)
	stop := make(chan struct{})
	go func() {
		select {
		case <-p.stopping:
			cancel()
		case <-stop:
		}
	}()
	return ctx, func() { close(stop); cancel() }
}

// poison reports whether an insert's error may be one row's fault. A row of
// dead_letters is never: its dead letter would be the next such row.
func (p *partition) poison(err error) bool {
	return fateOf(err) == fateRow && p.table.name != deadLettersTable
}
