package stream

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// restoreSlots is how many batches the reader may be ahead of a task.
const restoreSlots = 8

// readers is how many read the tasks' state, each that of every second task. A
// client unpacks what a broker sent before it asks that one for more: with one
// client alone the broker, and processors with it, would stand idle meanwhile.
const readers = 2

func (s *session) readerOf(l *loop) *reader { return s.readers[int(l.number)%len(s.readers)] }

// reader tails state and followed partitions of its tasks with one client.
// Adding, removing and polling are done by one goroutine, so that a record that
// was polled for one tenure never reaches the next.
type reader struct {
	session *session
	wakeup  chan struct{}
	lead    *lead
	connect func(first map[string]map[int32]kgo.Offset) (*kgo.Client, error)

	mu       sync.Mutex
	commands []func()
	stopPoll context.CancelFunc // of the poll under way

	// Owned by the goroutine.
	client *kgo.Client
	owners map[topicPartition]*loop
}

func newReader(s *session, connect func(map[string]map[int32]kgo.Offset) (*kgo.Client, error)) *reader {
	return &reader{
		session: s, wakeup: make(chan struct{}, 1), lead: newLead(mostAhead / readers),
		connect: connect, owners: make(map[topicPartition]*loop),
	}
}

// fromStart is where a task begins to read partitions: their start.
func fromStart(partitions []topicPartition) map[topicPartition]kgo.Offset {
	from := make(map[topicPartition]kgo.Offset)
	for _, tp := range partitions {
		from[tp] = kgo.NewOffset().AtStart()
	}
	return from
}

// add starts the reading of partitions.
func (r *reader) add(l *loop, from map[topicPartition]kgo.Offset) {
	if len(from) > 0 {
		r.command(func() { r.adopt(l, from) })
	}
}

// release stops the reading of one partition for a task.
func (r *reader) release(l *loop, tp topicPartition) {
	r.command(func() {
		r.drop(func(held topicPartition, owner *loop) bool { return held == tp && owner == l })
	})
}

// remove stops the reading for a task.
func (r *reader) remove(l *loop) {
	r.command(func() { r.drop(func(_ topicPartition, owner *loop) bool { return owner == l }) })
}

func (r *reader) command(f func()) {
	r.mu.Lock()
	r.commands = append(r.commands, f)
	stop := r.stopPoll
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
	select {
	case r.wakeup <- struct{}{}:
	default:
	}
}

func (r *reader) run(ctx context.Context) error {
	defer func() {
		if r.client != nil {
			r.client.Close()
		}
	}()
	for ctx.Err() == nil {
		poll, stop := context.WithCancel(ctx)
		r.mu.Lock()
		commands := r.commands
		r.commands, r.stopPoll = nil, stop
		r.mu.Unlock()
		for _, f := range commands {
			f()
		}
		if r.client == nil {
			select {
			case <-ctx.Done():
			case <-r.wakeup:
			}
		} else {
			r.pass(ctx, r.client.PollFetches(poll))
		}
		stop()
	}
	return nil
}

func (r *reader) adopt(l *loop, from map[topicPartition]kgo.Offset) {
	offsets := make(map[string]map[int32]kgo.Offset)
	for tp, at := range from {
		r.owners[tp] = l
		if offsets[tp.topic] == nil {
			offsets[tp.topic] = make(map[int32]kgo.Offset)
		}
		offsets[tp.topic][tp.number] = at
	}
	if r.client != nil {
		r.client.AddConsumePartitions(offsets)
		return
	}
	client, err := r.connect(offsets)
	if err != nil {
		r.session.fail(err)
		return
	}
	r.client = client
}

func (r *reader) drop(one func(tp topicPartition, owner *loop) bool) {
	gone := make(map[string][]int32)
	for tp, owner := range r.owners {
		if one(tp, owner) {
			delete(r.owners, tp)
			gone[tp.topic] = append(gone[tp.topic], tp.number)
		}
	}
	if r.client != nil && len(gone) > 0 {
		r.client.RemoveConsumePartitions(gone)
	}
}

// pass hands what was fetched to the tasks.
func (r *reader) pass(ctx context.Context, fetches kgo.Fetches) {
	fetches.EachError(func(topic string, number int32, err error) { r.session.fetchError(topic, number, err) })
	if ctx.Err() != nil {
		return
	}
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		tp := topicPartition{p.Topic, p.Partition}
		if l := r.owners[tp]; l != nil && len(p.Records) > 0 {
			r.hand(ctx, l, batch{tp, p.Records})
		}
	})
}

// hand hands a batch to its task, waiting while that one is behind, or all
// together are.
func (r *reader) hand(ctx context.Context, l *loop, b batch) {
	select {
	case l.state.slots <- struct{}{}:
	case <-l.ctx.Done():
		return
	case <-ctx.Done():
		return
	}
	bytes := b.bytes()
	if !r.lead.take(ctx, bytes) {
		return
	}
	taken := func() {
		<-l.state.slots
		r.lead.give(bytes)
	}
	posted := l.post(func() {
		l.state.restore(b)
		taken()
	})
	if !posted {
		taken()
	}
}

func (b *batch) bytes() (n int64) {
	for _, rec := range b.records {
		n += size(rec)
	}
	return n
}
