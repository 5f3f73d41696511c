package enrich

import (
	"bytes"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"doustream/platform/douyin"
)

// waiting takes permits of an app whose SENT stands, and which wait; heard is what
// they are told.
type waiting struct {
	permits []permit
	heard   []verdict
}

func (w *waiting) add(t *testing.T, l *limits, app string) {
	t.Helper()
	p, _ := l.try(app, false, idle())
	if p == nil {
		t.Fatal("no permit")
	}
	i := len(w.permits)
	w.permits, w.heard = append(w.permits, p), append(w.heard, verdictWait)
	w.heard[i] = p.ready(func(v verdict) bool {
		w.heard[i] = v
		return true
	})
}

func TestExchangesWhoseSentStandsLeaveInTurnAsOthersEnd(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		taken, _ := takeAll(l, testApp, 64)
		var w waiting
		for range 3 {
			w.add(t, l, testApp)
		}
		for i := range 3 {
			if want := 3 - i; slices.Index(append(w.heard, verdictWait), verdictWait) != i || l.underWay != 64 {
				t.Fatalf("after %d ends: %v, %d under way; want %d to wait", i, w.heard, l.underWay, want)
			}
			taken[i].done(0, nil)
		}
		if !slices.Equal(w.heard, []verdict{verdictGo, verdictGo, verdictGo}) {
			t.Errorf("%v; want all to have left", w.heard)
		}
	})
}

// The slots of one app's exchanges that end are not that app's alone.
func TestAppsLeaveInTurn(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		taken, _ := takeAll(l, testApp, 64)
		var w waiting
		for _, app := range []string{testApp, testApp, otherApp, otherApp} {
			w.add(t, l, app)
		}
		taken[0].done(0, nil)
		taken[1].done(0, nil)
		if w.heard[0] != verdictGo || w.heard[2] != verdictGo || l.underWay != 64 {
			t.Errorf("%v, %d under way; want one of each app to have left", w.heard, l.underWay)
		}
	})
}

func TestExchangesThatWaitAreCalledOffWhenThePlatformStops(t *testing.T) {
	for name, kind := range map[string]douyin.Kind{"it does not answer": douyin.KindUnknown, "it refuses the app": douyin.KindConfig} {
		t.Run(name, func(t *testing.T) {
			limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
				l.ahead.mean, l.apps[testApp].ahead.mean = 1000, 1000 // as if so many ended while a SENT is written
				taken, _ := takeAll(l, testApp, 64)
				var w, other waiting
				other.add(t, l, otherApp)
				for range 40 {
					w.add(t, l, testApp)
				}
				writing, _ := l.try(testApp, false, idle())
				for _, p := range taken[:30] {
					p.done(10*time.Second, kindError(kind))
				}
				if w.heard[39] != verdictOff || slices.Contains(w.heard, verdictWait) {
					t.Errorf("%v; want the last to be called off, and none to wait", w.heard)
				}
				if v := writing.ready(func(verdict) bool { return true }); v != verdictOff {
					t.Errorf("one whose SENT stands only now: %v; want it to be called off", v)
				}
				if other.heard[0] != verdictGo {
					t.Errorf("another app's: %v; want it to have left", other.heard)
				}
			})
		})
	}
}

func TestExchangeThatIsDroppedWhileItWaitsHoldsUpNobody(t *testing.T) {
	for name, gone := range map[string]bool{"dropped": false, "its task is gone": true} {
		t.Run(name, func(t *testing.T) {
			limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
				taken, _ := takeAll(l, testApp, 64)
				p, _ := l.try(testApp, false, idle())
				p.ready(func(verdict) bool { return !gone })
				var w waiting
				w.add(t, l, testApp)
				if !gone {
					p.drop()
				}
				taken[0].done(0, nil)
				if w.heard[0] != verdictGo || l.underWay != 64 {
					t.Errorf("the one behind it: %v, %d under way; want it to have left, and 64", w.heard, l.underWay)
				}
				p.drop() // as its task does when it closes
				for _, p := range append(taken[1:], w.permits...) {
					p.done(0, nil)
				}
				if l.underWay != 0 || l.permits != 0 {
					t.Errorf("%d under way, %d permits; want none", l.underWay, l.permits)
				}
			})
		})
	}
}

// What Kafka takes for a SENT costs the platform nothing of what it bears.
func TestThePlatformIsKeptBusyWhileSentsAreWritten(t *testing.T) {
	for name, test := range map[string]struct{ writing, platform time.Duration }{
		"a quick platform": {writing: 20 * time.Millisecond, platform: 5 * time.Millisecond},
		"a slow platform":  {writing: 20 * time.Millisecond, platform: 200 * time.Millisecond},
		"a slow broker":    {writing: 200 * time.Millisecond, platform: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			limited(t, func(c *Config) { c.InFlight = 64 }, func(t *testing.T, l *limits, _ *bytes.Buffer) {
				l.apps[testApp].knee.limit = 16 // as if it had found it
				l.apps[testApp].knee.most = 16
				var done, most atomic.Int64
				const lasts = 20 * time.Second
				end := time.Now().Add(lasts)
				exchange := func(p permit) {
					_, n := l.counts()
					most.Store(max(most.Load(), int64(n)))
					time.Sleep(test.platform)
					done.Add(1)
					p.done(test.platform, nil)
				}
				woken := make(chan struct{}, 1)
				w := &waiter{wake: func() bool {
					select {
					case woken <- struct{}{}:
					default:
					}
					return true
				}}
				for time.Now().Before(end) {
					p, _ := l.try(testApp, false, w)
					if p == nil {
						<-woken
						continue
					}
					go func() {
						time.Sleep(test.writing)
						told := func(verdict) bool { go exchange(p); return true }
						if p.ready(told) == verdictGo {
							exchange(p)
						}
					}()
				}
				ceiling := 16 * int64(lasts/test.platform)
				if n := done.Load(); n < ceiling*9/10 || most.Load() > 16 {
					t.Errorf("%d exchanges of at most %d, %d at once; want nine tenths, and 16", n, ceiling, most.Load())
				}
				if permits, _ := l.counts(); permits > 16+64 {
					t.Errorf("%d have permits; want 16, and 64 at most that are ahead", permits)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

func (l *limits) counts() (permits, underWay int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.permits, l.underWay
}
