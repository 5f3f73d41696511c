package enrich

import (
	"bytes"
	"container/heap"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

// kneeSim is a platform on virtual time that works at so many exchanges at once
// and has the others queue, under as much load as the limit lets through.
type kneeSim struct {
	knee    *knee
	bears   int           // at once; beyond, exchanges queue
	latency time.Duration // of one that does not queue
	noise   float64       // its spread: up to so many times more
	load    int           // at most so many at once are wanted
	gives   time.Duration // after which who queues gives up
	shares  bool          // none queues: all get slower, so that no answer is quick

	now      time.Time
	random   *rand.Rand
	working  finishes
	queued   []time.Time // when they began
	finished int
}

// leastLatency is what a platform of 0 takes.
const leastLatency = 2 * time.Millisecond

type finish struct{ began, ends time.Time }

type finishes []finish

func (f finishes) Len() int           { return len(f) }
func (f finishes) Less(i, j int) bool { return f[i].ends.Before(f[j].ends) }
func (f finishes) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *finishes) Push(x any)        { *f = append(*f, x.(finish)) }
func (f *finishes) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}

func newKneeSim(most, bears int, latency time.Duration) *kneeSim {
	return &kneeSim{
		knee: newKnee(most), bears: bears, latency: latency, noise: 0.2, load: most, gives: time.Hour,
		now: time.Unix(1e9, 0), random: rand.New(rand.NewPCG(1, 2)),
	}
}

// run goes on for so long, and answers the share of what the platform bears, or of
// what the load asks for, that was done.
func (s *kneeSim) run(d time.Duration) (share float64) {
	until, before := s.now.Add(d), s.finished
	for s.feed(); len(s.working) > 0 && s.working[0].ends.Before(until); s.feed() {
		f := heap.Pop(&s.working).(finish)
		s.now = f.ends
		s.finished++
		s.knee.answered(s.now, s.now.Sub(f.began))
	}
	s.now = until
	mean := s.latency.Seconds()*(1+s.noise/2) + leastLatency.Seconds()
	return float64(s.finished-before) / (float64(min(s.bears, s.load)) * d.Seconds() / mean)
}

func (s *kneeSim) feed() {
	for len(s.queued) > 0 && s.now.Sub(s.queued[0]) >= s.gives {
		s.knee.unanswered(s.now, s.now.Sub(s.queued[0]))
		s.queued = s.queued[1:]
	}
	for n := len(s.working) + len(s.queued); n < s.load && s.knee.admits(n); n++ {
		s.queued = append(s.queued, s.now)
		s.knee.began(n + 1)
	}
	for len(s.queued) > 0 && (len(s.working) < s.bears || s.shares) {
		takes := leastLatency + time.Duration(float64(s.latency)*(1+s.noise*s.random.Float64()))
		if s.shares {
			takes = time.Duration(float64(takes) * max(1, s.knee.limit/float64(s.bears)))
		}
		heap.Push(&s.working, finish{s.queued[0], s.now.Add(takes)})
		s.queued = s.queued[1:]
	}
}

// within has the limit stand under a bound while the platform is used to at
// least nine tenths, each few seconds of a minute.
func (s *kneeSim) within(t *testing.T, most float64) {
	t.Helper()
	for range 12 {
		if share := s.run(5 * time.Second); share < 0.9 || s.knee.limit > most {
			t.Errorf("limit %v, %.0f%% of the platform used; want at most %v, and 90%%", s.knee.limit, 100*share, most)
		}
	}
}

func TestLimitFindsTheKneeFromAnyStart(t *testing.T) {
	t.Parallel()
	for _, bears := range []int{16, 200} {
		for _, start := range []float64{4, 64, 512, 1024} {
			s := newKneeSim(1024, bears, 50*time.Millisecond)
			s.knee.limit, s.knee.step = start, start
			s.run(12 * time.Second)
			s.within(t, float64(bears)*3)
		}
	}
}

// Begun beyond the knee, no answer tells how quick one would be.
func TestLimitFindsTheKneeOfAPlatformThatHasOnlyBeenSeenSlow(t *testing.T) {
	t.Parallel()
	for bears, d := range map[int]time.Duration{16: 15 * time.Second, 200: kneeCheck + 5*time.Second} {
		s := newKneeSim(1024, bears, 50*time.Millisecond)
		s.shares, s.knee.limit = true, 1024
		s.run(d)
		s.within(t, float64(bears)*3)
	}
}

func TestLimitFollowsAPlatformThatBearsLessForAWhile(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 200, 50*time.Millisecond)
	s.run(10 * time.Second)
	s.bears = 10
	s.run(20 * time.Second)
	s.within(t, 40)
	s.bears = 200
	s.run(3 * time.Second)
	s.within(t, 600)
}

// What is slow whatever the load is does not get quicker by less of it.
func TestLimitStaysWhenThePlatformIsSlowWhateverTheLoad(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 1024, 50*time.Millisecond)
	s.run(10 * time.Second)
	s.latency = 500 * time.Millisecond
	s.run(5 * time.Second)
	s.within(t, 1024)
	s.latency = 50 * time.Millisecond
	s.run(3 * time.Second)
	s.within(t, 1024)
}

