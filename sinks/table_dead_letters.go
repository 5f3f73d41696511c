package sinks

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// reasonForeign stands for a record of the dead-letters topic that doustream has
// not written: it has no headers of ours.
const reasonForeign = "foreign"

// deadLetterRows writes the facts of dead letters, never their payload, into
// dead_letters.
type deadLetterRows struct {
	eventID                          text
	reason, stage, role, sourceTopic *word
	sourcePartition, attempts        numberColumn[int32]
	sourceOffset, sourceTimestamp    numberColumn[int64]
	failedAt                         numberColumn[int64]
	valueBytes                       numberColumn[uint64]
}

func newDeadLetterRows() *deadLetterRows {
	return &deadLetterRows{reason: newDictionary(), stage: newDictionary(), role: newDictionary(), sourceTopic: newDictionary()}
}

func (r *deadLetterRows) columns() []namedColumn {
	return []namedColumn{
		{"reason", r.reason},
		{"stage", r.stage},
		{"role", r.role},
		{"event_id", &r.eventID},
		{"source_topic", r.sourceTopic},
		{"source_partition", &r.sourcePartition},
		{"source_offset", &r.sourceOffset},
		{"source_timestamp", &r.sourceTimestamp},
		{"attempts", &r.attempts},
		{"failed_at", &r.failedAt},
		{"value_bytes", &r.valueBytes},
	}
}

// write takes every record: one whose headers cannot be read is a row as well,
// as far as it can be read. A dead letter that ended as a dead letter would go
// round for ever.
func (r *deadLetterRows) write(rec *kgo.Record) error {
	headers := make([]schemas.Header, len(rec.Headers))
	for i, h := range rec.Headers {
		headers[i] = schemas.Header{Key: h.Key, Value: h.Value}
	}
	d, err := schemas.DecodeDeadLetter(headers)
	if err != nil && d.Reason == "" {
		d.Reason = reasonForeign
	}
	r.reason.append(string(d.Reason))
	r.stage.append(d.Stage)
	r.role.append(d.Role)
	r.eventID.append(d.EventID)
	r.sourceTopic.append(d.Source.Topic)
	r.sourcePartition.append(d.Source.Partition)
	r.sourceOffset.append(d.Source.Offset)
	r.sourceTimestamp.append(clampTime(d.SourceTimestamp))
	r.attempts.append(d.Attempts)
	r.failedAt.append(clampTime(d.FailedAt))
	r.valueBytes.append(uint64(len(rec.Value)))
	return nil
}
