package stream

// window is the reorder buffer of one topic-partition: inputs enter in offset
// order, finish in any order and leave in offset order. It is owned by its
// task's loop.
type window struct {
	slots []*Input // a ring, its length a power of two
	head  int
	count int
}

// add appends an input that was taken in.
func (w *window) add(in *Input) {
	if w.count == len(w.slots) {
		w.grow()
	}
	w.slots[(w.head+w.count)&(len(w.slots)-1)] = in
	w.count++
}

// ready reports whether the oldest input has finished.
func (w *window) ready() bool { return w.count > 0 && w.slots[w.head].finished }

// pop takes the oldest input out.
func (w *window) pop() *Input {
	in := w.slots[w.head]
	w.slots[w.head] = nil
	w.head = (w.head + 1) & (len(w.slots) - 1)
	w.count--
	return in
}

func (w *window) grow() {
	bigger := make([]*Input, max(64, 2*len(w.slots)))
	for i := range w.count {
		bigger[i] = w.slots[(w.head+i)&(len(w.slots)-1)]
	}
	w.slots, w.head = bigger, 0
}
