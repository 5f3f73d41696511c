package traffic

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin/douyintest"
)

// Producer sends one record; promise is called once, when it is acknowledged or
// given up. *kgo.Client is one.
type Producer interface {
	Produce(ctx context.Context, rec *kgo.Record, promise func(*kgo.Record, error))
}

// Platform is where users log in and consent. *douyintest.Control is one. Its
// methods may block.
type Platform interface {
	Logins(ctx context.Context, appID string, users []string, anonymous bool) ([]douyintest.Login, error)
	Grant(ctx context.Context, grants ...douyintest.Grant) error
}

// Config says how much traffic, and of what kind.
type Config struct {
	Prefix string // of every topic
	// Visits is how many sessions are as they should be; default 1000.
	Visits int
	// Over is the time over which visits begin, evenly; 0: all at once, as a
	// backlog.
	Over time.Duration
	// Think is the mean pause between two events of a visit; 0: none.
	Think time.Duration
	// Bad is how often each thing that can be wrong is tried; default 1,
	// negative: never.
	Bad int
	// NoOrders leaves the orders out.
	NoOrders bool
	// Enforced is for a notifier that sends on a credit of its ledger alone: a
	// consent counts only if an event says so.
	Enforced bool
	// Run begins every id; two runs into one world need two of them.
	Run string
	// Seed makes the traffic repeatable; default 1.
	Seed uint64
	// Progress is called now and then with how many records were sent and how
	// many visits have begun; nil: not.
	Progress func(records, visits int)
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Traffic sends what Config says.
type Traffic struct {
	cfg      Config
	producer Producer
	platform Platform
	manifest *Manifest
	rng      *rand.Rand
	due      agenda
	begun    int
}

// New makes traffic that writes what it sends into manifest. It starts nothing.
func New(cfg Config, producer Producer, platform Platform, manifest *Manifest) *Traffic {
	cfg.Visits = cmp.Or(cfg.Visits, 1000)
	cfg.Bad = cmp.Or(cfg.Bad, 1)
	cfg.Run = cmp.Or(cfg.Run, "evt")
	cfg.Seed = cmp.Or(cfg.Seed, 1)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Traffic{
		cfg: cfg, producer: producer, platform: platform, manifest: manifest,
		rng: rand.New(rand.NewPCG(cfg.Seed, 2)), //nolint:gosec // repeatable on purpose
	}
}

// Run sends everything, waits for every acknowledgement, and returns the first
// error.
func (t *Traffic) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	visits := t.visits()
	acks := newAcks(t, cancel)
	start := t.cfg.Now()
	for len(visits) > 0 {
		batch := visits[:min(len(visits), t.batch())]
		visits = visits[len(batch):]
		if err := t.drain(ctx, acks, start.Add(t.startOf(batch[0].index))); err != nil {
			return err
		}
		if err := t.admit(ctx, batch); err != nil {
			return err
		}
		for _, v := range batch {
			t.due.plan(v.visit, start.Add(t.startOf(v.index)))
		}
		t.begun += len(batch)
	}
	if err := t.drain(ctx, acks, time.Time{}); err != nil {
		return err
	}
	if err := acks.wait(ctx); err != nil {
		return err
	}
	return t.manifest.Flush()
}

// batch is how many visits are let in together: what begins in half a second.
func (t *Traffic) batch() int {
	if t.cfg.Over <= 0 {
		return 2000
	}
	return max(1, int(float64(t.cfg.Visits)*(500*time.Millisecond).Seconds()/t.cfg.Over.Seconds()))
}

func (t *Traffic) startOf(i int) time.Duration {
	return time.Duration(float64(t.cfg.Over) * float64(i) / float64(t.total()))
}

// drain sends what is due before the next visits begin; with a zero time,
// everything.
func (t *Traffic) drain(ctx context.Context, acks *acks, until time.Time) error {
	for len(t.due) > 0 && (until.IsZero() || t.due[0].at.Before(until)) {
		d := heap.Pop(&t.due).(dueStep)
		if err := t.waitUntil(ctx, d.at); err != nil {
			return err
		}
		m := d.build(t.cfg.Now())
		acks.send(ctx, m)
		if d.twice {
			acks.send(ctx, m)
		}
	}
	if until.IsZero() {
		return context.Cause(ctx)
	}
	return t.waitUntil(ctx, until)
}

func (t *Traffic) waitUntil(ctx context.Context, at time.Time) error {
	if d := at.Sub(t.cfg.Now()); d > 0 && t.cfg.Over > 0 {
		if t.cfg.Progress != nil {
			t.cfg.Progress(t.manifest.Len(), t.begun)
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// admit has the visits' users log in and consent, all of them together.
func (t *Traffic) admit(ctx context.Context, batch []numbered) error {
	type group struct {
		app    string
		nobody bool
		round  int
	}
	groups := map[group][]*visit{}
	for _, v := range batch {
		for round := range v.logins {
			g := group{v.app, v.nobody, round}
			groups[g] = append(groups[g], v.visit)
		}
	}
	var grants []douyintest.Grant
	for round := range 2 {
		for g, visits := range groups {
			if g.round != round {
				continue
			}
			if err := t.logIn(ctx, g.app, g.nobody, round, visits); err != nil {
				return err
			}
		}
	}
	for _, v := range batch {
		for _, g := range v.grants {
			grants = append(grants, douyintest.Grant{
				AppID: v.app, OpenID: v.login.OpenID, Template: g.template, Credits: g.credits, Standing: g.standing, Refused: g.refused,
			})
		}
	}
	if len(grants) == 0 {
		return nil
	}
	if err := t.platform.Grant(ctx, grants...); err != nil {
		return fmt.Errorf("give consent: %w", err)
	}
	return nil
}

func (t *Traffic) logIn(ctx context.Context, app string, nobody bool, round int, visits []*visit) error {
	users := make([]string, len(visits))
	for i, v := range visits {
		users[i] = v.user
	}
	logins, err := t.platform.Logins(ctx, app, users, nobody)
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	if len(logins) != len(visits) {
		return fmt.Errorf("log in: %d logins for %d users", len(logins), len(visits))
	}
	for i, v := range visits {
		if round == 0 {
			v.login = logins[i]
		} else {
			v.relogin = logins[i]
		}
	}
	return nil
}
