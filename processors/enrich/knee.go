package enrich

import (
	"math"
	"slices"
	"time"
)

// knee finds how many exchanges at once the platform bears: up to its knee more
// at once is more throughput, beyond it they only queue there. Times tell which:
// it compares the median of a window with the time of an answer that did not
// queue, and lowers the load to what that allows. Where it is in doubt, or that was
// in vain, it descends: it halves the load for as long as that makes answers
// quicker. A platform that is slow whatever the load is is not throttled for it. Not
// safe for concurrent use.
type knee struct {
	least, limit, most float64

	step  float64       // by which the limit grows next
	base  time.Duration // median of answers that did not queue; 0: not known yet
	from  *level        // where the descent began; nil: none is under way
	last  level         // the level above in a descent
	check time.Time     // when to descend although nothing seems wrong: base may be
	sure  bool          // it did, once
	slow  bool          // the last window was beyond the knee: one alone may be a hiccup, of ours too
	eased bool          // the load was lowered for that, and no window has been quick since
	open  kneeWindow
}

// level is a load and what came of it.
type level struct {
	load, limit float64
	took        time.Duration
	lost        bool // most got no answer in time
}

// kneeWindow holds answers to exchanges that began in it, about a round trip's.
type kneeWindow struct {
	since time.Time
	peak  int // most exchanges at once
	lost  int // got no answer
	took  []time.Duration
	sum   time.Duration
}

const (
	// kneeSlack is a queueing time that is let be: this process's own, and that of
	// whatever is between, is no less on a busy machine.
	kneeSlack     = 50 * time.Millisecond
	kneeDoubt     = 500 * time.Millisecond // who answers so slowly from the start may be beyond the knee
	kneeCheck     = 30 * time.Second
	kneeAnswers   = 8 // at least, in a window
	kneeMost      = 4096
	leastInFlight = 4
)

// newKnee begins low, a few steps below the most: answers that did not queue are seen
// first, and each step up shows whether more at once is slower.
func newKnee(most int) *knee {
	least := min(leastInFlight, most)
	start := max(most/16, min(most, 64), least)
	return &knee{least: float64(least), limit: float64(start), most: float64(most), step: float64(start)}
}

// admits reports whether one more may be under way beside so many.
func (k *knee) admits(inFlight int) bool { return float64(inFlight) < k.limit }

// began notes how many are under way with one that begins.
func (k *knee) began(inFlight int) { k.open.peak = max(k.open.peak, inFlight) }

// answered notes that the platform took so long for an answer.
func (k *knee) answered(now time.Time, took time.Duration) { k.note(now, took, false) }

// unanswered notes an exchange that got no answer; one that was cut off soon
// says nothing about the load.
func (k *knee) unanswered(now time.Time, after time.Duration) {
	if after > k.tooLong() {
		k.note(now, after, true)
	}
}

func (k *knee) note(now time.Time, took time.Duration, lost bool) {
	w := &k.open
	if w.since.IsZero() {
		w.since, k.check = now.Add(-took), now.Add(kneeCheck)
	}
	if now.Add(-took).Before(w.since) || len(w.took) == kneeMost && now.Sub(w.since) < took {
		return // it says what the load was before
	}
	w.took = append(w.took, took)
	w.sum += took
	if lost {
		w.lost++
	}
	n := len(w.took)
	// The quick ones come first: only after more than a mean are the others in.
	if n < kneeAnswers || n < kneeMost && now.Sub(w.since) < w.sum/time.Duration(n)*5/4 {
		return
	}
	slices.Sort(w.took)
	k.learn(now, level{
		load: min(k.limit, float64(w.peak)), limit: k.limit, took: w.took[n/2], lost: w.lost > n/2,
	})
	k.open = kneeWindow{since: now, took: w.took[:0]}
}

// target is the time of an answer at the knee, tooLong that of one beyond it.
// In between the limit stays.
func (k *knee) target() time.Duration  { return k.base*5/4 + kneeSlack/2 }
func (k *knee) tooLong() time.Duration { return k.base*3/2 + kneeSlack }

func (k *knee) learn(now time.Time, here level) {
	full := here.load > k.limit-1
	slow := here.took > k.tooLong() && here.load >= k.limit/2
	twice := slow && (k.slow || here.lost)
	k.slow = slow && !twice
	k.eased = k.eased && slow
	if !here.lost && (k.base == 0 || here.took < k.base) {
		k.base = here.took
	}
	switch {
	case k.from != nil:
		k.descended(now, here)
	case twice && k.sure && !k.eased && !here.lost:
		k.ease(here)
	case twice,
		full && here.took > kneeSlack && now.After(k.check),
		full && here.took > kneeDoubt && !k.sure:
		k.from = &here
		k.descend(here)
	case full && here.took <= k.target():
		k.limit = min(k.limit+k.step, k.most)
		k.step = min(2*k.step, k.limit)
	case full:
		k.step = 1
	}
}

// ease lowers the load to what should be quick, without a descent, which leaves the
// platform idle at its foot: processors of ours that others use too are short of time
// again and again. If it was in vain, a descent follows.
func (k *knee) ease(here level) {
	k.eased, k.step = true, 1
	k.limit = max(math.Floor(here.load*float64(k.target())/float64(here.took)), math.Floor(here.load/2), k.least)
}

func (k *knee) descend(here level) {
	k.last = here
	k.limit = max(math.Floor(here.load/2), k.least)
}

// descended goes on down as long as less load is quicker, or nothing is answered
// in time. At the foot, what the platform did in each second at the top, for as
// long as an answer should take, is what it bears at once.
func (k *knee) descended(now time.Time, here level) {
	quicker := here.took < k.last.took*7/8 && here.took > kneeSlack
	if (quicker || here.lost) && k.limit > k.least {
		k.descend(here)
		return
	}
	top := *k.from
	k.from, k.step, k.check, k.sure = nil, 1, now.Add(kneeCheck), true
	if here.lost {
		return // at the least
	}
	k.base, k.limit = here.took, top.limit
	if bears := top.load * float64(k.target()) / float64(top.took); bears < top.load {
		k.limit = max(math.Floor(bears), k.least)
	}
}
