package enrich

import (
	"bytes"
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
	index  index
	chunks []*chunk // in the order of writing
	first  uint64   // number of chunks[0]
	crowds map[string]*crowd
	facts  int
	bytes  int64 // of the chunks
	walked int   // entries looked at, ever
}

// place is where an entry lies: number of its chunk and offset in it. Zero is
// nowhere. A number is never used again; the index and the links between
// entries keep its lowest bits, which tell all chunks apart that there are.
type place uint64

type chunk struct {
	bytes  []byte
	newest int64 // ms, of its newest fact
	facts  int
}

const (
	offsetBits = 20
	chunkSize  = 1 << offsetBits
	firstChunk = 16 << 10 // they double from there: a task without sessions takes next to nothing
	chunkMask  = 1<<(placeBits-offsetBits) - 1
)

func newTable() *table {
	return &table{seed: maphash.MakeSeed(), first: 1, crowds: map[string]*crowd{}}
}

// add takes in a decisive fact, unless its code is decided already: the first
// in log order stays. One that is dated after now counts as of now: it must
// not keep what lies beside it for longer.
func (t *table) add(f *fact, sealed []byte, now int64) bool {
	hash := maphash.Bytes(t.seed, f.session)
	newest := t.wide(t.index.find(hash, func(low uint64) bool {
		return string(t.entry(t.wide(low)).session()) == string(f.session)
	}))
	c, decided := t.survey(newest, f)
	if decided {
		return false
	}
	at := t.write(f, sealed, newest, c != nil, now)
	t.index.put(hash, at.low(), newest.low())
	if c != nil {
		c.add(f, at)
	}
	t.facts++
	return true
}

// survey answers whether a fact's code is decided, and the crowd that the
// session has or from now on needs.
func (t *table) survey(newest place, f *fact) (c *crowd, decided bool) {
	head := t.entry(newest)
	if head.crowded() {
		c = t.crowds[string(f.session)]
		_, decided = c.codes[f.hash]
		return c, decided
	}
	_, decided, length := t.walk(newest, f.hash)
	if !decided && length >= crowdFrom {
		c = t.gather(newest, f.session)
	}
	return c, decided
}

// low is a place as the index has it.
func (p place) low() uint64 { return uint64(p) & (1<<placeBits - 1) }

// wide is the inverse of low.
func (t *table) wide(low uint64) place {
	if low == 0 {
		return 0
	}
	ahead := (low>>offsetBits - t.first) & chunkMask
	return place((t.first+ahead)<<offsetBits | low&(chunkSize-1))
}

func (t *table) write(f *fact, sealed []byte, before place, crowded bool, now int64) place {
	c := t.room(entryMost + len(f.session) + len(sealed))
	at := place((t.first+uint64(len(t.chunks))-1)<<offsetBits | uint64(len(c.bytes)))
	c.bytes = appendEntry(c.bytes, f, sealed, before, crowded)
	c.newest = max(c.newest, min(f.at, now))
	c.facts++
	return at
}

// room answers the chunk that takes size more bytes without growing: an entry
// never moves.
func (t *table) room(size int) *chunk {
	if n := len(t.chunks); n > 0 {
		if c := t.chunks[n-1]; cap(c.bytes)-len(c.bytes) >= size {
			return c
		}
	}
	if (t.first+uint64(len(t.chunks)))&chunkMask == 0 { // a place that begins there would be nowhere
		t.chunks = append(t.chunks, &chunk{})
	}
	usual := firstChunk << min(len(t.chunks), offsetBits)
	c := &chunk{bytes: make([]byte, 0, max(min(usual, chunkSize), size))}
	t.chunks = append(t.chunks, c)
	t.bytes += int64(cap(c.bytes))
	return c
}

// newest answers where the newest entry of a session lies.
func (t *table) newest(session []byte) place {
	return t.wide(t.index.find(maphash.Bytes(t.seed, session), func(low uint64) bool {
		return bytes.Equal(t.entry(t.wide(low)).session(), session)
	}))
}

// entry answers the entry at a place; nil: nowhere, or expired.
func (t *table) entry(p place) entry {
	at := uint64(p)>>offsetBits - t.first
	if p == 0 || at >= uint64(len(t.chunks)) {
		return nil
	}
	t.walked++
	return entry(t.chunks[at].bytes[uint64(p)&(chunkSize-1):])
}

// before answers where the entry before lies, of the same session.
func (t *table) before(e entry) place {
	if e[0]&flagLinked == 0 {
		return 0
	}
	s := e.spread()
	return t.wide(s.before)
}

// decided answers the outcome of a code.
func (t *table) decided(session []byte, hash codeHash) (entry, bool) {
	newest := t.newest(session)
	if t.entry(newest).crowded() {
		at, ok := t.crowds[string(session)].codes[hash]
		return t.entry(at), ok
	}
	e, ok, _ := t.walk(newest, hash)
	return e, ok
}

// walk looks for a code among the entries of a session, and counts them.
func (t *table) walk(at place, hash codeHash) (found entry, ok bool, length int) {
	for e := t.entry(at); e != nil; e = t.entry(at) {
		length++
		if e.hash() == hash {
			return e, true, length
		}
		at = t.before(e)
	}
	return nil, false, length
}

// expire forgets the chunks whose facts are all older than before (ms).
func (t *table) expire(before int64) {
	gone := 0
	for ; gone < len(t.chunks)-1 && t.chunks[gone].newest < before; gone++ {
		c := t.chunks[gone]
		number := t.first + uint64(gone)
		for at := 0; at < len(c.bytes); {
			s := entry(c.bytes[at:]).spread()
			t.index.take(maphash.Bytes(t.seed, s.session), place(number<<offsetBits|uint64(at)).low())
			at += s.size
		}
		t.facts -= c.facts
		t.bytes -= int64(cap(c.bytes))
	}
	if gone == 0 {
		return
	}
	clear(t.chunks[:gone])
	t.chunks = append([]*chunk(nil), t.chunks[gone:]...)
	t.first += uint64(gone)
	t.index.shrink()
	t.disperse()
}

// size is about how many bytes of memory the table takes.
func (t *table) size() int64 { return t.bytes + t.index.bytes }
