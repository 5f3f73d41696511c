package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// The world of a deterministic test: a log with transactions, a platform, and
// any number of instances of the task, of which the newest alone can commit.
// Nothing in it runs by itself.

const (
	orderTopic   = "orders"
	stateTopic   = "notifications"
	tokensTopic  = "tokens"
	consentTopic = "consents"
	resultTopic  = "results"
	deadTopic    = "dead"
)

var testKeys = must(secrets.ParseKeyring("k:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type world struct {
	cfg      Config
	now      time.Time
	log      map[string][]*stream.Record // committed, by topic
	orders   map[int32][]*stream.Record  // by partition
	next     map[int32]int64             // committed offsets
	platform *scripted
	client   Platform // in place of platform, if there is one
	keys     *secrets.Keyring
	parts    int32                         // partitions of the state topic
	reading  func(x, y *stream.Record) int // the order in which an instance restores; nil: of the log
	current  *instance
	serial   int
	jitter   func() float64

	backlog   func(p int32, offset int64) []byte // in place of orders: made when they are taken
	published map[int32]int64                    // how many there are of it
	forgets   bool                               // what is committed is counted, and not kept
	counts    map[string]int

	read int // results that were read, into seen
	seen map[schemas.Source][]schemas.NotificationResult
}

func newWorld(cfg Config) *world {
	cfg.Orders, cfg.Notifications, cfg.Tokens, cfg.Consents = []string{orderTopic}, stateTopic, tokensTopic, consentTopic
	if cfg.Apps == nil {
		cfg.Apps = []douyin.App{{ID: "tt1", Secret: "s1"}}
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		panic(err)
	}
	w := &world{
		cfg: cfg, keys: testKeys, parts: 3, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), log: map[string][]*stream.Record{},
		orders: map[int32][]*stream.Record{}, next: map[int32]int64{}, seen: map[schemas.Source][]schemas.NotificationResult{}, jitter: func() float64 { return 0.5 },
	}
	w.platform = &scripted{world: w}
	return w
}

// publish appends an order and answers its source.
func (w *world) publish(partition int32, value string) schemas.Source {
	rec := &stream.Record{
		Topic: orderTopic, Partition: partition, Offset: int64(len(w.orders[partition])),
		Timestamp: w.now, Value: []byte(value),
	}
	w.orders[partition] = append(w.orders[partition], rec)
	return sourceOf(rec)
}

// orderAt is the order of that offset, or nil.
func (w *world) orderAt(p int32, offset int64) *stream.Record {
	switch {
	case w.backlog != nil && offset < w.published[p]:
		return &stream.Record{Topic: orderTopic, Partition: p, Offset: offset, Timestamp: w.now, Value: w.backlog(p, offset)}
	case w.backlog == nil && offset < int64(len(w.orders[p])):
		return w.orders[p][offset]
	}
	return nil
}

// consent appends a consent fact.
func (w *world) consent(f schemas.ConsentFact) {
	rec := &stream.Record{Topic: consentTopic, Offset: int64(len(w.log[consentTopic])), Value: must(f.Encode())}
	w.append(rec)
}

func (w *world) append(rec *stream.Record) {
	if w.forgets {
		w.counts[rec.Topic]++
	} else {
		w.log[rec.Topic] = append(w.log[rec.Topic], rec)
	}
	if i := w.current; i != nil && (rec.Topic == tokensTopic || rec.Topic == stateTopic || rec.Topic == consentTopic) {
		i.posts = append(i.posts, func() { i.task.Restore(rec) })
	}
}

// start makes a new instance the owner.
func (w *world) start() *instance { return w.startSkewed(0) }

// startSkewed is start of an instance whose clock is off.
func (w *world) startSkewed(skew time.Duration) *instance {
	w.serial++
	i := &instance{world: w, skew: skew, name: fmt.Sprintf("owner-%d", w.serial), fetched: map[int32]int64{}, windows: map[int32][]*slot{}}
	ctx, cancel := context.WithCancel(context.Background())
	i.ctx, i.cancel = ctx, cancel
	w.current = i
	var platform Platform = w.platform
	if w.client != nil {
		platform = w.client
	}
	i.task = newTask(w.cfg, Deps{Platform: platform, Output: testOutput{}, Keys: w.keys}, newMetrics(nil, w.cfg), i)
	i.task.random = w.jitter
	i.task.spawn = func(f func()) { i.requests = append(i.requests, f) }
	for p, n := range w.next {
		i.fetched[p] = n
	}
	for _, topic := range []string{stateTopic, tokensTopic, consentTopic} {
		log := slices.Clone(w.log[topic])
		if w.reading != nil {
			slices.SortStableFunc(log, w.reading)
		}
		for _, rec := range log {
			i.task.Restore(rec)
		}
	}
	i.task.Open()
	i.settle()
	return i
}

// results are the committed results, by the source of their order.
func (w *world) results() map[schemas.Source][]schemas.NotificationResult {
	for ; w.read < len(w.log[resultTopic]); w.read++ {
		r := decodeResult(w.log[resultTopic][w.read].Value)
		w.seen[r.Source] = append(w.seen[r.Source], r)
	}
	return w.seen
}

