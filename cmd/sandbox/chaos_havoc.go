package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/embedded"
)

// span is a time in which somebody suffered that can lose what it has in hand:
// the platform's bad days stand in its own ledger, and ClickHouse loses nothing.
type span struct {
	from, to time.Time
	role     string // whose process; empty: a broker's, which everybody feels
}

// havoc makes a plan's faults come true.
type havoc struct {
	world   *world
	control *douyintest.Control
	say     func(format string, args ...any)
	keepers map[string]*keeper
	start   time.Time

	broker, house sync.Mutex // one fault at a time for each
	platform      sync.Mutex // guards active
	active        []douyintest.Fault

	mu    sync.Mutex
	spans []span            // guarded by mu
	count map[faultKind]int // guarded by mu
	errs  []error           // guarded by mu; of the sandbox itself
}

// run strikes every fault at its moment and returns when all are healed.
func (h *havoc) run(ctx context.Context, plan []fault) error {
	h.start, h.count = time.Now(), map[faultKind]int{}
	var wg sync.WaitGroup
	for _, f := range plan {
		if !rest(ctx, time.Until(h.start.Add(f.at))) {
			break
		}
		h.say("%s", f)
		wg.Go(func() {
			from := time.Now()
			err := h.strike(ctx, f)
			h.note(f, from, err)
		})
	}
	wg.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.errs) > 0 {
		return h.errs[0]
	}
	return context.Cause(ctx)
}

func (h *havoc) note(f fault, from time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count[f.kind]++
	switch f.kind {
	case faultKill, faultTerm, faultFreeze, faultPause:
		role, _, _ := strings.Cut(f.target, "-")
		h.spans = append(h.spans, span{from, time.Now(), role})
	case faultBroker, faultReboot, faultStall, faultErrors, faultCoords:
		h.spans = append(h.spans, span{from, time.Now(), ""})
	}
	if err != nil && len(h.errs) == 0 {
		h.errs = append(h.errs, fmt.Errorf("%s: %w", f, err))
	}
}

// noteCrash enters that a process of a role ended by itself.
func (h *havoc) noteCrash(instance string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	role, _, _ := strings.Cut(instance, "-")
	now := time.Now()
	h.spans = append(h.spans, span{now.Add(-restartPause), now, role})
}

// rest waits for d; false means that ctx ended.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (h *havoc) strike(ctx context.Context, f fault) error {
	switch f.kind {
	case faultKill, faultTerm, faultFreeze, faultPause:
		return h.keepers[f.target].suffer(ctx, f)
	case faultBroker, faultReboot, faultStall, faultErrors, faultCoords:
		h.broker.Lock()
		defer h.broker.Unlock()
		return h.strikeBroker(ctx, f)
	case faultHouse:
		h.house.Lock()
		defer h.house.Unlock()
		h.world.clickhouse.Kill()
		rest(ctx, f.lasts)
		return h.world.clickhouse.Restart(ctx)
	case faultQuiet:
		h.house.Lock()
		defer h.house.Unlock()
		return standStill(ctx, h.world.clickhouse.Process, f.lasts)
	}
	return h.strikePlatform(ctx, f)
}

func (h *havoc) strikeBroker(ctx context.Context, f fault) error {
	switch f.kind {
	case faultErrors:
		i := slices.IndexFunc(brokerErrors, func(e struct {
			name  string
			fault embedded.KafkaFault
		},
		) bool {
			return e.name == f.target
		})
		return h.world.kafka.Fault(brokerErrors[i].fault)
	case faultCoords:
		return h.world.kafka.Fault(embedded.KafkaFault{MoveCoordinators: true})
	case faultStall:
		return standStill(ctx, h.world.kafka.Process, f.lasts)
	}
	if f.kind == faultReboot {
		if err := h.world.kafka.Terminate(); err != nil {
			return err
		}
		rest(ctx, f.lasts)
		return h.world.kafka.Restart(ctx)
	}
	node, err := strconv.Atoi(f.target)
	if err != nil {
		return err
	}
	h.world.apache.Kill(node)
	rest(ctx, f.lasts)
	return h.world.apache.Restart(ctx, node)
}

