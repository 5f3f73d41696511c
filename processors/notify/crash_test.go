package notify

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// I1, I7: wherever an owner dies (before or after a transaction, with or
// without its answer; before, during or after a request), however late what it
// left behind still acts, and however its successors die: every order has
// exactly one result, and a notification is sent at most once. This one walks at
// random; TestEachCrashPoint dies at every point of one story.
func TestRandomCrashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { crashes(rt, UnknownReport) })
}

// Under resend a notification is sent at least once.
func TestRandomCrashesUnderResend(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { crashes(rt, UnknownResend) })
}

func crashes(rt *rapid.T, policy Unknown) {
	w := newWorld(Config{Unknown: policy, InFlight: 4, Queue: 8, UserInterval: time.Millisecond})
	kinds := []error{
		nil, nil, nil, fault(douyin.KindUnknown), fault(douyin.KindRetry), fault(douyin.KindThrottled),
		fault(douyin.KindToken), fault(douyin.KindBadRequest), fault(douyin.KindNotSent),
	}
	calm := false
	w.platform.send = func(douyin.Notification, douyin.Token) error {
		if calm {
			return nil
		}
		return rapid.SampledFrom(kinds).Draw(rt, "answer")
	}
	var zombies []*instance
	w.start()
	w.run(w.now.Add(time.Second)) // the token is there
	steps := map[string]func(){
		"publish": func() {
			n := rapid.IntRange(0, 5).Draw(rt, "id")
			w.publish(rapid.Int32Range(0, 1).Draw(rt, "partition"), orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n%2)))
		},
		"go on": func() {
			if !w.current.turn() && !w.takeAny(w.current) && !w.current.fire() {
				w.now = w.now.Add(10 * time.Millisecond)
			}
		},
		"windows": func() { // all that there is, before any of it retires
			for p := range int32(2) {
				for w.current.hand(p) {
				}
			}
			w.current.settle()
		},
		"time":    func() { w.now = w.now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(rt, "ms")) * time.Millisecond) },
		"request": func() { request(rt, w.current) },
		"commit": func() {
			w.current.commitSome(rapid.IntRange(0, len(w.current.out)).Draw(rt, "entries"), true)
		},
		"bustle": func() { w.run(w.now.Add(50 * time.Millisecond)) },
		"lease short": func() {
			w.current.leaseEnd = w.now.Add(100 * time.Millisecond)
		},
		"lease long": func() { w.current.leaseEnd = time.Time{} },
		"crash": func() {
			w.current.commitSome(rapid.IntRange(0, len(w.current.out)).Draw(rt, "entries"), rapid.Bool().Draw(rt, "heard"))
			zombies = append(zombies, w.current)
			w.current.crash()
			w.start()
		},
		"pause": func() { // a predecessor that does not know yet goes on
			zombies = append(zombies, w.current)
			w.start()
		},
		"commit unanswered": func() {
			w.current.commit(false)
			zombies = append(zombies, w.current)
			w.current.crash()
			w.start()
		},
		"hand over": func() { handOver(w) },
		"zombie acts": func() {
			if len(zombies) == 0 {
				return
			}
			z := zombies[rapid.IntRange(0, len(zombies)-1).Draw(rt, "zombie")]
			if rapid.Bool().Draw(rt, "request") {
				request(rt, z)
				return
			}
			if !z.turn() {
				z.fire()
			}
		},
	}
	often := map[string]int{"publish": 4, "go on": 20, "commit": 6, "request": 4}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		names = append(names, slices.Repeat([]string{name}, max(often[name], 1))...)
	}
	for range rapid.IntRange(1, 300).Draw(rt, "steps") {
		steps[rapid.SampledFrom(names).Draw(rt, "step")]()
	}
	calm = true
	w.current.leaseEnd = time.Time{}
	w.run(w.now.Add(2 * time.Hour))
	for _, z := range zombies { // the last of what they left
		for len(z.requests) > 0 {
			z.request(0)
		}
	}
	check(rt, w, policy)
	if a := w.current.task.apps["tt1"]; a.size != 0 || a.bytes != 0 || len(a.stalled) != 0 || a.inFlight != 0 || len(w.current.task.crowds) != 0 {
		rt.Errorf("with everything done the app counts %d orders of %d bytes, %d held back, %d in flight, %d being taken in",
			a.size, a.bytes, len(a.stalled), a.inFlight, len(w.current.task.crowds))
	}
}

