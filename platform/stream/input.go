package stream

import "hash/maphash"

// input is the runtime's side of a record under way. Owned by the task's loop
// once it was taken in.
type input struct {
	loop     *loop
	part     *partition
	next     *Input // of the same key, waiting for this one
	key      uint64
	keyed    bool
	handed   bool
	finished bool
	out      []*Record
	retired  func()
}

// keySeed hashes keys to their queues. Two keys with one hash would wait for one
// another without need, and nothing worse.
var keySeed = maphash.MakeSeed()

func (in *input) done(out []*Record, retired func()) {
	l := in.loop
	if in.finished || l.closed {
		return // I2: a late completion changes nothing
	}
	in.finished, in.out, in.retired = true, out, retired
	l.underWay--
	if in.keyed {
		l.passKey(in)
	}
	l.touch(in.part)
}

// passKey lets the next input of the key go ahead.
func (l *loop) passKey(in *input) {
	if in.next != nil {
		l.runnable = append(l.runnable, in.next)
		in.next = nil
		return
	}
	delete(in.part.queues.busy, in.key)
}

// touch notes that a window may retire.
func (l *loop) touch(p *partition) {
	if !p.dirty {
		p.dirty = true
		l.dirty = append(l.dirty, p)
	}
}

// enter queues an input behind those of its key, or hands it over.
func (l *loop) enter(in *Input) {
	in.part.window.add(in)
	if in.Record.Attrs.IsControl() {
		in.finished = true // a transaction's end mark: an offset and nothing else
		l.touch(in.part)
		return
	}
	if in.Record.Key == nil || in.part.overlaps {
		l.handOver(in)
		return
	}
	in.keyed, in.key = true, maphash.Bytes(keySeed, in.Record.Key)
	last := in.part.queues.busy[in.key]
	in.part.queues.busy[in.key] = in
	if last != nil {
		last.next = in
		return
	}
	l.handOver(in)
}

func (l *loop) handOver(in *Input) {
	in.handed = true
	l.underWay++
	l.task.Handle(in)
}
