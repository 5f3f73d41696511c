package enrich

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"doustream/platform/stream"
	"doustream/schemas"
)

// restoreParked notes an entry of a predecessor. After Open only this task
// writes entries, and has them in memory.
func (t *Task) restoreParked(rec *stream.Record) {
	if _, ok := t.marker(rec); ok || t.opened {
		return
	}
	if len(rec.Value) == 0 {
		delete(t.restored, string(rec.Key))
		return
	}
	t.restored[string(rec.Key)] = bytes.Clone(rec.Value)
}

// unpark takes up what was parked, in the order of the topics.
func (t *Task) unpark() {
	events := make([]*event, 0, len(t.restored))
	for key, sealed := range t.restored {
		e, err := t.openParked(key, sealed)
		if err != nil {
			t.metrics.skip("parked")
			t.logger.Error("skip a record of doustream.parked that does not open", "partition", t.partition, "err", err)
			continue
		}
		events = append(events, e)
	}
	t.restored = nil
	slices.SortFunc(events, func(a, b *event) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.rec.Offset, b.rec.Offset))
	})
	var sessions []*session
	for _, e := range events {
		s := t.activate(string(e.rec.Key))
		if s.idle() {
			sessions = append(sessions, s)
		}
		e.sess = s
		s.parked[e.topic] = append(s.parked[e.topic], e)
		if e.topic == topicLogin {
			s.logins++
		}
		t.count(e, 1)
	}
	for _, s := range sessions {
		t.evaluate(s)
	}
}

func (t *Task) openParked(key string, sealed []byte) (*event, error) {
	plain, err := t.sealing.Open(nil, sealed, purposeParked, aad(t.names.parked, []byte(key)))
	if err != nil {
		return nil, fmt.Errorf("open parked event: %w", err)
	}
	parked, err := schemas.DecodeParkedEvent(plain)
	if err != nil {
		return nil, fmt.Errorf("decode parked event: %w", err)
	}
	topic, ok := t.names.byName[parked.Source.Topic]
	if !ok {
		return nil, fmt.Errorf("open parked event: of topic %q", parked.Source.Topic)
	}
	rec := &stream.Record{
		Topic: parked.Source.Topic, Partition: parked.Source.Partition, Offset: parked.Source.Offset,
		Key: parked.Key, Value: parked.Value, Timestamp: time.UnixMilli(parked.Timestamp),
	}
	for _, h := range parked.Headers {
		rec.Headers = appendHeader(rec.Headers, h.Key, h.Value)
	}
	e := &event{task: t, rec: rec, topic: topic, settled: true, taken: t.now()}
	if topic == topicLogin {
		e.exchange = &exchange{sends: parked.Attempts}
	}
	return e, nil
}
