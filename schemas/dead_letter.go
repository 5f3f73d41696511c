package schemas

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Headers of a dead letter. Its key and value are those of the record that it
// was.
const (
	HeaderReason          = "doustream.reason"
	HeaderStage           = "doustream.stage"
	HeaderRole            = "doustream.role"
	HeaderEventID         = "doustream.event_id"
	HeaderSource          = "doustream.source"           // topic/partition/offset
	HeaderSourceTimestamp = "doustream.source.timestamp" // ms, of the input record
	HeaderAttempts        = "doustream.attempts"
	HeaderFailedAt        = "doustream.failed_at" // ms
)

// DeadLetter is what a dead letter's headers say.
type DeadLetter struct {
	Reason          Reason
	Stage           string // the step that gave up: decode, exchange, join, decrypt, …
	Role            string // enrich, notify or sink
	EventID         string // empty: could not be read
	Source          Source
	SourceTimestamp int64 // ms
	Attempts        int32
	FailedAt        int64 // ms
}

// Headers answers d as headers, in a fixed order.
func (d DeadLetter) Headers() []Header {
	headers := []Header{
		{HeaderReason, []byte(d.Reason)},
		{HeaderStage, []byte(d.Stage)},
		{HeaderRole, []byte(d.Role)},
		{HeaderSource, []byte(d.Source.String())},
		{HeaderSourceTimestamp, strconv.AppendInt(nil, d.SourceTimestamp, 10)},
		{HeaderAttempts, strconv.AppendInt(nil, int64(d.Attempts), 10)},
		{HeaderFailedAt, strconv.AppendInt(nil, d.FailedAt, 10)},
	}
	if d.EventID != "" {
		headers = append(headers, Header{HeaderEventID, []byte(d.EventID)})
	}
	return headers
}

// DecodeDeadLetter reads what Headers wrote; other headers are passed over,
// and of a repeated one the last counts. Reason and source are required.
func DecodeDeadLetter(headers []Header) (DeadLetter, error) {
	var d DeadLetter
	var faults []error
	for _, h := range headers {
		if err := d.set(h.Key, string(h.Value)); err != nil {
			faults = append(faults, fmt.Errorf("read header %s: %w", h.Key, err))
		}
	}
	if d.Reason == "" {
		faults = append(faults, errors.New("read dead letter: no header "+HeaderReason))
	}
	if d.Source.Topic == "" {
		faults = append(faults, errors.New("read dead letter: no header "+HeaderSource))
	}
	return d, errors.Join(faults...)
}

func (d *DeadLetter) set(key, value string) (err error) {
	switch key {
	case HeaderReason:
		d.Reason = Reason(value)
	case HeaderStage:
		d.Stage = value
	case HeaderRole:
		d.Role = value
	case HeaderEventID:
		d.EventID = value
	case HeaderSource:
		d.Source, err = ParseSource(value)
	case HeaderSourceTimestamp:
		d.SourceTimestamp, err = strconv.ParseInt(value, 10, 64)
	case HeaderAttempts:
		var n int64
		n, err = strconv.ParseInt(value, 10, 32)
		d.Attempts = int32(n)
	case HeaderFailedAt:
		d.FailedAt, err = strconv.ParseInt(value, 10, 64)
	}
	return err
}

// String is topic/partition/offset.
func (s Source) String() string {
	return s.Topic + "/" + strconv.Itoa(int(s.Partition)) + "/" + strconv.FormatInt(s.Offset, 10)
}

// ParseSource reads topic/partition/offset.
func ParseSource(text string) (Source, error) {
	rest, offset, ok := cutLast(text)
	topic, partition, ok2 := cutLast(rest)
	if !ok || !ok2 || topic == "" {
		return Source{}, errors.New("parse source: not topic/partition/offset")
	}
	p, err := strconv.ParseInt(partition, 10, 32)
	if err != nil {
		return Source{}, fmt.Errorf("parse source's partition: %w", errors.Unwrap(err))
	}
	o, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return Source{}, fmt.Errorf("parse source's offset: %w", errors.Unwrap(err))
	}
	return Source{Topic: topic, Partition: int32(p), Offset: o}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
