package sinks

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// queue holds what was polled of one partition until fill takes it in. It is
// bounded by pausing: at the partition's share the partition is not fetched from
// until half of that is left, while the client goes on polling and the
// membership of the group with it.
type queue struct {
	wake chan struct{} // holds one

	mu     sync.Mutex
	items  []fetched
	bytes  int64 // of the records polled and not yet in the table
	paused bool
	closed bool
	// whole: a predecessor's range is being rebuilt, which takes all of its
	// records, however little memory this instance has: no pausing meanwhile.
	whole bool
}

// enqueue never blocks.
func (p *partition) enqueue(f fetched) {
	q := &p.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.items = append(q.items, f)
	for _, rec := range f.records {
		q.bytes += weight(rec)
	}
	if !q.paused && !q.whole && q.bytes >= p.sink.share() {
		q.paused = true
		p.sink.client.PauseFetchPartitions(p.asMap())
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// takeWhole says whether a range is being rebuilt.
func (p *partition) takeWhole(whole bool) {
	q := &p.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.whole = whole
	if whole && q.paused && !q.closed {
		q.paused = false
		p.sink.client.ResumeFetchPartitions(p.asMap())
	}
}

// dequeue answers everything that waits.
func (q *queue) dequeue() []fetched {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}

// landed says that bytes are in the table, or will be fetched again.
func (p *partition) landed(bytes int64) {
	q := &p.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= bytes
	if q.paused && !q.closed && q.bytes <= p.sink.share()/2 {
		q.paused = false
		p.sink.client.ResumeFetchPartitions(p.asMap())
	}
}

// close drops what waits. A partition that has stopped is not fetched from; one
// that is gone must not stay paused for when it comes again.
func (q *queue) close(p *partition) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items, q.closed = nil, true
	if p.halted() != nil && p.working.Err() == nil {
		p.sink.client.PauseFetchPartitions(p.asMap())
		return
	}
	p.sink.client.ResumeFetchPartitions(p.asMap())
}

func (p *partition) asMap() map[string][]int32 {
	return map[string][]int32{p.place.topic: {p.place.partition}}
}

// weight is what a record counts as against the bounds on bytes.
func weight(rec *kgo.Record) int64 { return int64(len(rec.Key) + len(rec.Value) + 64) }
