package notify

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"doustream/schemas"
)

// chunkSize is what the arena grows by, and what an entry's position can
// address within a chunk.
const chunkSize = 1 << 16

// position is where an entry stands: chunk number, and offset within it.
type position uint32

func (p position) chunk() int  { return int(p >> 16) }
func (p position) offset() int { return int(p & (chunkSize - 1)) }

// arena holds entries in chunks that are freed as a whole.
//
// An entry: its length (1 byte), the id (16), finishedAt in milliseconds (6),
// status (1), reason (1), then attempts and err_no as varints (err_no plus one
// bit that says whether it is there) and the log id.
type arena struct {
	chunks [][]byte
	free   []int
}

const (
	entryID     = 1
	entryAt     = entryID + 16
	entryStatus = entryAt + 6
	entryReason = entryStatus + 1
	entryRest   = entryReason + 1
	maxLogID    = 64 // of a log id's bytes; longer ones are cut
	maxEntry    = entryRest + 2*binary.MaxVarintLen64 + 2 + maxLogID
)

func (a *arena) id(at position) id { return id(a.chunks[at.chunk()][at.offset()+entryID:][:16]) }

func (a *arena) size(at position) int { return int(a.chunks[at.chunk()][at.offset()]) }

func (a *arena) finishedAt(at position) time.Time {
	var ms [8]byte
	copy(ms[2:], a.chunks[at.chunk()][at.offset()+entryAt:][:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:])))
}

func (a *arena) outcome(at position) outcome {
	entry := a.chunks[at.chunk()][at.offset():][:a.size(at)]
	o := outcome{finishedAt: a.finishedAt(at), status: schemas.Status(entry[entryStatus])}
	o.reason = reasonTexts[entry[entryReason]]
	rest := entry[entryRest:]
	attempts, n := binary.Uvarint(rest)
	o.attempts, rest = int(attempts), rest[n:]
	flag := rest[0]
	rest = rest[1:]
	if flag != 0 {
		no, n := binary.Varint(rest)
		o.errNo, rest = &no, rest[n:]
	}
	o.logID = unpackLogID(rest)
	return o
}

func appendEntry(dst []byte, i id, o outcome) []byte {
	start := len(dst)
	dst = append(dst, 0)
	dst = append(dst, i[:]...)
	ms := binary.BigEndian.AppendUint64(nil, uint64(max(o.finishedAt.UnixMilli(), 0)))
	dst = append(dst, ms[2:]...)
	dst = append(dst, byte(o.status), byte(max(slices.Index(reasonTexts, o.reason), 0)))
	dst = binary.AppendUvarint(dst, uint64(max(o.attempts, 0)))
	if o.errNo == nil {
		dst = append(dst, 0)
	} else {
		dst = binary.AppendVarint(append(dst, 1), *o.errNo)
	}
	dst = appendLogID(dst, o.logID)
	dst[start] = byte(len(dst) - start)
	return dst
}

// appendLogID writes a log id: the platform's are upper-case hexadecimal, which
// packs into half.
func appendLogID(dst []byte, logID string) []byte {
	logID = logID[:min(len(logID), maxLogID)]
	if logID == "" {
		return dst
	}
	if packed, err := hex.DecodeString(logID); err == nil && strings.ToUpper(logID) == logID {
		return append(append(dst, 1), packed...)
	}
	return append(append(dst, 0), logID...)
}

func unpackLogID(packed []byte) string {
	switch {
	case len(packed) == 0:
		return ""
	case packed[0] == 1:
		return strings.ToUpper(hex.EncodeToString(packed[1:]))
	}
	return string(packed[1:])
}

// grow answers the number of an empty chunk.
func (a *arena) grow() int {
	if n := len(a.free); n > 0 {
		c := a.free[n-1]
		a.free = a.free[:n-1]
		a.chunks[c] = make([]byte, 0, chunkSize)
		return c
	}
	a.chunks = append(a.chunks, make([]byte, 0, chunkSize))
	return len(a.chunks) - 1
}

func (a *arena) release(chunk int) {
	a.chunks[chunk] = nil
	a.free = append(a.free, chunk)
}

// outcomeLog is a queue of entries in the arena.
type outcomeLog struct {
	chunks []int // in order; the last one is written to
	first  int   // offset of the head in the first chunk
}

func (l *outcomeLog) empty() bool { return len(l.chunks) == 0 }

func (l *outcomeLog) head(*arena) position {
	return position(l.chunks[0])<<16 | position(l.first)
}

func (l *outcomeLog) append(a *arena, i id, o outcome) position {
	if l.empty() || len(a.chunks[l.chunks[len(l.chunks)-1]])+maxEntry > chunkSize {
		l.chunks = append(l.chunks, a.grow())
	}
	c := l.chunks[len(l.chunks)-1]
	at := position(c)<<16 | position(len(a.chunks[c]))
	a.chunks[c] = appendEntry(a.chunks[c], i, o)
	return at
}

func (l *outcomeLog) pop(a *arena) {
	c := l.chunks[0]
	l.first += a.size(l.head(a))
	if l.first < len(a.chunks[c]) {
		return
	}
	a.release(c)
	l.chunks, l.first = l.chunks[1:], 0
	if len(l.chunks) == 0 {
		l.chunks = nil
	}
}
