package notify

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"time"

	"doustream/platform/stream"
	"doustream/schemas"
)

// id names a notification: 16 bytes of a hash over app and notification_id.
// It is the key of its state, and all that is remembered of one that is done.
type id [16]byte

func idOf(appID, notificationID string) id {
	sum := sha256.Sum256([]byte(appID + "|" + notificationID))
	return id(sum[:16])
}

func (i id) partition(n int) int { return int(binary.BigEndian.Uint32(i[:4]) % uint32(max(n, 1))) }

func (i id) String() string { return hex.EncodeToString(i[:]) }

// prepared is what Prepare made of a record.
type prepared struct {
	order     schemas.Order
	rejection *schemas.Rejection // nil: the order is good
}

// Prepare decodes an order and checks what can be checked without state. It is
// called on worker goroutines.
func (t *Task) Prepare(rec *stream.Record) any {
	order, err := schemas.DecodeOrder(rec.Value)
	p := &prepared{order: order}
	if err == nil {
		err = t.check(rec, order)
	}
	if err != nil && !errors.As(err, &p.rejection) {
		p.rejection = schemas.Reject(schemas.ReasonUndecodable, "", "decode order")
	}
	if p.rejection != nil && order.NotificationID == "" {
		p.order.NotificationID = p.rejection.EventID
	}
	return p
}

func (t *Task) check(rec *stream.Record, order schemas.Order) error {
	if len(rec.Value) > t.cfg.OrderBytes {
		return schemas.Reject(schemas.ReasonTooLarge, "", "%d bytes, at most %d", len(rec.Value), t.cfg.OrderBytes)
	}
	if t.apps[order.AppID] == nil {
		return schemas.Reject(schemas.ReasonAppUnknown, "app_id", "not configured")
	}
	for _, key := range t.cfg.Templates[order.TemplateID].Keys {
		if order.Data[key] == "" {
			return schemas.Reject(schemas.ReasonInvalid, "data", "lacks a keyword of its template")
		}
	}
	return nil
}

// expiry is until when an order may be sent: what it says itself, else its
// life counted from the record's timestamp, where that can be believed.
func (t *Task) expiry(rec *stream.Record, order schemas.Order, now time.Time) time.Time {
	if order.ExpiresAt != 0 {
		return millis(order.ExpiresAt)
	}
	published := rec.Timestamp
	if published.UnixMilli() <= 0 || published.After(now) {
		published = now
	}
	return published.Add(t.cfg.OrderLife)
}

func sourceOf(rec *stream.Record) schemas.Source {
	return schemas.Source{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}
}

// millis is a time in milliseconds since 1970; 0 is the zero time.
func millis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func clampInt32(n int) int32 { return int32(min(n, math.MaxInt32)) }
