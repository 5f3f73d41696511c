package enrich

import "encoding/binary"

// entry is one decisive fact as the table keeps it; the slice begins with it
// and may go on with others. Layout: flags (1), at (6), app (4), code hash (16),
// then varints of the login's offset and of the lengths of session and sealed
// value, the place of the session's entry before (5, if there is one), session
// and sealed value. The owner is not kept: nobody asks who learned an outcome.
type entry []byte

const (
	entryAt   = 1
	entryApp  = 7
	entryHash = 11
	entryRest = 27
)

// Flags of an entry; the lowest two bits are its kind.
const (
	flagKind    = 0x03
	flagSecond  = 0x04 // the outcome of the second send
	flagLayout2 = 0x08 // sealed under layoutSlim
	flagLinked  = 0x10 // an entry of the session stands before
	flagCrowded = 0x20 // the session has a crowd
)

const (
	linkSize  = 5 // bytes of a place in an entry
	entryMost = entryRest + 3*binary.MaxVarintLen64 + linkSize
)

// appendEntry appends the entry of a fact, behind another of its session if
// before is not 0.
func appendEntry(dst []byte, f *fact, sealed []byte, before place, crowded bool) []byte {
	le := binary.LittleEndian
	flags := byte(f.kind) & flagKind
	flags |= bit(f.attempt == 2, flagSecond) | bit(f.layout == layoutSlim, flagLayout2)
	flags |= bit(before != 0, flagLinked) | bit(crowded, flagCrowded)
	dst = append(dst, flags)
	dst = le.AppendUint32(dst, uint32(f.at))
	dst = le.AppendUint16(dst, uint16(f.at>>32))
	dst = le.AppendUint32(dst, f.app)
	dst = append(dst, f.hash[:]...)
	dst = binary.AppendUvarint(dst, uint64(f.loginOffset))
	dst = binary.AppendUvarint(dst, uint64(len(f.session)))
	dst = binary.AppendUvarint(dst, uint64(len(sealed)))
	if before != 0 {
		dst = le.AppendUint32(dst, uint32(before))
		dst = append(dst, byte(before>>32))
	}
	return append(append(dst, f.session...), sealed...)
}

func bit(set bool, flag byte) byte {
	if set {
		return flag
	}
	return 0
}

func (e entry) kind() factKind { return factKind(e[0] & flagKind) }
func (e entry) hash() codeHash { return codeHash(e[entryHash:entryRest]) }
func (e entry) crowded() bool  { return e != nil && e[0]&flagCrowded != 0 }

// session answers the id of the session; none of no entry.
func (e entry) session() []byte {
	if e == nil {
		return nil
	}
	s := e.spread()
	return s.session
}

// spread is an entry taken apart; its slices are the entry's.
type spread struct {
	fact
	sealed []byte
	before uint64 // as the index has places; 0: none
	size   int    // of the entry
}

func (e entry) spread() (s spread) {
	le := binary.LittleEndian
	s.kind, s.attempt, s.layout = e.kind(), 1, layoutFirst
	if e[0]&flagSecond != 0 {
		s.attempt = 2
	}
	if e[0]&flagLayout2 != 0 {
		s.layout = layoutSlim
	}
	s.at = int64(le.Uint32(e[entryAt:])) | int64(le.Uint16(e[entryAt+4:]))<<32
	s.app = le.Uint32(e[entryApp:])
	s.hash = e.hash()
	at := entryRest
	number := func() uint64 {
		v, n := binary.Uvarint(e[at:])
		at += n
		return v
	}
	s.loginOffset = int64(number())
	session, sealed := int(number()), int(number())
	if e[0]&flagLinked != 0 {
		s.before = uint64(le.Uint32(e[at:])) | uint64(e[at+4])<<32
		at += linkSize
	}
	s.session = e[at : at+session : at+session]
	at += session
	s.size = at + sealed
	s.sealed = e[at:s.size:s.size]
	return s
}
