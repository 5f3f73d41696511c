package notify

import (
	"encoding/hex"
	"errors"
	"fmt"

	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// Keys in the notifications topic: a prefix that tells what the value is, and
// the hexadecimal id. The id is a hash so that the record of a notification
// whose life is over can be deleted by what is still remembered of it.
const (
	prefixNotification = "n|"
	prefixCredit       = "c|"
)

// Purposes that the state is sealed for.
const (
	purposeNotification = "notification"
	purposeCredit       = "credit"
	purposeToken        = "token"
)

var errStateKey = errors.New("no key of notify's")

// codec seals and opens state records.
type codec struct {
	keys          *secrets.Keyring
	notifications string
	tokens        string
	partitions    int // of the notifications topic
	tokenParts    int
}

// aad binds a sealed value to its place; it is appended to dst.
func aad(dst []byte, topic string, key []byte) []byte {
	dst = append(append(dst, topic...), 0)
	return append(append(dst, key...), "\x00v1"...)
}

func (c *codec) seal(topic string, key, plain []byte, purpose string, partition int) (*stream.Record, error) {
	value, err := c.keys.Seal(nil, plain, purpose, aad(nil, topic, key))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", purpose, err)
	}
	return &stream.Record{Topic: topic, Partition: int32(partition), Key: key, Value: value}, nil
}

func (c *codec) open(rec *stream.Record, purpose string) ([]byte, error) {
	return c.openInto(&scratch{}, rec.Topic, rec.Key, rec.Value, purpose)
}

// scratch is room that is used again for each record.
type scratch struct{ aad, plain []byte }

// openInto is open; what it answers is good until the next call with s.
func (c *codec) openInto(s *scratch, topic string, key, value []byte, purpose string) ([]byte, error) {
	s.aad = aad(s.aad[:0], topic, key)
	plain, err := c.keys.Open(s.plain[:0], value, purpose, s.aad)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", purpose, err)
	}
	s.plain = plain
	return plain, nil
}

func idKey(prefix string, i id) []byte { return hex.AppendEncode([]byte(prefix), i[:]) }

// parseKey reads a key of the notifications topic.
func parseKey(key []byte) (prefix string, i id, err error) {
	if len(key) != 2+2*len(i) {
		return "", i, errStateKey
	}
	if _, err := hex.Decode(i[:], key[2:]); err != nil {
		return "", i, errStateKey
	}
	return string(key[:2]), i, nil
}

func (c *codec) notification(i id, s *schemas.NotificationState) (*stream.Record, error) {
	plain, err := s.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode notification state: %w", err)
	}
	return c.seal(c.notifications, idKey(prefixNotification, i), plain, purposeNotification, i.partition(c.partitions))
}

func (c *codec) tombstone(prefix string, i id, partition int32) *stream.Record {
	return &stream.Record{Topic: c.notifications, Partition: partition, Key: idKey(prefix, i)}
}

// home is the partition that a record of the notifications topic belongs to.
func (c *codec) home(i id) int32 { return int32(i.partition(c.partitions)) }

func (c *codec) credit(i id, s schemas.CreditState) (*stream.Record, error) {
	plain, err := s.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode credit state: %w", err)
	}
	return c.seal(c.notifications, idKey(prefixCredit, i), plain, purposeCredit, i.partition(c.partitions))
}

// tokenKey is the key of an app's token, announceKey that of the announcement
// of its fetch: two keys, or compaction would drop the token that is good for
// the announcement of the next. Both stand in one partition, in order.
func tokenKey(appID, kind string) []byte    { return []byte(appID + "|" + kind) }
func announceKey(appID, kind string) []byte { return []byte(appID + "|" + kind + "|fetch") }

func (c *codec) token(t *schemas.TokenRecord) (*stream.Record, error) {
	plain, err := t.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode token: %w", err)
	}
	key := tokenKey(t.AppID, t.TokenKind)
	if t.FetchedAt == 0 {
		key = announceKey(t.AppID, t.TokenKind)
	}
	return c.seal(c.tokens, key, plain, purposeToken, c.tokenPartition(t.AppID, t.TokenKind))
}

func (c *codec) readToken(rec *stream.Record) (schemas.TokenRecord, error) {
	plain, err := c.open(rec, purposeToken)
	if err != nil {
		return schemas.TokenRecord{}, err
	}
	return schemas.DecodeTokenRecord(plain)
}

func (c *codec) tokenTombstone(appID, kind string) *stream.Record {
	return &stream.Record{
		Topic: c.tokens, Partition: int32(c.tokenPartition(appID, kind)), Key: tokenKey(appID, kind),
	}
}

func (c *codec) tokenPartition(appID, kind string) int {
	return idOf(appID, kind).partition(c.tokenParts)
}
