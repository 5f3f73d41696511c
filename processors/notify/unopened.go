package notify

import (
	"bytes"
	"runtime"
	"sync"

	"doustream/platform/stream"
	"doustream/schemas"
)

// unopened is records of the notifications topic that were read and not opened
// yet. Opening is most of what a restore costs, so they are opened many at a
// time on all processors, and taken in afterwards, in the order of the log.
// Owned by the task's loop; its room is used again.
type unopened struct {
	bytes   []byte // keys and values: a record must not be kept
	records []sealedRecord
	entries []entry
}

// sealedRecord is where a record stands in unopened.bytes.
type sealedRecord struct {
	key, value, end int
	partition       int32
	deleted         bool
}

// entry is one record of the notifications topic, opened.
type entry struct {
	id          id
	credit      bool // of the ledger, else of a notification
	deleted     bool
	partition   int32
	stale       bool // sealed under a key that goes out of use
	state       schemas.NotificationState
	creditState schemas.CreditState
	err         error
}

const (
	unopenedRecords = 4096
	unopenedBytes   = 4 << 20
	// unopenedShare is what one goroutine opens at a time.
	unopenedShare = 128
)

func (b *unopened) add(rec *stream.Record) {
	u := sealedRecord{key: len(b.bytes), partition: rec.Partition, deleted: rec.Value == nil}
	b.bytes = append(b.bytes, rec.Key...)
	u.value = len(b.bytes)
	b.bytes = append(b.bytes, rec.Value...)
	u.end = len(b.bytes)
	b.records = append(b.records, u)
}

func (b *unopened) full() bool {
	return len(b.records) >= unopenedRecords || len(b.bytes) >= unopenedBytes
}

func (b *unopened) clear() {
	clear(b.entries) // orders that wait are not held by what was read after them
	b.bytes, b.records, b.entries = b.bytes[:0], b.records[:0], b.entries[:0]
}

// read opens what was added.
func (b *unopened) read(c *codec) []entry {
	if cap(b.entries) < len(b.records) {
		b.entries = make([]entry, len(b.records), unopenedRecords)
	}
	b.entries = b.entries[:len(b.records)]
	shares := make(chan int, len(b.records)/unopenedShare+1)
	for from := 0; from < len(b.records); from += unopenedShare {
		shares <- from
	}
	close(shares)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(shares)) {
		workers.Go(func() {
			var s scratch
			for from := range shares {
				for n := from; n < min(from+unopenedShare, len(b.records)); n++ {
					b.entries[n] = c.entry(&s, b.records[n], b.bytes)
				}
			}
		})
	}
	workers.Wait()
	return b.entries
}

// entry opens one record.
func (c *codec) entry(s *scratch, u sealedRecord, all []byte) (e entry) {
	key, value := all[u.key:u.value], all[u.value:u.end]
	var prefix string
	if prefix, e.id, e.err = parseKey(key); e.err != nil {
		return e
	}
	e.credit, e.deleted, e.partition = prefix == prefixCredit, u.deleted, u.partition
	if e.deleted {
		return e
	}
	purpose := purposeNotification
	if e.credit {
		purpose = purposeCredit
	}
	e.stale = !c.keys.Current(value)
	plain, err := c.openInto(s, c.notifications, key, value, purpose)
	switch {
	case err != nil:
		e.err = err
	case e.credit:
		e.creditState, e.err = schemas.DecodeCreditState(plain)
	default:
		e.state, e.err = schemas.DecodeNotificationState(plain)
		e.state.Order = bytes.Clone(e.state.Order) // it aliases what the next one is opened into
	}
	return e
}
