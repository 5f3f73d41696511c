package stream

import (
	"sync/atomic"
	"time"
)

// prepareChunk is how many records a worker prepares in one go.
const prepareChunk = 256

// partition is one input topic-partition of a task. Fields without another
// word are owned by the task's loop.
type partition struct {
	loop     *loop
	topic    string
	number   int32
	leads    bool // it belongs to the leading topic
	follows  bool // there is a leading topic, and this is not of it
	overlaps bool // its records do not wait for their key
	queues   *topicQueues
	flow     flow

	chunks   []*chunk // fetched and being prepared, in the order of fetch
	waiting  []*Input // taken in and not handed over, in the order of fetch
	window   window
	dirty    bool
	position int64 // the offset after the last that was taken in
	frontier int64 // the offset after the last that retired

	end       int64 // an end offset of the log, for a leading partition,
	sampledAt time.Time

	committed      atomic.Int64 // the offset that the group holds; written at the start and by the transactor
	committedEpoch int32        // of the last record before it, -1 for unknown; the transactor's
	highWater      atomic.Int64 // written by the poller
}

// chunk is a part of one fetch, which is prepared as a whole.
type chunk struct {
	inputs []Input
	ready  bool
	began  atomic.Pointer[time.Time] // when a worker began to prepare it
}

// deliver takes the records of one fetch from the poller. Safe from any
// goroutine; it never blocks.
func (p *partition) deliver(records []*Record, highWater int64) (full bool) {
	p.highWater.Store(highWater)
	var bytes int64
	for _, rec := range records {
		bytes += size(rec)
	}
	full = p.flow.add(len(records), bytes)
	p.loop.post(func() { p.fetched(records) })
	return full
}

// size is what a record is taken to occupy, headers without a byte included.
func size(rec *Record) int64 {
	n := len(rec.Key) + len(rec.Value) + 64
	for i := range rec.Headers {
		n += len(rec.Headers[i].Key) + len(rec.Headers[i].Value) + 40
	}
	return int64(n)
}

// fetched queues records in chunks and has them prepared.
func (p *partition) fetched(records []*Record) {
	jobs := make([]func(), 0, len(records)/prepareChunk+1)
	for len(records) > 0 {
		n := min(prepareChunk, len(records))
		c := &chunk{inputs: make([]Input, n)}
		for i, rec := range records[:n] {
			c.inputs[i].Record = rec
			c.inputs[i].loop = p.loop
			c.inputs[i].part = p
		}
		records = records[n:]
		p.chunks = append(p.chunks, c)
		jobs = append(jobs, func() { p.prepare(c) })
	}
	if p.loop.prepares == nil {
		for _, c := range p.chunks {
			c.ready = true
		}
		p.takeIn()
		return
	}
	p.loop.session.workers.prepare(jobs...)
}

// prepare runs on a worker.
func (p *partition) prepare(c *chunk) {
	began := p.loop.now()
	c.began.Store(&began)
	for i := range c.inputs {
		in := &c.inputs[i]
		if !in.Record.Attrs.IsControl() {
			in.Prepared = p.loop.prepares.Prepare(in.Record)
		}
	}
	p.loop.post(func() {
		c.ready = true
		p.takeIn()
	})
}

// takeIn moves prepared chunks to the waiting inputs, in the order of fetch
// whatever the order in which the workers ended.
func (p *partition) takeIn() {
	for len(p.chunks) > 0 && p.chunks[0].ready {
		c := p.chunks[0]
		p.chunks[0] = nil
		p.chunks = p.chunks[1:]
		for i := range c.inputs {
			in := &c.inputs[i]
			p.waiting = append(p.waiting, in)
			p.position = in.Record.Offset + 1
			if p.leads && !in.Record.Attrs.IsControl() {
				p.loop.gate.lead(in.Record.Timestamp)
			}
		}
	}
}

// heldUp reports whether what comes next is being prepared for longer than that
// ever takes: it waits for something.
func (p *partition) heldUp(now time.Time) bool {
	if len(p.chunks) == 0 || p.chunks[0].ready {
		return false
	}
	began := p.chunks[0].began.Load()
	return began != nil && now.Sub(*began) > sampleLife
}

// lag is how many offsets lie between the log's end and what is committed.
func (p *partition) lag() int64 {
	return max(0, p.highWater.Load()-p.committed.Load())
}
