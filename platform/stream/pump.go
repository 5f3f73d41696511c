package stream

import "doustream/platform/sabotage"

// pump hands over what may go ahead and retires what has finished, until
// nothing more can.
func (l *loop) pump() {
	for {
		l.retireDirty()
		if !l.handOverNext() {
			break
		}
	}
	l.retireDirty()
}

// handOverNext hands over what is free to go and reports whether there was
// anything. The leader's partitions come first: the watermark that they set is
// the one that the others are held against.
func (l *loop) handOverNext() (any bool) {
	if l.draining || l.closed || !l.opened.Load() {
		return false
	}
	if run := l.runnable; len(run) > 0 {
		l.runnable = nil
		for _, in := range run {
			l.handOver(in)
		}
		any = true
	}
	for _, p := range l.parts {
		for len(p.waiting) > 0 && p.queues.holds == 0 && l.gate.passes(p, p.waiting[0]) && !l.draining {
			in := p.waiting[0]
			p.waiting[0] = nil
			p.waiting = p.waiting[1:]
			l.enter(in)
			any = true
		}
	}
	return any
}

// retireDirty takes finished inputs out of the windows in offset order: their
// outputs and offsets go to the open transaction.
func (l *loop) retireDirty() {
	for i := 0; i < len(l.dirty); i++ { // what retires may finish others
		p := l.dirty[i]
		p.dirty = false
		for p.window.ready() {
			l.retire(p, p.window.pop())
		}
	}
	l.dirty = l.dirty[:0]
}

func (l *loop) retire(p *partition, in *Input) {
	l.out = append(l.out, outEntry{
		records: in.out,
		part:    p,
		next:    in.Record.Offset + 1,
		epoch:   in.Record.LeaderEpoch,
		bytes:   size(in.Record),
	})
	if sabotage.EarlyCommit {
		l.out[len(l.out)-1].next = p.position
	}
	p.frontier = in.Record.Offset + 1
	if !in.Record.Attrs.IsControl() {
		l.session.metrics.retired.Inc()
	}
	if in.retired != nil {
		first := len(l.out)
		in.retired()
		for i := first; i < len(l.out); i++ {
			l.out[i].joined = true
		}
	}
}
