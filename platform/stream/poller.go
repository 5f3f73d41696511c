package stream

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// poller hands fetched inputs to their tasks. It never waits for a task:
// a partition that is full is paused.
type poller struct {
	session *session
	room    chan struct{} // holds one signal: a window that was full is not any more
	full    []*partition  // of the last fetch; owned by the goroutine

	mu     sync.Mutex
	stop   context.CancelFunc // of the poll under way
	polls  int                // begun
	ended  bool
	passed []barrier
}

// barrier is reached when a later poll begins than the one under way.
type barrier struct {
	after int
	done  chan struct{}
}

// barrier is closed once whatever had been polled when it was called has been
// delivered or dropped. A tenure begins behind it: the client has thrown away by
// then what it had fetched of an earlier one, but for what it had handed over.
func (p *poller) barrier() <-chan struct{} {
	done := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.stop == nil {
		close(done)
		return done
	}
	p.passed = append(p.passed, barrier{p.polls, done})
	p.stop()
	return done
}

func (p *poller) begin(ctx context.Context) context.Context {
	poll, stop := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		p.stop()
	}
	p.stop = stop
	p.polls++
	waiting := p.passed[:0]
	for _, b := range p.passed {
		if b.after < p.polls {
			close(b.done)
			continue
		}
		waiting = append(waiting, b)
	}
	p.passed = waiting
	return poll
}

func (p *poller) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.stop != nil {
		p.stop()
	}
	for _, b := range p.passed {
		close(b.done)
	}
	p.passed = nil
}

func (p *poller) run(ctx context.Context) error {
	defer p.end()
	for ctx.Err() == nil {
		poll := p.begin(ctx)
		p.ease(poll)
		fetches := p.session.group.PollFetches(poll)
		fetches.EachError(p.failed)
		if ctx.Err() != nil {
			return nil // what a client that went back to a cut has fetched must not follow what was read
		}
		fetches.EachPartition(p.deliver)
	}
	return nil
}

func (p *poller) failed(topic string, number int32, err error) {
	var lost *kgo.ErrGroupSession
	if errors.As(err, &lost) {
		if needed := forOperator(lost.Err); needed != nil {
			p.session.fail(needed)
			return
		}
		p.session.log.Warn("group membership lost, joining again", "error", lost.Err)
		return
	}
	p.session.fetchError(topic, number, err)
}

func (p *poller) deliver(fetched kgo.FetchTopicPartition) {
	if len(fetched.Records) == 0 {
		return
	}
	part := p.session.input(topicPartition{fetched.Topic, fetched.Partition})
	if part != nil && part.deliver(fetched.Records, fetched.HighWatermark) {
		p.full = append(p.full, part)
	}
}