// windowRecords bounds a window, as the runtime does.
const windowRecords = 64

// slot is an input in a window.
type slot struct {
	rec     *stream.Record
	done    bool
	out     []*stream.Record
	retired func()
}

type emission struct {
	records   []*stream.Record
	partition int32
	next      int64 // 0: none
	committed func()
	joined    bool // leaves with the entry before it
}

// instance is one owner's loop.
type instance struct {
	world    *world
	name     string
	ctx      context.Context
	cancel   context.CancelFunc
	task     *Task
	posts    []func()
	timers   []*timer
	requests []func() // about to leave
	out      []emission
	fetched  map[int32]int64
	windows  map[int32][]*slot
	leaseEnd time.Time     // zero: always far ahead
	skew     time.Duration // of its clock against the platform's
	failed   error
	dead     bool
}

type timer struct {
	at      time.Time
	f       func()
	stopped bool
}

func (i *instance) Owner() string            { return i.name }
func (i *instance) Now() time.Time           { return i.world.now.Add(i.skew) }
func (i *instance) Context() context.Context { return i.ctx }
func (i *instance) Partitions(topic string) []int32 {
	if topic != stateTopic {
		return []int32{0}
	}
	var all []int32
	for p := range i.world.parts {
		all = append(all, p)
	}
	return all
}
func (i *instance) Fail(err error) { i.failed = errors.Join(i.failed, err) }
func (i *instance) Lease() time.Time {
	if !i.leaseEnd.IsZero() {
		return i.leaseEnd
	}
	return i.Now().Add(8 * time.Second)
}

func (i *instance) Post(f func()) bool {
	if i.dead {
		return false
	}
	i.posts = append(i.posts, f)
	return true
}

func (i *instance) After(d time.Duration, f func()) func() {
	t := &timer{at: i.world.now.Add(d), f: f}
	i.timers = append(i.timers, t)
	return func() { t.stopped = true }
}

func (i *instance) Emit(out []*stream.Record, committed func()) {
	i.out = append(i.out, emission{records: out, committed: committed})
}

// settle retires what is done, as the runtime does after each turn.
func (i *instance) settle() {
	for again := true; again; {
		again = false
		for p, window := range i.windows {
			for len(window) > 0 && window[0].done {
				s := window[0]
				window = window[1:]
				i.windows[p] = window
				i.out = append(i.out, emission{records: s.out, partition: p, next: s.rec.Offset + 1})
				if s.retired != nil {
					first := len(i.out)
					s.retired()
					for n := first; n < len(i.out); n++ {
						i.out[n].joined = true
					}
				}
				again = true
			}
		}
	}
}

// turn runs one posted function.
func (i *instance) turn() bool {
	if len(i.posts) == 0 {
		return false
	}
	f := i.posts[0]
	i.posts = i.posts[1:]
	f()
	i.settle()
	return true
}

// take hands one order over.
func (i *instance) take(p int32) bool {
	if !i.hand(p) {
		return false
	}
	i.settle()
	return true
}

// hand is take without what retires by it: the runtime hands over whatever
// there is before it retires any of it.
func (i *instance) hand(p int32) bool {
	if i.task.draining || len(i.windows[p]) >= windowRecords {
		return false
	}
	rec := i.world.orderAt(p, i.fetched[p])
	if rec == nil {
		return false
	}
	i.fetched[p]++
	s := &slot{rec: rec}
	i.windows[p] = append(i.windows[p], s)
	i.task.handle(arrival{rec, i.task.Prepare(rec).(*prepared), func(out []*stream.Record, retired func()) {
		if s.done {
			panic("done twice")
		}
		s.done, s.out, s.retired = true, out, retired
	}})
	return true
}

// fire runs the first timer that is due.
func (i *instance) fire() bool {
	i.timers = slices.DeleteFunc(i.timers, func(t *timer) bool { return t.stopped })
	slices.SortStableFunc(i.timers, func(x, y *timer) int { return x.at.Compare(y.at) })
	if len(i.timers) == 0 || i.timers[0].at.After(i.world.now) {
		return false
	}
	t := i.timers[0]
	i.timers = i.timers[1:]
	t.f()
	i.settle()
	return true
}

// request lets the n-th request leave: the platform is asked, and the answer
// posted.
func (i *instance) request(n int) {
	f := i.requests[n]
	i.requests = slices.Delete(i.requests, n, n+1)
	f()
}

// commit ends the open transaction with success. callbacks false: the answer
// never comes.
func (i *instance) commit(callbacks bool) bool {
	return i.commitSome(len(i.out), callbacks)
}

// commitSome is a transaction that ends behind the first n entries, and those
// that are joined to them: the runtime may cut between any others.
func (i *instance) commitSome(n int, callbacks bool) bool {
	w := i.world
	for n < len(i.out) && i.out[n].joined {
		n++
	}
	if w.current != i || n == 0 {
		return false
	}
	entries := i.out[:n:n]
	i.out = i.out[n:]
	for _, e := range entries {
		if e.next > 0 {
			w.next[e.partition] = e.next
		}
		for _, rec := range e.records {
			w.append(rec)
		}
	}
	if callbacks {
		for _, e := range entries {
			if e.committed != nil {
				i.posts = append(i.posts, e.committed)
			}
		}
	}
	return true
}

