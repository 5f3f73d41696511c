package traffic

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// numbered is a visit with its place in time.
type numbered struct {
	*visit
	index int
}

// visits plans all of them: the good, and the bad evenly between them.
func (t *Traffic) visits() []numbered {
	var bad []func(v *visit)
	for range max(t.cfg.Bad, 0) {
		for _, list := range [][]badCase{malformed, refused} {
			for _, c := range list {
				bad = append(bad, c.add)
			}
		}
		for _, o := range badOrders {
			if !t.cfg.NoOrders {
				bad = append(bad, func(v *visit) { v.logins = 1; o.script(v, o.name) })
			}
		}
	}
	all := make([]numbered, 0, t.cfg.Visits+len(bad))
	add := func(script func(v *visit)) {
		v := t.newVisit(len(all))
		script(v)
		all = append(all, numbered{v, len(all)})
	}
	for i := range t.cfg.Visits {
		for len(bad)*i/t.cfg.Visits > len(all)-i {
			add(bad[len(all)-i])
		}
		add(t.script())
	}
	for len(all) < t.cfg.Visits+len(bad) {
		add(bad[len(all)-t.cfg.Visits])
	}
	return all
}

// total is how many visits there are, once they are planned.
func (t *Traffic) total() int {
	bad := len(malformed) + len(refused)
	if !t.cfg.NoOrders {
		bad += len(badOrders)
	}
	return t.cfg.Visits + max(t.cfg.Bad, 0)*bad
}

func (t *Traffic) script() func(*visit) {
	switch r := t.rng.Float64(); {
	case r < .1:
		return (*visit).anonymous
	case r < .15:
		return (*visit).early
	default:
		return (*visit).whole
	}
}

func (t *Traffic) newVisit(number int) *visit {
	rng := rand.New(rand.NewPCG(t.cfg.Seed, uint64(number)+3)) //nolint:gosec // repeatable on purpose
	app := AppShop
	if number%4 == 3 {
		app = AppTravel
	}
	return &visit{
		run: t.cfg.Run, number: number, app: app, rng: rng, think: t.cfg.Think, person: newPerson(rng), noOrders: t.cfg.NoOrders, enforced: t.cfg.Enforced,
		session: fmt.Sprintf("s-%s-%06d", t.cfg.Run, number), user: fmt.Sprintf("u-%s-%06d", t.cfg.Run, number),
	}
}

// dueStep is a step at its moment.
type dueStep struct {
	step
	at    time.Time
	order int
}

// agenda is a heap of steps, the next on top; of one moment, in the order of
// planning.
type agenda []dueStep

func (a *agenda) plan(v *visit, start time.Time) {
	for i, s := range v.steps {
		heap.Push(a, dueStep{step: s, at: start.Add(s.at), order: v.number<<8 | i})
	}
}

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is part of heap.Interface.
func (a *agenda) Push(x any) { *a = append(*a, x.(dueStep)) }

// Pop is part of heap.Interface.
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = dueStep{}
	*a = (*a)[:len(*a)-1]
	return last
}

// acks counts what is under way and enters it in the manifest when it is
// acknowledged.
type acks struct {
	t     *Traffic
	fail  context.CancelCauseFunc
	slots chan struct{}
}

// inFlight bounds the records that wait for their acknowledgement.
const inFlight = 20000

func newAcks(t *Traffic, fail context.CancelCauseFunc) *acks {
	return &acks{t: t, fail: fail, slots: make(chan struct{}, inFlight)}
}

func (a *acks) send(ctx context.Context, m message) {
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	m.sent.SentAt = a.t.cfg.Now().UnixMilli()
	rec := &kgo.Record{Topic: a.t.cfg.Prefix + m.topic, Key: m.key, Value: m.value, Timestamp: m.at}
	a.t.producer.Produce(ctx, rec, func(rec *kgo.Record, err error) {
		defer func() { <-a.slots }()
		if err != nil {
			a.fail(fmt.Errorf("send to %s: %w", rec.Topic, err))
			return
		}
		m.sent.Topic, m.sent.Partition, m.sent.Offset = rec.Topic, rec.Partition, rec.Offset
		m.sent.AckedAt = a.t.cfg.Now().UnixMilli()
		a.t.manifest.add(m.sent)
	})
}

// wait returns when nothing is under way.
func (a *acks) wait(ctx context.Context) error {
	for range cap(a.slots) {
		select {
		case a.slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}
