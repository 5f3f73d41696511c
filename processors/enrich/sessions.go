package enrich

import (
	"encoding/binary"
	"hash/maphash"
)

// table keeps the decisive facts of sessions: for each code the first RESULT
// or FAILED of the log, sealed as it lay there. Entries are written one after
// another into chunks of bytes, and an index without pointers leads to the
// newest entry of a session, which leads to the one before: millions of
// sessions are a few thousand objects to the collector. Facts come in order of
// time, near enough, so that the oldest chunk expires as a whole. The task's
// loop alone uses it; a sealed value that was taken out stays good.
type table struct {
	seed   maphash.Seed
	index  map[uint64]place // by hash of the session's id
	chunks map[uint32]*chunk
	first  uint32 // oldest chunk
	last   uint32 // the one being written
	facts  int
	bytes  int64
}

// place is where an entry lies: chunk number and offset. Zero is nowhere.
type place uint64

type chunk struct {
	bytes  []byte
	newest int64 // ms, of its newest fact
	facts  int
}

const chunkSize = 1 << 20

// An entry: place of the entry before (8), login offset (8), at (8), owner (8),
// app (4), kind, attempt (2), code hash (16), lengths of session (2) and
// value (4), then session and value.
const (
	entryNext    = 0
	entryLogin   = 8
	entryAt      = 16
	entryOwner   = 24
	entryApp     = 32
	entryKind    = 36
	entryAttempt = 37
	entryHash    = 38
	entrySession = 54
	entryValue   = 56
	entrySize    = 60
)

func newTable() *table {
	return &table{seed: maphash.MakeSeed(), index: map[uint64]place{}, chunks: map[uint32]*chunk{}, first: 1, last: 0}
}

// add takes in a decisive fact, unless its code is decided already: the first
// in log order stays.
func (t *table) add(f *fact, sealed []byte) bool {
	if _, ok := t.decided(string(f.session), f.hash); ok {
		return false
	}
	slot := t.slot(string(f.session))
	size := entrySize + len(f.session) + len(sealed)
	c := t.room(size)
	at := len(c.bytes)
	c.bytes = append(c.bytes, make([]byte, entrySize)...)
	c.bytes = append(append(c.bytes, f.session...), sealed...)
	entry(c.bytes[at:]).fill(f, t.index[slot], len(sealed))
	c.newest = max(c.newest, f.at)
	c.facts++
	t.index[slot] = place(t.last)<<32 | place(at)
	t.facts++
	return true
}

func (t *table) slot(session string) uint64 { return maphash.String(t.seed, session) }

// room answers the chunk that takes size more bytes without growing: an entry
// never moves.
func (t *table) room(size int) *chunk {
	if c := t.chunks[t.last]; c != nil && cap(c.bytes)-len(c.bytes) >= size {
		return c
	}
	t.last++
	c := &chunk{bytes: make([]byte, 0, max(chunkSize, size))}
	t.chunks[t.last] = c
	t.bytes += int64(cap(c.bytes))
	return c
}

func (e entry) fill(f *fact, next place, value int) {
	le := binary.LittleEndian
	le.PutUint64(e[entryNext:], uint64(next))
	le.PutUint64(e[entryLogin:], uint64(f.loginOffset))
	le.PutUint64(e[entryAt:], uint64(f.at))
	le.PutUint64(e[entryOwner:], f.owner)
	le.PutUint32(e[entryApp:], f.app)
	e[entryKind], e[entryAttempt] = byte(f.kind), f.attempt
	copy(e[entryHash:], f.hash[:])
	le.PutUint16(e[entrySession:], uint16(len(f.session)))
	le.PutUint32(e[entryValue:], uint32(value))
}

// entry is a view of one fact in a chunk.
type entry []byte

func (e entry) next() place        { return place(binary.LittleEndian.Uint64(e[entryNext:])) }
func (e entry) loginOffset() int64 { return int64(binary.LittleEndian.Uint64(e[entryLogin:])) }
func (e entry) at() int64          { return int64(binary.LittleEndian.Uint64(e[entryAt:])) }
func (e entry) app() uint32        { return binary.LittleEndian.Uint32(e[entryApp:]) }
func (e entry) kind() factKind     { return factKind(e[entryKind]) }
func (e entry) hash() codeHash     { return codeHash(e[entryHash : entryHash+16]) }

func (e entry) session() []byte {
	return e[entrySize : entrySize+int(binary.LittleEndian.Uint16(e[entrySession:]))]
}

func (e entry) sealed() []byte {
	start := entrySize + int(binary.LittleEndian.Uint16(e[entrySession:]))
	return e[start : start+int(binary.LittleEndian.Uint32(e[entryValue:]))]
}

// head is the fact without its sealed part.
func (e entry) head() fact {
	return fact{
		session: e.session(), hash: e.hash(), kind: e.kind(), attempt: e[entryAttempt],
		app: e.app(), owner: binary.LittleEndian.Uint64(e[entryOwner:]), loginOffset: e.loginOffset(), at: e.at(),
	}
}

// newest answers where the newest entry under a session's slot lies. Entries
// of another session may share the slot: callers compare.
func (t *table) newest(session string) place { return t.index[t.slot(session)] }

// entry answers the entry at a place; nil: nowhere, or expired.
func (t *table) entry(p place) entry {
	c := t.chunks[uint32(p>>32)]
	if p == 0 || c == nil {
		return nil
	}
	return entry(c.bytes[uint32(p):])
}

// decided answers the outcome of a code.
func (t *table) decided(session string, hash codeHash) (entry, bool) {
	for e := t.entry(t.newest(session)); e != nil; e = t.entry(e.next()) {
		if e.hash() == hash && string(e.session()) == session {
			return e, true
		}
	}
	return nil, false
}

// expire forgets the chunks whose facts are all older than before (ms).
func (t *table) expire(before int64) {
	for ; t.first < t.last && t.chunks[t.first].newest < before; t.first++ {
		c := t.chunks[t.first]
		delete(t.chunks, t.first)
		for at := 0; at < len(c.bytes); {
			e := entry(c.bytes[at:])
			slot := t.slot(string(e.session()))
			if uint32(t.index[slot]>>32) == t.first {
				delete(t.index, slot)
			}
			at += entrySize + len(e.session()) + len(e.sealed())
		}
		t.facts -= c.facts
		t.bytes -= int64(cap(c.bytes))
	}
}