func TestHealthyPlatformIsUsedInFull(t *testing.T) {
	t.Parallel()
	for latency, d := range map[time.Duration]time.Duration{
		0: 200 * time.Millisecond, 5 * time.Millisecond: time.Second,
		50 * time.Millisecond: kneeCheck + 5*time.Second, 200 * time.Millisecond: 2*kneeCheck + 5*time.Second,
	} {
		for _, noise := range []float64{0.2, 2} {
			s := newKneeSim(1024, 1024, latency)
			s.noise = noise
			if s.run(2 * time.Second); s.knee.limit != 1024 {
				t.Errorf("limit %v after two seconds of %v; want 1024", s.knee.limit, latency)
			}
			if share := s.run(d); share < 0.95 || s.knee.limit < 1000 {
				t.Errorf("%.0f%% of a platform of %v with noise %v used, limit %v; want 95%%", 100*share, latency, noise, s.knee.limit)
			}
		}
	}
}

// A collection of garbage, or a neighbour on the same processors: whatever is under
// way is late, once.
func TestAHiccupDoesNotMoveTheLimit(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 1024, 50*time.Millisecond)
	s.run(10 * time.Second)
	for range 5 {
		for i := range s.working {
			s.working[i].ends = s.working[i].ends.Add(200 * time.Millisecond)
		}
		for range 100 {
			s.run(10 * time.Millisecond)
			if s.knee.limit != 1024 || s.knee.from != nil {
				t.Fatalf("limit %v; want 1024", s.knee.limit)
			}
		}
	}
}

// Processors that others use too are short of time again and again, for longer than a
// hiccup. A descent for each of those would leave the platform idle at its foot.
func TestALimitIsEasedBeforeItDescends(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 225, 50*time.Millisecond)
	s.run(10 * time.Second)
	done, bears := 0.0, 0.0
	for range 40 {
		for _, spell := range []struct {
			bears int
			lasts time.Duration
		}{{225, time.Second}, {60, 500 * time.Millisecond}} {
			s.bears = spell.bears
			could := float64(spell.bears) * spell.lasts.Seconds()
			done, bears = done+s.run(spell.lasts)*could, bears+could
		}
	}
	if share := done / bears; share < 0.96 {
		t.Errorf("%.1f%% of what the platform bears was used; want 96%%", 100*share)
	}
}

func TestLowLoadDoesNotMoveTheLimit(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 1024, 50*time.Millisecond)
	s.load = 20
	if s.run(time.Minute); s.knee.limit != 64 {
		t.Errorf("limit %v; want the 64 that it begins with", s.knee.limit)
	}
	s.load = 1024
	s.run(2 * time.Second)
	s.load = 20
	check := s.knee.check
	for _, latency := range []time.Duration{50 * time.Millisecond, 400 * time.Millisecond, 20 * time.Millisecond} {
		s.latency = latency
		s.run(time.Minute)
		if s.knee.limit != 1024 || !s.knee.check.Equal(check) {
			t.Errorf("limit %v with 20 at once of %v each; want 1024", s.knee.limit, latency)
		}
	}
}

func TestTimeOutsLowerTheLimit(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 200, 50*time.Millisecond)
	s.gives = time.Second
	s.run(5 * time.Second)
	s.bears = 4 // nearly all give up
	s.run(20 * time.Second)
	s.within(t, 40)
	s.bears = 200
	s.run(5 * time.Second)
	s.within(t, 600)
}

// Exchanges that are given up take as long at any load: less of it seems in vain.
func TestLimitFallsWhileNothingIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 1024, 50*time.Millisecond)
	s.run(time.Second)
	for range 40_000 {
		s.now = s.now.Add(time.Millisecond)
		s.knee.began(int(s.knee.limit))
		s.knee.unanswered(s.now, time.Second)
	}
	if limit, base := s.knee.limit, s.knee.base; limit != leastInFlight || base > 60*time.Millisecond {
		t.Errorf("limit %v, base %v; want %v and about 50ms", limit, base, leastInFlight)
	}
}

func TestConnectionsThatAreResetSoonDoNotMoveTheLimit(t *testing.T) {
	t.Parallel()
	s := newKneeSim(1024, 1024, 50*time.Millisecond)
	for range 5000 {
		s.now = s.now.Add(time.Millisecond)
		s.knee.began(512)
		s.knee.unanswered(s.now, time.Millisecond)
	}
	if limit, base := s.knee.limit, s.knee.base; limit != 64 || base != 0 {
		t.Errorf("limit %v, base %v; want the 64 that it begins with, and none", limit, base)
	}
}

// A minute of a platform that gets slower in proportion to what is under way
// beyond 16, through the permits as the tasks take them.
func TestPermitsFollowTheKnee(t *testing.T) {
	limited(t, func(c *Config) { c.InFlight = 1024 }, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		var under, done atomic.Int64
		exchange := func(p permit) {
			n := under.Add(1)
			took := 50 * time.Millisecond * time.Duration(max(16, n)) / 16
			time.Sleep(took)
			under.Add(-1)
			done.Add(1)
			p.done(took, nil)
		}
		end := time.Now().Add(time.Minute)
		woken := make(chan struct{}, 1)
		w := &waiter{wake: func() bool {
			select {
			case woken <- struct{}{}:
			default:
			}
			return true
		}}
		for time.Now().Before(end) {
			if p, _ := l.try(testApp, false, w); p != nil {
				told := func(v verdict) bool {
					if v == verdictGo {
						go exchange(p)
					}
					return v == verdictGo
				}
				if v := p.ready(told); v != verdictWait && !told(v) {
					p.drop()
				}
			} else {
				<-woken
			}
		}
		if limit, n := l.apps[testApp].knee.limit, done.Load(); limit < 14 || limit > 48 || n < 60*320*8/10 {
			t.Errorf("limit %v, %d exchanges in a minute; want a limit of 16 to 48, and at most %d", limit, n, 60*320)
		}
		time.Sleep(10 * time.Second)
	})
}