// crash ends an instance; what it did not commit is gone.
func (i *instance) crash() {
	i.dead, i.posts, i.timers, i.out = true, nil, nil, nil
	i.cancel()
}

// run lets everything go on until nothing is left to do before the given time,
// committing and answering at once.
func (w *world) run(until time.Time) {
	i := w.current
	for steps := 0; ; steps++ {
		if steps > 5_000_000 {
			panic("the world stands still")
		}
		if i.failed != nil {
			panic(i.failed)
		}
		if i.turn() || w.takeAny(i) || i.fire() {
			continue
		}
		if len(i.requests) > 0 {
			i.request(0)
			continue
		}
		if i.commit(true) {
			continue
		}
		i.timers = slices.DeleteFunc(i.timers, func(t *timer) bool { return t.stopped })
		first := until
		for _, t := range i.timers {
			if t.at.Before(first) {
				first = t.at
			}
		}
		if !first.Before(until) {
			w.now = until
			return
		}
		w.now, steps = first, 0
	}
}

func (w *world) takeAny(i *instance) bool {
	for p := range w.orders {
		if i.take(p) {
			return true
		}
	}
	for p := range w.published {
		if i.take(p) {
			return true
		}
	}
	return false
}

// scripted is a platform whose answers a test decides.
type scripted struct {
	world  *world
	send   func(n douyin.Notification, token douyin.Token) error // nil: accepted
	issue  func() (douyin.Issued, error)                         // nil: two hours
	sends  []sentMessage
	issued int
}

type sentMessage struct {
	douyin.Notification
	token douyin.Token
	at    time.Time
	err   error
}

func (s *scripted) NotifyV2(ctx context.Context, token douyin.Token, n douyin.Notification) (string, error) {
	if ctx.Err() != nil {
		return "", &douyin.Error{Endpoint: douyin.EndpointNotifyV2, Kind: douyin.KindNotSent, Err: ctx.Err()}
	}
	var err error
	if s.send != nil {
		err = s.send(n, token)
	}
	if s.world.forgets {
		s.world.counts["sends"]++
	} else {
		s.sends = append(s.sends, sentMessage{n, token, s.world.now, err})
	}
	if err != nil {
		return "", err
	}
	return "20260101ABCDEF", nil
}

func (s *scripted) NotifyV1(ctx context.Context, token douyin.Token, n douyin.Notification) (string, error) {
	return s.NotifyV2(ctx, token, n)
}

func (s *scripted) StableClientToken(ctx context.Context, _ douyin.App) (douyin.Issued, error) {
	if ctx.Err() != nil {
		return douyin.Issued{}, &douyin.Error{Kind: douyin.KindNotSent, Err: ctx.Err()}
	}
	s.issued++
	if s.issue != nil {
		return s.issue()
	}
	return douyin.Issued{Token: douyin.Token(fmt.Sprintf("clt.%d", s.issued)), ExpiresIn: 2 * time.Hour}, nil
}

func (s *scripted) AccessToken(ctx context.Context, app douyin.App) (douyin.Issued, error) {
	return s.StableClientToken(ctx, app)
}

func (s *scripted) ClientToken(ctx context.Context, app douyin.App) (douyin.Issued, error) {
	return s.StableClientToken(ctx, app)
}

func fault(kind douyin.Kind) error {
	if kind == douyin.KindUnknown || kind == douyin.KindNotSent {
		return &douyin.Error{Endpoint: douyin.EndpointNotifyV2, Kind: kind, Err: context.DeadlineExceeded}
	}
	return &douyin.Error{Endpoint: douyin.EndpointNotifyV2, Kind: kind, No: int64(1000 + int(kind)), Present: true, LogID: "20260101F00D"}
}

// testOutput writes results that a test reads back without Avro.
type testOutput struct{}

func (testOutput) Result(r *schemas.NotificationResult) (*stream.Record, error) {
	return &stream.Record{Topic: resultTopic, Key: []byte(r.NotificationID), Value: must(json.Marshal(r))}, nil
}

func (testOutput) DeadLetter(src *stream.Record, d schemas.DeadLetter) *stream.Record {
	return &stream.Record{Topic: deadTopic, Key: []byte(d.Reason), Value: src.Value}
}

func decodeResult(value []byte) (r schemas.NotificationResult) {
	if err := json.Unmarshal(value, &r); err != nil {
		panic(err)
	}
	return r
}

func orderJSON(id, openID string, more ...string) string {
	return fmt.Sprintf(`{"notification_id":%q,"app_id":"tt1","open_id":%q,"template_id":"tpl","data":{"thing":"%s"}%s}`,
		id, openID, "text of "+id, strings.Join(append([]string{""}, more...), ","))
}
