package sinks

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// takeover is where the group stood when this instance got the partition.
type takeover struct {
	committed int64 // -1: nothing was ever committed
	epoch     int32 // of the log's leader when what was committed was written; -1: not known
	pending   *span // the range that the metadata announces
	end       int64 // where the log ended, or unknownEnd
}

// unknownEnd is before whatever the group may have of a log.
const unknownEnd = -2

func newTakeover(committed int64, epoch int32, metadata *string) takeover {
	t := takeover{committed: committed, epoch: epoch}
	if committed >= 0 && metadata != nil {
		if s, ok := parseSpan(*metadata); ok {
			t.pending = &s
		}
	}
	return t
}

// fetched is what one poll brought of a partition.
type fetched struct {
	records       []*kgo.Record
	logStart      int64
	highWatermark int64
}

// partition is one ownership of one topic-partition. Two goroutines work for it:
// fill takes records into a block, write brings blocks into the table, so that
// one block is filled while another is inserted. They end at stop, or when the
// partition halts.
type partition struct {
	sink   *ClickHouse
	member string // id of the member that the partition was given to
	place  place
	table  table
	log    *slog.Logger

	queue queue

	// fill's own.
	next    int64 // the offset that comes next, -1 before the first
	rebuild *span // the range that a predecessor announced, until it is rebuilt
	rest    []*kgo.Record
	lookup  lookup

	// between fill and write.
	due      chan struct{} // a block wants to be inserted; holds one
	handover chan *block

	// write's own, and before it takeOver's.
	delivery delivery
	letters  letters
	epoch    int32 // of the log's leader at the record before the committed offset

	started  chan takeover
	stopping chan struct{}      // take nothing more, finish what is being inserted
	working  context.Context    // ends what is being inserted
	kill     context.CancelFunc // of working
	ended    sync.WaitGroup
	stopOnce sync.Once

	open atomic.Bool           // taken over
	halt atomic.Pointer[error] // why it stopped by itself
	lag  lag
}

func newPartition(s *ClickHouse, member string, at place, t table) *partition {
	p := &partition{
		sink: s, member: member, place: at, table: t,
		log:      s.log.With("topic", at.topic, "partition", at.partition, "table", at.table),
		queue:    queue{wake: make(chan struct{}, 1)},
		due:      make(chan struct{}, 1),
		handover: make(chan *block),
		lookup:   newLookup(s.cfg.Registry, t),
		started:  make(chan takeover, 1),
		stopping: make(chan struct{}),
	}
	p.working, p.kill = context.WithCancel(context.Background())
	p.delivery = delivery{place: at, commits: p, rejects: p, poison: p.poison}
	p.ended.Go(p.run)
	return p
}

// start hands over where the group stands. A second call changes nothing: what
// the partition has done since counts.
func (p *partition) start(t takeover) {
	select {
	case p.started <- t:
	default:
	}
}

// stop ends the partition: nothing more is taken in, an insert under way may
// finish and be committed until expired is closed. It returns when both
// goroutines have.
func (p *partition) stop(expired <-chan struct{}) {
	p.stopOnce.Do(func() { close(p.stopping) })
	ended := make(chan struct{})
	go func() { p.ended.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-expired:
		p.kill()
		<-ended
	}
	p.kill()
	p.queue.close(p)
	p.lag.forget()
	if p.halted() != nil {
		p.sink.metrics.stopped.WithLabelValues(p.table.name).Dec()
	}
}

// run waits for the take-over, then fills and writes until the partition ends.
func (p *partition) run() {
	select {
	case <-p.stopping:
		return
	case t := <-p.started:
		switch err := p.takeOver(t); {
		case errors.Is(err, errStopped):
			return
		case err != nil:
			p.fail(err)
			return
		}
	}
	p.ended.Go(p.write)
	p.fill()
}

// takeOver begins where the group stands. The error of a log that is not the one
// that was read needs an operator.
func (p *partition) takeOver(t takeover) error {
	if err := p.reaches(&t); err != nil {
		return err
	}
	p.next, p.epoch, p.rebuild = t.committed, t.epoch, t.pending
	p.delivery.resume(t.committed, t.pending, t.end)
	p.letters = letters{suspect: t.end, search: &letterSearch{
		connect: p.sink.cfg.Connect, deadLetters: p.sink.cfg.Topics.deadLetters, topic: p.place.topic, partition: p.place.partition,
	}}
	p.lag.start(p.sink.metrics.lag.WithLabelValues(p.table.name), t)
	if p.rebuild != nil {
		p.takeWhole(true)
		p.log.Info("take over with a range under way", "offset", t.committed, "first", t.pending.First, "last", t.pending.Last)
	}
	p.open.Store(true)
	return nil
}

func (p *partition) restored() bool { return p.open.Load() }

// halted is why the partition stopped by itself, or nil.
func (p *partition) halted() error {
	if err := p.halt.Load(); err != nil {
		return *err
	}
	return nil
}

// fail stops the partition, loudly; the others go on. It stays stopped until it is
// assigned again: to another instance, or to this one after a restart.
func (p *partition) fail(err error) {
	if !p.halt.CompareAndSwap(nil, &err) {
		return
	}
	p.log.Error("the partition has stopped and needs an operator", "error", err)
	p.sink.metrics.stopped.WithLabelValues(p.table.name).Inc()
	p.stopOnce.Do(func() { close(p.stopping) })
	p.queue.close(p)
}

// stopped reports whether the partition is on its way out.
func (p *partition) stopped() bool {
	select {
	case <-p.stopping:
		return true
	default:
		return false
	}
}
