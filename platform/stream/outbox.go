package stream

import (
	"slices"
	"sync"

	"doustream/platform/sabotage"
)

// outEntry is what leaves a task at one step: outputs, and either the offset
// that they make committable or a callback for their commit.
type outEntry struct {
	records   []*Record
	part      *partition // nil for what was emitted
	next      int64      // offset to commit for part
	epoch     int32      // of the leader that took the input
	bytes     int64      // of the input, for its flow
	committed func()     // nil for none; called from the loop
	joined    bool       // belongs into the transaction of the entry before it
}

// outbox is what a task has retired and the transactor has not committed. An
// abort puts entries back: it never rewinds the inputs. Safe for concurrent use.
type outbox struct {
	wake func() // tells the transactor

	mu      sync.Mutex
	entries []outEntry
	added   uint64 // entries ever put
	settled uint64 // entries ever committed
	dead    bool   // the task was lost: nothing of it may be committed any more
}

// put appends entries and wakes the transactor. The slice is not kept.
func (o *outbox) put(entries []outEntry) {
	o.mu.Lock()
	if !o.dead {
		o.entries = append(o.entries, entries...)
		o.added += uint64(len(entries))
	}
	o.mu.Unlock()
	o.wake()
}

// take moves what is queued to dst, up to the entry with which it has the given
// number of records, and those that are joined to it.
func (o *outbox) take(dst []outEntry, records int) []outEntry {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for ; n < len(o.entries) && (records > 0 || o.entries[n].joined); n++ {
		records -= len(o.entries[n].records)
	}
	dst = append(dst, o.entries[:n]...)
	if sabotage.Reorder {
		slices.Reverse(dst)
	}
	left := copy(o.entries, o.entries[n:])
	clear(o.entries[left:])
	o.entries = o.entries[:left]
	return dst
}

// restore puts the entries of an aborted transaction back in front.
func (o *outbox) restore(entries []outEntry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		return
	}
	o.entries = append(append(make([]outEntry, 0, len(entries)+len(o.entries)), entries...), o.entries...)
}

// settle counts entries as committed.
func (o *outbox) settle(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled += uint64(n)
}

// mark is the count that settled reaches once all that was put is committed.
func (o *outbox) mark() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.added
}

func (o *outbox) reached(mark uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dead || o.settled >= mark
}

// kill drops what is queued, and what is yet to come.
func (o *outbox) kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead = true
	o.entries = nil
}

func (o *outbox) killed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dead
}
