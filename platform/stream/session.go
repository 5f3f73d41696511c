package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	gort "runtime"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// session is one membership of the group with everything that hangs on it.
// When it ends, every task has ended and every client is closed.
type session struct {
	*runtime // immutable, like the fields down to poller
	cfg      Config
	log      *slog.Logger
	journal  *journal

	counts      map[string]int32 // partitions of each topic
	producer    *kgo.Client
	group       *kgo.Client
	workers     *workers
	workerCount int
	transactor  *transactor
	readers     []*reader
	listener    *reader  // of what tasks append to
	sampler     *sampler // of the leading topic
	lookout     *sampler // of what tasks append to
	lease       *lease
	poller      *poller
	joined      chan struct{} // holds one signal: partitions were assigned

	life context.Context // ends with the session, its cause the reason
	end  context.CancelCauseFunc
	work sync.WaitGroup // the session's own goroutines

	mu       sync.Mutex
	held     map[int32]*loop
	inputs   map[topicPartition]*partition
	standing chan struct{} // closed when everything that a task needs is there
	stopping bool          // no new tasks
}

func newSession(r *runtime, j *journal) *session {
	s := &session{
		runtime: r, cfg: r.cfg, log: r.log, journal: j,
		workerCount: gort.GOMAXPROCS(0),
		joined:      make(chan struct{}, 1),
		standing:    make(chan struct{}),
		held:        make(map[int32]*loop),
		inputs:      make(map[topicPartition]*partition),
		lease:       &lease{span: r.cfg.SessionTimeout - leaseMargin, now: r.cfg.Now},
	}
	for range readers {
		s.readers = append(s.readers, newReader(s, s.cfg.newTail))
	}
	s.listener = newReader(s, s.cfg.newListener)
	s.sampler, s.lookout = newLeaderSampler(s), newStateSampler(s)
	s.poller = &poller{session: s, room: make(chan struct{}, 1)}
	return s
}

// fail ends the session; the first reason counts.
func (s *session) fail(err error) { s.end(err) }

// run holds the membership until ctx ends, which is an orderly end, or until
// the session fails.
func (s *session) run(ctx context.Context) error {
	s.life, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	defer s.end(nil)
	if err := s.prepare(ctx); err != nil {
		s.closeClients()
		return err
	}
	s.workers = startWorkers(s.workerCount)
	s.current.Store(s)
	s.spawn(s.transactor.run)
	for _, r := range s.readers {
		s.spawn(r.run)
	}
	s.spawn(s.listener.run)
	s.spawn(s.sampler.run)
	s.spawn(s.lookout.run)
	s.spawn(s.poller.run)
	s.spawn(s.watch)
	s.spawn(func(ctx context.Context) error { return s.lease.keep(ctx, s, s.cfg.SessionTimeout/10) })
	close(s.standing)

	var err error
	select {
	case <-ctx.Done():
		err = s.shutdown()
	case <-s.life.Done():
		err = context.Cause(s.life)
	}
	s.current.CompareAndSwap(s, nil)
	s.dismantle()
	return err
}

// spawn runs one of the session's goroutines; its error ends the session.
func (s *session) spawn(f func(context.Context) error) {
	s.work.Go(func() {
		if err := f(s.life); err != nil && s.life.Err() == nil {
			s.end(err)
		}
	})
}

// prepare makes what must stand before the group is joined.
func (s *session) prepare(ctx context.Context) error {
	var err error
	if s.producer, err = s.cfg.newProducer(); err != nil {
		return err
	}
	if s.counts, err = s.readCounts(ctx, s.producer); err != nil {
		return err
	}
	if err := s.journal.renew(ctx, &s.cfg); err != nil {
		return err
	}
	if s.cfg.Layout == Copartition {
		// A predecessor's open transaction ends here, not by its time-out.
		if err := s.initProducer(ctx); err != nil {
			return err
		}
	}
	s.transactor = newTransactor(s, s.producer)
	if s.group, err = s.newMember(); err != nil {
		return err
	}
	return nil
}

func (s *session) initProducer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*s.cfg.TxnTimeout)
	defer cancel()
	if _, _, err := s.producer.ProducerID(ctx); err != nil {
		return fmt.Errorf("init producer id of %s: %w", s.cfg.TransactionalID, err)
	}
	return nil
}

func (s *session) tasks() []*loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*loop, 0, len(s.held))
	for _, l := range s.held {
		all = append(all, l)
	}
	return all
}

func (s *session) ready() bool {
	s.mu.Lock()
	stopping := s.stopping
	s.mu.Unlock()
	if _, generation := s.group.GroupMetadata(); stopping || generation < 0 {
		return false
	}
	for _, l := range s.tasks() {
		if !l.opened.Load() {
			return false
		}
	}
	return true
}

// fetchError decides what an error of a fetch means: most pass by themselves.
func (s *session) fetchError(topic string, number int32, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	if needed := forOperator(err); needed != nil {
		s.fail(fmt.Errorf("fetch %s/%d: %w", topic, number, needed))
		return
	}
	if cut := s.cutError(topic, number, err); cut != nil {
		s.log.Error("a log is not what was read", "topic", topic, "partition", number, "error", err)
		s.fail(cut)
		return
	}
	s.log.Warn("fetch", "topic", topic, "partition", number, "error", err)
}

// pause and resume stop and start the fetching of one partition, while polling
// goes on for the others.
//
// The poller pauses and the loop resumes, each after it has counted, and either
// may come late: poller counts up, loop counts down and resumes, poller pauses,
// and the partition would stand still for good. So each looks once more. So it
// would if its task was discarded meanwhile, which resumes what it finds paused.
func (s *session) pause(p *partition) {
	one := map[string][]int32{p.topic: {p.number}}
	s.group.PauseFetchPartitions(one)
	if !p.flow.isPaused() || !s.fetches(p) {
		s.group.ResumeFetchPartitions(one)
	}
}

// fetches reports whether a partition is one of a task that is held.
func (s *session) fetches(p *partition) bool {
	return s.input(topicPartition{p.topic, p.number}) == p
}

func (s *session) resume(p *partition) {
	one := map[string][]int32{p.topic: {p.number}}
	s.group.ResumeFetchPartitions(one)
	if p.flow.isPaused() {
		s.group.PauseFetchPartitions(one)
	}
}

const watchEvery = 30 * time.Second
