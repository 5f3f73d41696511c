package enrich

import (
	"fmt"
	"slices"

	"doustream/platform/stream"
	"doustream/schemas"
)

// Why an event is parked.
const (
	whyBehind   = "behind"   // an earlier one of its session and topic
	whySession  = "session"  // its session, or the one with the right key
	whyPlatform = "platform" // the outcome of its code
)

const purposeParked = "parked"

// tally counts what is parked of one topic.
type tally struct {
	records int
	bytes   int64
	held    bool
}

// park sets an event aside: its entry leaves in its place, and the window goes
// on. It stays in memory as well, with a copy of its bytes.
func (t *Task) park(e *event, why string) {
	if e.sess == nil {
		e.sess = t.activate(e.p.event.SessionID)
		e.sess.waiting = append(e.sess.waiting, e)
	}
	e.state = stateParking
	var entry, copied *stream.Record
	var err error
	parkedAt, attempts := t.now(), int32(0)
	if e.exchange != nil {
		attempts = e.exchange.sends
	}
	t.work(func() {
		if entry, err = t.parkedEntry(e, why, parkedAt, attempts); err == nil {
			copied = copyRecord(e.rec)
		}
	}, func() { t.setAside(e, entry, copied, err) })
}

// setAside takes the event into the parked ones. Its place in the queue is
// taken before Done hands over the next of its session and topic.
func (t *Task) setAside(e *event, entry, copied *stream.Record, err error) {
	if t.closed {
		return
	}
	e.state = stateIdle
	if err != nil || recordSize(entry) > t.cfg.LargestRecord {
		t.end(e, schemas.ReasonTooLarge, stagePark)
		return
	}
	s := e.sess
	s.stopWaiting(e)
	s.setAside(e, copied.Offset)
	e.rec = copied
	if e.topic == topicLogin {
		e.p.event.Payload = nil // it was read, and is a fetch's
		t.leftWindow(e, s)
	} else {
		e.p = nil
	}
	t.metrics.parkedOne(e.topic)
	offset := copied.Offset
	t.done(e, []*stream.Record{entry}, func() {
		if e.topic == topicLogin {
			t.frontier = max(t.frontier, offset+1)
		}
		e.settled = true
		t.count(e, 1)
		t.decide(e)
		if e.topic == topicLogin {
			t.evaluate(s) // what waited with it in the window
		}
	})
}

// resume lets the outputs of a parked event leave together with the tombstone
// of its entry, and turns to the next of its queue.
func (t *Task) resume(e *event, out []*stream.Record) {
	s := e.sess
	queue := s.parked[e.topic]
	queue[0] = nil
	s.parked[e.topic] = queue[1:]
	t.count(e, -1)
	tombstone := &stream.Record{Topic: t.names.parked, Partition: t.partition, Key: parkedKey(e.rec)}
	t.loop.Emit(append(slices.Clip(out), tombstone), nil)
	if e.topic == topicLogin {
		s.logins--
		t.loop.Post(func() { t.evaluate(s) })
		return
	}
	if len(s.parked[e.topic]) > 0 {
		next := s.parked[e.topic][0]
		t.loop.Post(func() { t.decide(next) })
	}
	t.forget(s)
}

// count keeps the tally of a topic, and pauses the topic at the bound. Only
// what has retired counts: the entry of another may wait in the window for an
// input before it, which a paused topic does not hand over.
func (t *Task) count(e *event, by int) {
	n := &t.parked[e.topic]
	if by > 0 {
		e.size = int64(recordSize(e.rec)) + parkedOverhead + int64(len(e.rec.Headers))*headerOverhead
	}
	n.records += by
	n.bytes += int64(by) * e.size
	t.metrics.parked[e.topic].Add(float64(by))
	full := n.records >= t.cfg.ParkedRecords || n.bytes >= t.cfg.ParkedBytes
	if full == n.held {
		return
	}
	n.held = full
	if full {
		t.loop.Hold(t.names.inputs[e.topic])
	} else {
		t.loop.Release(t.names.inputs[e.topic])
	}
}

// What a parked event, and each of its headers, takes beside its bytes, about.
const (
	parkedOverhead = 512
	headerOverhead = 40
)

// parkedKey is where an event came from: one entry for each.
func parkedKey(rec *stream.Record) []byte {
	return []byte(schemas.Source{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}.String())
}

func (p *processor) parkedEntry(e *event, why string, at int64, attempts int32) (*stream.Record, error) {
	parked := schemas.ParkedEvent{
		Source: e.source(), Key: e.rec.Key, Value: e.rec.Value, Timestamp: e.timestamp(),
		EventID: e.p.event.EventID, SessionID: e.p.event.SessionID, Why: why, ParkedAt: at, Attempts: attempts,
	}
	for _, h := range e.rec.Headers {
		parked.Headers = append(parked.Headers, schemas.Header{Key: h.Key, Value: h.Value})
	}
	plain, err := parked.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode parked event: %w", err)
	}
	key := parkedKey(e.rec)
	value, err := p.sealing.Seal(nil, plain, purposeParked, aad(p.names.parked, key))
	if err != nil {
		return nil, fmt.Errorf("seal parked event: %w", err)
	}
	return &stream.Record{Topic: p.names.parked, Partition: e.rec.Partition, Key: key, Value: value}, nil
}
