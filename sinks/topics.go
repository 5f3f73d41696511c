package sinks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

const (
	// deadLetterMaxBytes bounds a dead letter's key, value and headers: Kafka's
	// default for a record batch (1 MiB and 12 bytes) and the 64 KiB that the
	// dead-letters topic takes beyond its inputs, less room for the batch's own
	// framing.
	deadLetterMaxBytes = 1048588 + 64<<10 - 512
	// keptHeaderBytes bounds the original headers that a dead letter keeps.
	keptHeaderBytes = 16 << 10
	// doustreamHeaders begins the names of the headers that only doustream sets.
	doustreamHeaders = "doustream."
)

// TopicsConfig says how output records are made. Zero values of the bounds take
// the defaults named.
type TopicsConfig struct {
	Prefix  string           // of every topic's name
	Encoder *schemas.Encoder // of enriched users and results
	// MaxBytes bounds a dead letter's key, value and headers together; what is
	// larger leaves as headers alone. Default 1 MiB and just under 64 KiB. The
	// producing client's kgo.ProducerBatchMaxBytes and the topic's
	// max.message.bytes must be at least 512 bytes more.
	MaxBytes int
}

// Topics builds the records of the output topics. It produces nothing itself:
// the records leave in the transaction of the role that made them. Safe for
// concurrent use.
type Topics struct {
	users, results, consents, deadLetters string

	encoder  *schemas.Encoder
	maxBytes int
}

// NewTopics makes a Topics. An encoder is required.
func NewTopics(cfg TopicsConfig) (*Topics, error) {
	if cfg.Encoder == nil {
		return nil, errors.New("make output topics: no encoder")
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = deadLetterMaxBytes
	}
	return &Topics{
		users:       cfg.Prefix + schemas.TopicUsers,
		results:     cfg.Prefix + schemas.TopicResults,
		consents:    cfg.Prefix + schemas.TopicConsents,
		deadLetters: cfg.Prefix + schemas.TopicDeadLetters,
		encoder:     cfg.Encoder,
		maxBytes:    cfg.MaxBytes,
	}, nil
}

// Enriched makes the record of one enriched user, keyed by its open_id, or by
// its anonymous_open_id where it has none. A user without either is an error.
func (t *Topics) Enriched(u *schemas.EnrichedUser) (*kgo.Record, error) {
	key := u.OpenID
	if key == "" {
		key = u.AnonymousOpenID
	}
	if key == "" {
		return nil, errors.New("encode enriched user: neither open_id nor anonymous_open_id")
	}
	value, err := t.encoder.EnrichedUser(nil, u)
	if err != nil {
		return nil, fmt.Errorf("encode enriched user: %w", err)
	}
	both := append(value, key...) // most often in the same room
	return &kgo.Record{Topic: t.users, Key: both[len(value):], Value: both[:len(value):len(value)]}, nil
}

// Result makes the record of what became of one order, keyed by its
// notification_id.
func (t *Topics) Result(r *schemas.NotificationResult) (*kgo.Record, error) {
	value, err := t.encoder.NotificationResult(nil, r)
	if err != nil {
		return nil, fmt.Errorf("encode notification result: %w", err)
	}
	return &kgo.Record{Topic: t.results, Key: []byte(r.NotificationID), Value: value}, nil
}

// Consent makes the record of one user's answer to one template, keyed by
// app_id|open_id, so that a user's answers stay in their order.
func (t *Topics) Consent(f schemas.ConsentFact) (*kgo.Record, error) {
	value, err := f.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode consent: %w", err)
	}
	return &kgo.Record{Topic: t.consents, Key: []byte(f.AppID + "|" + f.OpenID), Value: value}, nil
}

// DeadLetter makes the dead letter of src: key and value as they were, its own
// headers as far as 16 KiB go, then the headers of d. Where d leaves its source
// open, src's position and timestamp are put in. What is larger than MaxBytes
// leaves without key, value and original headers, as too_large.
func (t *Topics) DeadLetter(src *kgo.Record, d schemas.DeadLetter) *kgo.Record {
	if d.Source.Topic == "" {
		d.Source = schemas.Source{Topic: src.Topic, Partition: src.Partition, Offset: src.Offset}
	}
	if d.SourceTimestamp == 0 && !src.Timestamp.IsZero() {
		d.SourceTimestamp = src.Timestamp.UnixMilli()
	}
	ours := recordHeaders(d)
	rec := &kgo.Record{
		Topic: t.deadLetters, Key: src.Key, Value: src.Value,
		Headers: append(keptHeaders(src.Headers), ours...),
	}
	if recordBytes(rec) > t.maxBytes {
		d.Reason = schemas.ReasonTooLarge
		rec.Key, rec.Value, rec.Headers = nil, nil, recordHeaders(d)
	}
	return rec
}

func recordHeaders(d schemas.DeadLetter) []kgo.RecordHeader {
	headers := d.Headers()
	out := make([]kgo.RecordHeader, len(headers))
	for i, h := range headers {
		out[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return out
}

// keptHeaders are the original headers, in order, that fit the bound. Headers
// in doustream's own name are left out: a dead letter says one thing about
// itself, and a producer cannot say it for us.
func keptHeaders(headers []kgo.RecordHeader) []kgo.RecordHeader {
	kept := make([]kgo.RecordHeader, 0, len(headers)+8)
	room := keptHeaderBytes
	for _, h := range headers {
		size := len(h.Key) + len(h.Value)
		if strings.HasPrefix(h.Key, doustreamHeaders) || size > room {
			continue
		}
		room -= size
		kept = append(kept, h)
	}
	return kept
}

// recordBytes is what a record takes on the wire, lengths (varints of five
// bytes at most) included.
func recordBytes(rec *kgo.Record) int {
	n := len(rec.Key) + len(rec.Value) + 32
	for _, h := range rec.Headers {
		n += len(h.Key) + len(h.Value) + 10
	}
	return n
}
