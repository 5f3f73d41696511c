package enrich

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever is set, set anew and taken back in between, each event comes when the
// alarm that it had last is due, in the order of time, and nothing else does.
func TestAlarmsComeInTimeAndOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		events := make([]*event, 200)
		for i := range events {
			events[i] = new(event)
		}
		clock := alarms{at: func(e *event) *int64 { return &e.wakeClock }}
		want := map[*event]int64{}
		for now := int64(1); now < 2000; now++ {
			for range rng.IntN(4) {
				e := events[rng.IntN(len(events))]
				if rng.IntN(3) == 0 {
					clock.clear(e)
					delete(want, e)
					continue
				}
				at := now + rng.Int64N(300)
				clock.set(e, at)
				want[e] = at
			}
			last := int64(0)
			for e, ok := clock.due(now); ok; e, ok = clock.due(now) {
				if want[e] > now || want[e] < last || want[e] == 0 {
					t.Fatalf("seed %d: at %d came one for %d, after %d", seed, now, want[e], last)
				}
				last = want[e]
				delete(want, e)
			}
			for _, at := range want {
				if at <= now {
					t.Fatalf("seed %d: at %d none came for %d", seed, now, at)
				}
			}
			if least := len(want); len(clock.heap) > 2*least+2*fewAlarms {
				t.Fatalf("seed %d: %d are kept for %d", seed, len(clock.heap), least)
			}
		}
	}
}

// A login that waits for its turn has alarms that lie minutes ahead. When it has
// ended nothing is kept of it, however many there are.
func TestI9EventsThatEndedKeepNoAlarms(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.InFlight = 2 })
	for i := range 2000 {
		b.code(fmt.Sprint("c", i), fmt.Sprint("o", i))
		b.login(fmt.Sprint("s", i), fmt.Sprint("c", i))
		b.loop.advance(time.Millisecond)
	}
	b.loop.advance(time.Second)
	task := b.loop.task
	if n := len(task.byClock.heap) + len(task.byWatermark.heap); n > 4*fewAlarms {
		t.Errorf("%d alarms are kept of %d sessions under way", n, len(task.active))
	}
}

// Alarms that come are no reason to keep those of events that have ended: where one
// event is parked for each that ends, there is as much to throw out as elsewhere.
func TestI9AlarmsThatComeHideNoStaleOnes(t *testing.T) {
	t.Parallel()
	clock := alarms{at: func(e *event) *int64 { return &e.wakeClock }}
	for now := int64(1); now < 5000; now++ {
		parked, ended := new(event), new(event)
		clock.set(parked, now)
		clock.set(ended, now+180_000)
		clock.due(now)
		clock.clear(ended)
	}
	if n := len(clock.heap); n > 4*fewAlarms {
		t.Errorf("%d alarms are kept, and none counts", n)
	}
}
