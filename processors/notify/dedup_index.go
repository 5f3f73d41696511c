package notify

import "encoding/binary"

// index finds an id's position in the arena: 256 open-addressed tables with
// linear probing, each grown by itself so that none takes long. The ids are
// hashes already; the tables hold positions alone.
type index struct {
	arena  *arena
	tables [256]table
	n      int
}

type table struct {
	slots []uint32 // position plus one; 0: empty
	n     int
}

func home(i id, slots int) int {
	return int(binary.LittleEndian.Uint32(i[8:12]) & uint32(slots-1))
}

// find answers the slot of i, or the empty slot where it would stand.
func (x *index) find(t *table, i id) (slot int, found bool) {
	mask := len(t.slots) - 1
	for s := home(i, len(t.slots)); ; s = (s + 1) & mask {
		if t.slots[s] == 0 {
			return s, false
		}
		if x.arena.id(position(t.slots[s]-1)) == i {
			return s, true
		}
	}
}

func (x *index) get(i id) (position, bool) {
	t := &x.tables[i[15]]
	if t.n == 0 {
		return 0, false
	}
	s, ok := x.find(t, i)
	if !ok {
		return 0, false
	}
	return position(t.slots[s] - 1), true
}

func (x *index) put(i id, at position) {
	t := &x.tables[i[15]]
	if (t.n+1)*4 > len(t.slots)*3 {
		x.grow(t)
	}
	s, found := x.find(t, i)
	t.slots[s] = uint32(at) + 1
	if !found {
		t.n++
		x.n++
	}
}

func (x *index) grow(t *table) {
	old := t.slots
	t.slots = make([]uint32, max(2*len(old), 8))
	for _, v := range old {
		if v != 0 {
			s, _ := x.find(t, x.arena.id(position(v-1)))
			t.slots[s] = v
		}
	}
}

// remove closes the gap behind the slot, so that probing needs no tombstones. It
// reports whether the id was there.
func (x *index) remove(i id) bool {
	t := &x.tables[i[15]]
	if t.n == 0 {
		return false
	}
	gap, found := x.find(t, i)
	if !found {
		return false
	}
	t.n--
	x.n--
	mask := len(t.slots) - 1
	for s := (gap + 1) & mask; t.slots[s] != 0; s = (s + 1) & mask {
		from := home(x.arena.id(position(t.slots[s]-1)), len(t.slots))
		if (s-from)&mask >= (s-gap)&mask {
			t.slots[gap] = t.slots[s]
			gap = s
		}
	}
	t.slots[gap] = 0
	return true
}