func standStill(ctx context.Context, p *embedded.Process, lasts time.Duration) error {
	if err := p.Pause(); err != nil {
		return err
	}
	rest(ctx, lasts)
	return p.Resume()
}

// strikePlatform gives the platform a bad day for a while, beside those that
// the traffic's apps always have.
func (h *havoc) strikePlatform(ctx context.Context, f fault) error {
	bad := douyintest.Fault{Until: time.Now().Add(f.lasts)}
	switch f.kind {
	case faultRefuse:
		bad.Mode = douyintest.ModeRefuse
	case faultHang:
		bad.Mode, bad.Share = douyintest.ModeHang, .5
	case faultGarbage:
		bad.Mode, bad.Share = douyintest.ModeHTML, .5
	case faultReset:
		bad.Mode, bad.After, bad.Share = douyintest.ModeReset, true, .5
	case faultThrottle:
		bad.Mode, bad.Share = douyintest.ModeThrottle, .5
	case faultBusy:
		bad.Mode, bad.ErrNo, bad.Share, bad.Endpoint = douyintest.ModeErrNo, -1, .5, douyin.EndpointCode2Session
	default:
		return fmt.Errorf("there is no fault %q", f.kind)
	}
	if err := h.setPlatform(ctx, func() { h.active = append(h.active, bad) }); err != nil {
		return err
	}
	rest(ctx, f.lasts)
	return h.setPlatform(context.WithoutCancel(ctx), func() {
		h.active = slices.DeleteFunc(h.active, func(o douyintest.Fault) bool { return o == bad })
	})
}

func (h *havoc) setPlatform(ctx context.Context, change func()) error {
	h.platform.Lock()
	defer h.platform.Unlock()
	change()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return h.control.SetFaults(ctx, append(traffic.Faults(), h.active...)...)
}

// keeper keeps one doustream process running, as an orchestrator does: one that
// ends by itself is started again.
type keeper struct {
	role    *role
	crashed func() // is told of an end by itself
	say     func(format string, args ...any)
	mu      sync.Mutex // held while the process suffers a fault
	crashes []string   // guarded by mu; how it ended by itself
}

// watch starts the process again whenever it ended by itself.
func (k *keeper) watch(ctx context.Context) {
	for {
		select {
		case <-k.role.Done():
		case <-ctx.Done():
			return
		}
		k.mu.Lock()
		if !k.role.Running() && ctx.Err() == nil {
			end := fmt.Sprint(k.role.Wait())
			k.crashes = append(k.crashes, end)
			k.crashed()
			k.say("%s ended by itself (%s), and is started again", k.role.name, end)
			if err := k.role.Relaunch(ctx); err != nil {
				k.say("start %s again: %v", k.role.name, err)
			}
		}
		k.mu.Unlock()
		rest(ctx, restartPause)
	}
}

// restartPause is what lies between two looks at a process that ends by itself.
const restartPause = 500 * time.Millisecond

func (k *keeper) suffer(ctx context.Context, f fault) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch f.kind {
	case faultFreeze, faultPause:
		return standStill(ctx, k.role.Process, f.lasts)
	case faultTerm:
		if err := k.role.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if !ended(ctx, k.role.Done(), termPatience) {
			return fmt.Errorf("%s still runs %s after SIGTERM", k.role.name, termPatience)
		}
	default:
		k.role.Kill()
	}
	rest(ctx, f.lasts)
	return k.role.Relaunch(ctx)
}

// termPatience is how long a process may take to end in good order: its own
// bound, and some.
const termPatience = 40 * time.Second

func ended(ctx context.Context, done <-chan struct{}, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
		return true
	}
}

// history gives the spans so far.
func (h *havoc) history() []span {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.spans)
}
