package enrich

import (
	"bytes"
	"errors"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// The steps that a dead letter names.
const (
	stageDecode   = "decode"
	stageExchange = "exchange"
	stageJoin     = "join"
	stageDecrypt  = "decrypt"
	stagePark     = "park"
	stageEncode   = "encode"
)

const role = "enrich"

// deadLetter builds the dead letter of an event.
func (t *Task) deadLetter(e *event, reason schemas.Reason, stage string) *stream.Record {
	d := schemas.DeadLetter{
		Reason: reason, Stage: stage, Role: role, Source: e.source(),
		SourceTimestamp: e.timestamp(), FailedAt: t.now(),
	}
	if e.p != nil {
		d.EventID = e.p.event.EventID
		if e.p.rejected != nil {
			d.EventID = e.p.rejected.EventID
		}
	}
	if e.exchange != nil {
		d.Attempts = e.exchange.sends
	}
	return t.output.DeadLetter(e.rec, d)
}

// headers are a record's; the type is the client's, which this package does
// not see.
func appendHeader[H ~[]E, E ~struct {
	Key   string
	Value []byte
}](headers H, key string, value []byte) H {
	return append(headers, E{Key: key, Value: value})
}

// copyRecord answers a copy that shares no bytes: a record's lie in the batch
// that it was fetched with, all of which it would keep.
func copyRecord(rec *stream.Record) *stream.Record {
	out := &stream.Record{
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp,
		Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value),
	}
	for _, h := range rec.Headers {
		out.Headers = appendHeader(out.Headers, h.Key, bytes.Clone(h.Value))
	}
	return out
}

// recordSize is the size of a record's parts, in bytes.
func recordSize(rec *stream.Record) int {
	n := len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// detailOf answers what platform support asks for.
func detailOf(err error) (errNo int64, logID string) {
	var e *douyin.Error
	if errors.As(err, &e) {
		return e.No, e.LogID
	}
	return 0, ""
}

// prepareAgain decodes a parked event once more: only its bytes were kept.
func (t *Task) prepareAgain(e *event) {
	e.state = stateWorking
	var p *prepared
	t.work(func() { p = t.prepare(e.rec) }, func() {
		e.state = stateIdle
		e.p = p
		t.decide(e)
	})
}
