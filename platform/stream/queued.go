package stream

import (
	"bytes"
	"hash/maphash"
)

// frontier finds how far a partition has retired; -1 for one that the task does
// not hold.
func (l *loop) frontier(topic string, number int32) int64 {
	for _, p := range l.parts {
		if p.topic == topic && p.number == number {
			return p.frontier
		}
	}
	return -1
}

// queued looks for a key among what was fetched and not handed over. The last
// input of a key that is under way tells of those that wait for it; the others
// have no index, since nobody but this question needs one.
func (l *loop) queued(topic string, key []byte) bool {
	if last := l.queues(topic).busy[maphash.Bytes(keySeed, key)]; last != nil && !last.handed {
		return true
	}
	for _, p := range l.parts {
		if p.topic == topic && p.awaits(key) {
			return true
		}
	}
	return false
}

// awaits reports whether a record of the key was fetched and is held, or is
// still with the workers.
func (p *partition) awaits(key []byte) bool {
	for _, in := range p.waiting {
		if bytes.Equal(in.Record.Key, key) {
			return true
		}
	}
	for _, c := range p.chunks {
		for i := range c.inputs {
			if bytes.Equal(c.inputs[i].Record.Key, key) {
				return true
			}
		}
	}
	return false
}