func request(rt *rapid.T, i *instance) {
	if n := len(i.requests); n > 0 {
		i.request(rapid.IntRange(0, n-1).Draw(rt, "which"))
	}
}

// handOver drains the owner and commits what it drained.
func handOver(w *world) {
	i := w.current
	i.leaseEnd = time.Time{}
	drained := false
	i.task.Drain(func() { drained = true })
	for !drained {
		if len(i.requests) > 0 {
			i.request(0)
		} else if !i.turn() {
			break
		}
	}
	i.settle()
	i.commit(true)
	i.crash()
	if !drained {
		panic("drain did not end")
	}
	w.start()
}

func check(rt *rapid.T, w *world, policy Unknown) {
	results := w.results()
	orders := 0
	for p, recs := range w.orders {
		for _, rec := range recs {
			orders++
			source := schemas.Source{Topic: orderTopic, Partition: p, Offset: rec.Offset}
			if n := len(results[source]); n != 1 {
				rt.Errorf("order %v has %d results", source, n)
			}
		}
	}
	if len(results) != orders {
		rt.Errorf("%d results for %d orders", len(results), orders)
	}
	maybe, accepted := map[string]int{}, map[string]int{}
	for _, s := range w.platform.sends {
		switch {
		case s.err == nil:
			accepted[s.Data["thing"]]++
			maybe[s.Data["thing"]]++
		case !douyin.KindOf(s.err).Refused():
			maybe[s.Data["thing"]]++
		}
	}
	for _, rs := range results {
		r, text := rs[0], "text of "+rs[0].NotificationID
		if policy == UnknownReport && maybe[text] > 1 {
			rt.Errorf("%s was sent %d times", r.NotificationID, maybe[text])
		}
		if r.Status == schemas.StatusSent && accepted[text] == 0 {
			rt.Errorf("%s is SENT and was not", r.NotificationID)
		}
		if r.Status != schemas.StatusSent && r.Status != schemas.StatusUnknown && maybe[text] > 0 && policy == UnknownReport {
			rt.Errorf("%s is %v and was sent", r.NotificationID, r.Status)
		}
	}
}

// An orderly hand-over makes no UNKNOWN.
func TestHandOverMakesNoUnknown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(Config{Rate: 100, InFlight: 8, UserInterval: time.Millisecond})
		w.start()
		w.run(w.now.Add(time.Second)) // the token is there
		for n := range 30 {
			w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
		}
		for range rapid.IntRange(1, 5).Draw(rt, "rollouts") {
			for range rapid.IntRange(0, 200).Draw(rt, "steps") {
				i := w.current
				switch rapid.IntRange(0, 4).Draw(rt, "step") {
				case 0:
					i.commit(true)
				case 1:
					w.now = w.now.Add(10 * time.Millisecond)
					i.fire()
				case 2:
					request(rt, i)
				default:
					if !i.turn() {
						w.takeAny(i)
					}
				}
			}
			handOver(w)
		}
		w.run(w.now.Add(time.Hour))
		for source, rs := range w.results() {
			if len(rs) != 1 || rs[0].Status != schemas.StatusSent {
				rt.Errorf("%v: %+v", source, rs)
			}
		}
		if n := len(w.platform.sends); n != 30 {
			rt.Errorf("%d sends of 30", n)
		}
	})
}

// A state record that cannot be opened ends the task: without it, it could
// send twice.
func TestForeignSealEndsTheTask(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.publish(0, orderJSON("n1", "u1"))
	w.start()
	w.run(w.now.Add(time.Minute))
	for _, rec := range w.log[stateTopic] {
		rec.Value = append([]byte(nil), rec.Value...)
		rec.Value[len(rec.Value)-1] ^= 1
	}
	if i := w.start(); i.failed == nil {
		t.Error("it opened")
	}
}
