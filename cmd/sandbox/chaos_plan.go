package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// faultKind is a way to make the world bad for a while.
type faultKind string

// The kinds. Those of a role strike one doustream process.
const (
	faultKill   faultKind = "kill -9"             // and start again after a while
	faultTerm   faultKind = "SIGTERM"             // likewise
	faultFreeze faultKind = "SIGSTOP, short"      // below the session time-out
	faultPause  faultKind = "SIGSTOP, long"       // beyond it: others take over, and then it wakes
	faultJoin   faultKind = "instance joins"      // and leaves after a while, for good
	faultLeave  faultKind = "instance leaves"     // and comes back after a long while
	faultBroker faultKind = "broker kill -9"      // one node of Apache Kafka
	faultNode   faultKind = "broker node SIGSTOP" // likewise
	faultReboot faultKind = "broker restart"      // Kafka in a box, in order: after a kill it loses open transactions' marks
	faultStall  faultKind = "broker SIGSTOP"      // Kafka in a box answers nobody
	faultErrors faultKind = "broker errors"       // requests of one kind fail
	faultCoords faultKind = "coordinators move"   // every group and transaction has another one
	faultEnd    faultKind = "commit unheard"      // of a transaction in Kafka in a box: carried out, and its answer never comes
	faultHouse  faultKind = "clickhouse kill -9"  // and start again after a while
	faultQuiet  faultKind = "clickhouse SIGSTOP"  // it answers nobody

	faultRefuse   faultKind = "platform refuses connections"
	faultHang     faultKind = "platform hangs"
	faultGarbage  faultKind = "platform answers garbage"
	faultReset    faultKind = "platform resets behind the effect"
	faultThrottle faultKind = "platform throttles"
	faultBusy     faultKind = "platform says -1"
)

// fault is one bad moment of a plan.
type fault struct {
	at     time.Duration // since the start
	kind   faultKind
	target string        // a process's instance, a role, a broker's number, an error of Kafka's, or whose commit
	lasts  time.Duration // until it is healed
}

func (f fault) String() string {
	return strings.TrimSpace(fmt.Sprintf("%6.1fs %s %s, for %s", f.at.Seconds(), f.kind, f.target, f.lasts.Round(100*time.Millisecond)))
}

// cast is who can suffer.
type cast struct {
	roles      []string // instances of doustream
	nodes      int      // of Apache Kafka; 0: Kafka in a box
	clickhouse bool
	only       []string // kinds; empty: all
}

// menuItem is one kind with how often it is drawn and how long it lasts.
type menuItem struct {
	kind     faultKind
	weight   int
	from, to time.Duration
}

// menu is what can happen to this cast. A session times out after ten seconds.
// Leaders move on Apache Kafka alone: a Kafka in a box then tells readers that
// its log was cut, and they begin it again.
func (c cast) menu() []menuItem {
	const s = time.Second
	items := []menuItem{
		{faultKill, 24, 0, 3 * s},
		{faultTerm, 8, 0, 2 * s},
		{faultFreeze, 6, s / 2, 4 * s},
		{faultPause, 5, 11 * s, 14 * s},
		{faultJoin, 6, 8 * s, 20 * s},
		{faultLeave, 3, 8 * s, 16 * s},
		{faultRefuse, 4, s, 6 * s},
		{faultHang, 4, s, 6 * s},
		{faultGarbage, 4, s, 4 * s},
		{faultReset, 5, s, 4 * s},
		{faultThrottle, 4, s, 4 * s},
		{faultBusy, 4, s, 4 * s},
	}
	if c.nodes > 0 {
		items = append(items, menuItem{faultBroker, 14, s, 5 * s}, menuItem{faultNode, 4, s, 12 * s})
	} else {
		items = append(items, menuItem{faultReboot, 6, 0, 2 * s}, menuItem{faultStall, 4, s, 4 * s}, menuItem{faultErrors, 12, 0, 0}, menuItem{faultCoords, 4, 0, 0}, menuItem{faultEnd, 6, s, 3 * s})
	}
	if c.clickhouse {
		items = append(items, menuItem{faultHouse, 6, 0, 3 * s}, menuItem{faultQuiet, 3, s, 5 * s})
	}
	if len(c.only) > 0 {
		items = slices.DeleteFunc(items, func(m menuItem) bool { return !slices.Contains(c.only, string(m.kind)) })
	}
	return items
}

// planFaults draws n faults over a span of time: the same seed, the same plan.
func planFaults(seed uint64, n int, over time.Duration, c cast) []fault {
	rng := rand.New(rand.NewPCG(seed, 0xc4a05)) //nolint:gosec // repeatable on purpose
	menu := c.menu()
	total := 0
	for _, m := range menu {
		total += m.weight
	}
	plan := make([]fault, n)
	for i := range plan {
		m := draw(rng, menu, total)
		plan[i] = fault{
			at: time.Duration(float64(over) * (float64(i) + rng.Float64()) / float64(n)), kind: m.kind,
			lasts: m.from + time.Duration(rng.Int64N(int64(m.to-m.from)+1)), target: c.target(rng, m.kind),
		}
	}
	slices.SortStableFunc(plan, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	return plan
}

func draw(rng *rand.Rand, menu []menuItem, total int) menuItem {
	at := rng.IntN(total)
	for _, m := range menu {
		if at -= m.weight; at < 0 {
			return m
		}
	}
	return menu[len(menu)-1]
}

func (c cast) target(rng *rand.Rand, kind faultKind) string {
	switch kind {
	case faultKill, faultTerm, faultFreeze, faultPause, faultLeave:
		return c.roles[rng.IntN(len(c.roles))]
	case faultJoin:
		return roleOf(c.roles[rng.IntN(len(c.roles))])
	case faultBroker, faultNode:
		return fmt.Sprint(1 + rng.IntN(c.nodes))
	case faultErrors:
		return brokerErrors[rng.IntN(len(brokerErrors))].name
	case faultEnd:
		return unheardEnds[rng.IntN(len(unheardEnds))].name
	}
	return ""
}

// roleOf is the role of an instance: enrich of enrich-2.
func roleOf(instance string) string {
	role, _, _ := strings.Cut(instance, "-")
	return role
}
