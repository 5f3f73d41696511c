package main

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// evidence is everything that the oracle judges by.
type evidence struct {
	keys      readerKeys
	inputs    []input
	sent      []traffic.Sent
	outputs   []sighting
	garbled   []string // outputs that cannot be read
	consents  []consent
	enforced  bool // a message leaves only on a credit of the ledger
	rows      []outcome
	users     []userRow
	verify    []string // what doustream verify said, if it was not content
	asked     bool     // whether ClickHouse was
	codes     []douyintest.CodeHistory
	codeFacts []codeFact // what doustream wrote down of them
	messages  []douyintest.Message
	fetches   []douyintest.TokenFetch
	tokens    []heldToken
	tokenLife time.Duration
	spans     []span // when somebody suffered
	leaks     []string
	behind    []string     // what was answered and is not committed
	ends      []processEnd // of doustream processes
	unready   []string     // those that never came back
	open      []string     // partitions of results with a transaction that does not end
}

// input is one record of an input topic, as it lies there.
type input struct {
	source schemas.Source
	id     string // event_id or notification_id, if it is JSON that says so
	digest digest
}

// digest is a hash of a record's key and value.
type digest [sha256.Size]byte

func digestOf(rec *kgo.Record) digest {
	return sha256.Sum256(append(fmt.Appendf(nil, "%d|%s|", len(rec.Key), rec.Key), rec.Value...))
}

// sighting is one record of an output topic, in the order of its partition.
type sighting struct {
	topic     string
	partition int32
	source    schemas.Source
	what      string // kind, status or reason
	digest    digest // of a dead letter
	enriched  bool
	at        time.Time // the record's
	id        string    // event_id or notification_id
	app       string
	session   string
	openID    string
	occurred  int64             // ms
	says      map[string]string // what an enriched record tells, opened
}

// consent is one record of doustream.consents: what a user said to a template.
type consent struct {
	at                    time.Time // the record's
	source                schemas.Source
	app, openID, template string
	status                schemas.ConsentStatus
	occurred              int64 // ms
}
