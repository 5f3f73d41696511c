package enrich

// index leads from the hash of a session's id to the place of its newest entry.
// It is an open-addressing table in pieces, each of which grows by itself and
// by a quarter, so that no growth is a pause and none doubles the memory: a
// session takes 9.4 to 12 bytes, where Go's map takes 17 to 39.
//
// A slot is one word: 24 bits of the hash, then the place. The slots of a piece
// are sorted, since where a slot wants to be follows from its highest bits; so
// a search ends at the first slot that is greater, and a piece is copied in one
// pass that looks at no entry.
type index struct {
	pieces [indexPieces]piece
	count  int
	bytes  int64
}

type piece struct {
	slots []uint64 // 0: free; the last few are room for a run that begins near the end
	home  uint64   // slots that one may want to be at
	count int
}

const (
	indexPieces = 256
	tagBits     = 24
	placeBits   = 64 - tagBits
	slotBytes   = 8
)

// A piece grows when it is fuller than most, and then or when it has emptied
// below least is made anew with room for a quarter more.
const (
	mostFull  = 0.85
	leastFull = 0.40
)

func tagOf(hash uint64) uint64 { return hash << 8 >> placeBits }

func (x *index) piece(hash uint64) *piece { return &x.pieces[hash>>(64-8)] }

// wanted is where a slot with that tag stands if nothing is in its way.
func (p *piece) wanted(tag uint64) uint64 { return tag * p.home >> tagBits }

// find answers the first place under the hash that match accepts; 0: none. What
// has the same 24 bits is another's, once in millions.
func (x *index) find(hash uint64, match func(low uint64) bool) uint64 {
	p, tag := x.piece(hash), tagOf(hash)
	for i := p.first(tag); i < len(p.slots) && p.slots[i] != 0 && p.slots[i]>>placeBits == tag; i++ {
		if low := lowOf(p.slots[i]); match(low) {
			return low
		}
	}
	return 0
}

// first answers where the first slot stands whose tag is not smaller, or the
// free slot where it would.
func (p *piece) first(tag uint64) int {
	i := int(p.wanted(tag))
	for i < len(p.slots) && p.slots[i] != 0 && p.slots[i]>>placeBits < tag {
		i++
	}
	return i
}

func lowOf(slot uint64) uint64 { return slot & (1<<placeBits - 1) }

// put notes a place, in the stead of another if before is not 0.
func (x *index) put(hash, place, before uint64) {
	p, tag := x.piece(hash), tagOf(hash)
	if before != 0 {
		x.take(hash, before)
	}
	for float64(p.count+1) > mostFull*float64(p.home) || !p.insert(tag<<placeBits|place) {
		x.resize(p, p.home+p.home/4+8)
	}
	p.count++
	x.count++
}

// insert keeps the order; false: the run reaches the end, and there is no room.
func (p *piece) insert(slot uint64) bool {
	i := int(p.wanted(slot >> placeBits))
	for i < len(p.slots) && p.slots[i] != 0 && p.slots[i] < slot {
		i++
	}
	end := i
	for end < len(p.slots) && p.slots[end] != 0 {
		end++
	}
	if end >= len(p.slots) {
		return false
	}
	copy(p.slots[i+1:end+1], p.slots[i:end])
	p.slots[i] = slot
	return true
}

// take takes out what stands under the hash with that place, if it does.
func (x *index) take(hash, place uint64) {
	p, slot := x.piece(hash), tagOf(hash)<<placeBits|place
	i := p.first(tagOf(hash))
	for i < len(p.slots) && p.slots[i] != 0 && p.slots[i] < slot {
		i++
	}
	if i >= len(p.slots) || p.slots[i] != slot {
		return
	}
	end := i + 1 // of those that do not stand where they want to
	for end < len(p.slots) && p.slots[end] != 0 && p.wanted(p.slots[end]>>placeBits) < uint64(end) {
		end++
	}
	copy(p.slots[i:], p.slots[i+1:end])
	p.slots[end-1] = 0
	p.count--
	x.count--
}

// shrink gives back what pieces that have emptied occupy.
func (x *index) shrink() {
	for i := range x.pieces {
		if p := &x.pieces[i]; float64(p.count) < leastFull*float64(p.home) {
			x.resize(p, uint64(p.count)+uint64(p.count)/4)
		}
	}
}

// resize copies a piece: its slots are in order already.
func (x *index) resize(p *piece, home uint64) {
	old := p.slots
	x.bytes -= slotBytes * int64(len(old))
	for {
		p.home, p.slots = home, nil
		if home > 0 {
			p.slots = make([]uint64, home+8+home/128)
		}
		if p.fill(old) {
			break
		}
		home += home/4 + 8
	}
	x.bytes += slotBytes * int64(len(p.slots))
}

// fill takes in sorted slots; false: they run over the end.
func (p *piece) fill(sorted []uint64) bool {
	next := 0
	for _, slot := range sorted {
		if slot == 0 {
			continue
		}
		next = max(next, int(p.wanted(slot>>placeBits)))
		if next >= len(p.slots) {
			return false
		}
		p.slots[next] = slot
		next++
	}
	return true
}
