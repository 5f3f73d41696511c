package notify

import "doustream/platform/stream"

// strays are what counts of the notifications topic and lies in a partition that
// it no longer belongs to, since the topic was given more: the partition, by id.
// A stray is deleted in the transaction that writes its id anew, so that of two
// partitions the one that it belongs to is right, whichever is read first.
type strays map[id]int32

// passed reports whether a record that is read has been superseded in another
// partition, and notes where the one lies that counts.
func (s strays) passed(e *entry, home int32, known bool) bool {
	at, stray := s[e.id]
	switch {
	case e.partition == home:
		delete(s, e.id)
		return false
	case stray && at != e.partition, known && !stray:
		return true
	case e.deleted:
		delete(s, e.id)
	default:
		s[e.id] = e.partition
	}
	return false
}

// recall appends the deletion of an id's stray, if it has one.
func (t *Task) recall(out []*stream.Record, prefix string, i id) []*stream.Record {
	at, stray := t.strays[i]
	if !stray {
		return out
	}
	delete(t.strays, i)
	return append(out, t.codec.tombstone(prefix, i, at))
}

// known reports whether something is known of an entry's id from what was
// restored before it.
func (t *Task) known(e *entry) bool {
	if e.credit {
		_, ok := t.ledger.entries[e.id]
		return ok
	}
	if _, ok := t.restored[e.id]; ok {
		return true
	}
	return t.dedup.has(e.id)
}
