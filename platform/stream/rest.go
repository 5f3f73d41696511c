package stream

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// lookEvery is about how often is looked where the logs end that are not read.
const lookEvery = 250 * time.Millisecond

// wakeful is how long a log is read at least.
const wakeful = time.Second

// ease has a partition read by the listener from now on: what this owner writes it
// knows by then, and what is left is to hear of others. A log to which nobody else
// writes is not read at all soon: it rests (looked).
func (t *stateTail) ease(p *tailed) {
	if p.eased {
		return
	}
	p.eased = true
	l := t.loop
	l.session.readerOf(l).release(l, p.topicPartition)
	t.wake(p)
	if !t.looking {
		t.looking = true
		t.look()
	}
}

// wake has the listener read on from where the epoch is known: it tells the client
// whether the log is the one that was read. What is known already is passed over.
func (t *stateTail) wake(p *tailed) {
	p.resting, p.awoken = false, t.loop.now()
	at := kgo.NewOffset().At(p.place.Offset).WithEpoch(p.place.Epoch)
	t.loop.session.listener.add(t.loop, map[topicPartition]kgo.Offset{p.topicPartition: at})
}

// look asks where the logs end.
func (t *stateTail) look() {
	for _, p := range t.parts {
		p.asked = p.next
	}
	t.loop.session.lookout.ask(t.loop)
}

// looked takes in where the logs end.
func (t *stateTail) looked(all ends) {
	if t.loop.closing {
		return
	}
	for tp, end := range all {
		if p := t.parts[tp]; p != nil && p.eased {
			t.judge(p, end)
		}
	}
	t.look()
}

// judge has a log rest while nothing but this owner's records come, which it knows
// by their acknowledgement. It is read again when something stands there that was
// not known a look later, when it has another leader, whose log may be another, and
// when an acknowledgement leaves something out (written).
func (t *stateTail) judge(p *tailed, end kgo.EpochOffset) {
	if p.isShort(end) {
		t.loop.fail(fmt.Errorf("%s/%d was cut off: it ends at %d, and records up to %d were acknowledged", p.topic, p.number, end.Offset, p.asked))
		return
	}
	known := p.seen.Offset <= p.next
	switch {
	case p.resting && (!known || end.Epoch != p.place.Epoch):
		t.wake(p)
	case !p.resting && known && len(p.acked) == 0 && t.loop.now().Sub(p.awoken) >= wakeful:
		p.resting = true
		t.loop.session.listener.release(t.loop, p.topicPartition)
	}
	if known && p.seen.Offset >= p.place.Offset {
		p.place = p.seen
	}
	p.seen = end
}
