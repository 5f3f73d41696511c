package notify

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"doustream/platform/stream"
	"doustream/schemas"
)

// Task is notify's part in the Kafka runtime. Its fields are owned by the
// loop; cfg, deps and apps' keys are immutable, for Prepare's sake.
type Task struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	metrics *metrics
	loop    loop
	random  func() float64 // in [0,1)
	spawn   func(f func()) // runs what blocks in a goroutine

	codec  codec
	apps   map[string]*app
	ledger *ledger
	dedup  *dedup

	unopened unopened                         // before Open
	unread   unread                           // before Open
	restored map[id]schemas.NotificationState // before Open
	opened   bool
	openedAt time.Time

	stale    []id // consents to be written anew
	strays   strays
	live     map[id]*notification
	crowds   map[id]*crowd
	bytes    int64 // of live
	expiries expiries
	expiring func() // the timer's, or nil

	requests int // to the platform, under way
	draining bool
	drained  func()
	failed   bool // nothing more is written
}

func newTask(cfg Config, deps Deps, m *metrics, l loop) *Task {
	t := &Task{
		cfg: cfg, deps: deps, log: deps.Logger, metrics: m, loop: l, random: rand.Float64, spawn: func(f func()) { go f() },
		apps:     make(map[string]*app, len(cfg.Apps)),
		ledger:   newLedger(cfg.LedgerMax),
		restored: make(map[id]schemas.NotificationState),
		strays:   make(strays),
		live:     make(map[id]*notification),
		crowds:   make(map[id]*crowd),
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	t.codec = codec{
		keys: deps.Keys, notifications: cfg.Notifications, tokens: cfg.Tokens,
		partitions: len(l.Partitions(cfg.Notifications)), tokenParts: len(l.Partitions(cfg.Tokens)),
	}
	t.dedup = newDedup(cfg.DedupLife, cfg.DedupMax, t.codec.partitions)
	for _, c := range cfg.Apps {
		a := &app{App: c, cfg: cfg.of(c.ID), users: make(map[string]*user)}
		a.token = &tokenOwner{app: a}
		t.apps[c.ID] = a
	}
	return t
}

// Restore takes in one record of a state topic or of the consents.
func (t *Task) Restore(rec *stream.Record) {
	if _, ok := stream.Marker(rec); ok || t.failed {
		return
	}
	switch rec.Topic {
	case t.cfg.Tokens:
		t.tokenRecord(rec)
	case t.cfg.Consents:
		t.restoreUnopened() // what was spent is known before what was given
		t.consent(rec)
	case t.cfg.Notifications:
		if t.opened {
			return // one's own hand, that comes back
		}
		if t.unopened.add(rec); t.unopened.full() {
			t.restoreUnopened()
		}
	}
}

// restoreUnopened takes in the records that were put by, in the order of the log.
func (t *Task) restoreUnopened() {
	for _, e := range t.unopened.read(&t.codec) {
		t.restore(&e)
	}
	t.unopened.clear()
}

// Open takes up what the predecessor left.
func (t *Task) Open() {
	if t.restoreUnopened(); len(t.unread.keys) > 0 {
		t.endUnread()
		return
	}
	t.unopened, t.unread = unopened{}, unread{}
	t.opened, t.openedAt = true, t.loop.Now()
	for _, a := range t.apps {
		a.bucket = newBucket(a.cfg.Rate, t.openedAt)
	}
	t.resume()
	for _, a := range t.apps {
		t.openToken(a.token)
		t.wake(a)
	}
	t.sweep()
}

// resume queues the restored notifications in the order in which they were
// taken in.
func (t *Task) resume() {
	ids := make([]id, 0, len(t.restored))
	for i := range t.restored {
		ids = append(ids, i)
	}
	slices.SortFunc(ids, func(x, y id) int { return before(t.restored[x], t.restored[y]) })
	for _, i := range ids {
		t.takeUp(i, t.restored[i])
	}
	if len(ids) > 0 {
		t.log.Info("orders taken over", "count", len(ids))
	}
	t.restored = nil
}

func before(x, y schemas.NotificationState) int {
	return cmp.Or(
		cmp.Compare(x.QueuedAt, y.QueuedAt), cmp.Compare(x.Source.Topic, y.Source.Topic),
		cmp.Compare(x.Source.Partition, y.Source.Partition), cmp.Compare(x.Source.Offset, y.Source.Offset))
}

// Handle takes one order.
func (t *Task) Handle(in *stream.Input) {
	p, _ := in.Prepared.(*prepared)
	if p == nil {
		p, _ = t.Prepare(in.Record).(*prepared)
	}
	t.handle(arrival{in.Record, p, in.Done})
}

// Drain hands over in good order: nothing more is sent, and the answers of
// what was sent are waited for.
func (t *Task) Drain(done func()) {
	t.draining, t.drained = true, done
	for _, n := range t.live {
		if n.stage == schemas.StageIntent && !n.sending {
			t.withdraw(n)
		}
	}
	t.checkDrained()
}

func (t *Task) checkDrained() {
	if t.drained != nil && t.requests == 0 {
		done := t.drained
		t.drained = nil
		done()
	}
}

// Close ends the tenure. The runtime stops the timers and ends the context of
// the requests.
func (t *Task) Close() {
	t.draining = true
	t.unobserve()
}

// goSend runs a request to the platform in its own goroutine, and what it
// answers from the loop. Its deadline lies inside the lease, which is looked at
// once more right before the request: this process may have stood still.
func (t *Task) goSend(timeout time.Duration, request func(context.Context) func()) {
	t.requests++
	ctx, cancel := context.WithTimeout(t.loop.Context(), timeout)
	t.spawn(func() {
		defer cancel()
		if !t.loop.Lease().After(t.loop.Now()) {
			cancel()
		}
		then := request(ctx)
		t.loop.Post(func() {
			t.requests--
			then()
		})
	})
}

// sweep forgets what is past its life, now and then.
func (t *Task) sweep() {
	const (
		every = 5 * time.Second
		most  = 50_000
	)
	gone := t.dedup.expire(t.loop.Now(), most)
	if len(gone) > 0 {
		out := make([]*stream.Record, 0, len(gone))
		for _, i := range gone {
			if t.live[i] == nil { // its life is over, and it was published anew
				out = t.recall(append(out, t.codec.tombstone(prefixNotification, i, t.codec.home(i))), prefixNotification, i)
			}
		}
		t.emit(out, nil)
	}
	t.reseal(most)
	t.observe()
	t.loop.After(every, t.sweep)
}

// armExpiry sets the timer for the first notification to expire.
func (t *Task) armExpiry() {
	if t.expiring != nil {
		t.expiring()
		t.expiring = nil
	}
	if len(t.expiries) == 0 || t.draining {
		return
	}
	wait := t.expiries[0].expiresAt.Sub(t.loop.Now())
	t.expiring = t.loop.After(max(wait, minTick), t.expire)
}

// expire ends what is past its time and not being sent.
func (t *Task) expire() {
	t.expiring = nil
	now := t.loop.Now()
	for len(t.expiries) > 0 && !t.expiries[0].expiresAt.After(now) {
		n := t.expiries[0]
		if n.stage == schemas.StageIntent {
			heap.Pop(&t.expiries) // its answer decides
			continue
		}
		t.finish(n, outcome{status: schemas.StatusExpired, reason: reasonExpired})
	}
	t.armExpiry()
}

// fail ends the task: its state cannot be read or written, and going on
// without it could send twice.
func (t *Task) fail(what string, err error) {
	t.failed = true
	t.loop.Fail(fmt.Errorf("%s: %w", what, err))
}

// emit puts records into the transaction, unless the task has failed: what it
// holds then is not what it should say.
func (t *Task) emit(out []*stream.Record, committed func()) {
	if !t.failed {
		t.loop.Emit(out, committed)
	}
}
