package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// step has an instance do the next thing that there is to do, and names it.
// Each is a point at which an owner may die: before and after a turn of its
// loop, an order, a timer, a request and its answer, a transaction.
func (w *world) step(i *instance) string {
	switch {
	case i.turn():
		return "turn"
	case w.takeAny(i):
		return "order"
	case i.fire():
		return "timer"
	case len(i.requests) > 0:
		i.request(0)
		return "request"
	case i.commit(true):
		return "transaction"
	}
	w.now = w.now.Add(50 * time.Millisecond)
	return "time"
}

// storyWorld is a story with every step of an order's walk in it: taken in,
// intended, refused and tried again, sent, throttled, without an answer,
// repeated while it waits and when it is done, without consent, expired.
func storyWorld(policy Unknown) *world {
	w := newWorld(Config{
		Unknown: policy, UserInterval: 100 * time.Millisecond, RetryMin: 200 * time.Millisecond, ConsentWait: 300 * time.Millisecond,
		InFlight: 2, Queue: 4,
	})
	answers := map[string][]error{
		"text of retried": {fault(douyin.KindRetry)}, "text of throttled": {fault(douyin.KindThrottled)},
		"text of lost": {fault(douyin.KindUnknown)}, "text of unsubscribed": {fault(douyin.KindNotSubscribed)},
	}
	w.platform.send = func(n douyin.Notification, _ douyin.Token) error {
		rest := answers[n.Data["thing"]]
		if len(rest) == 0 {
			return nil
		}
		answers[n.Data["thing"]] = rest[1:]
		return rest[0]
	}
	w.consent(answered("rejecting", schemas.ConsentReject, w.now.Add(-time.Hour)))
	for n, id := range []string{"sent", "retried", "throttled", "lost", "unsubscribed", "sent", "first", "second", "sent"} {
		user, partition := id, int32(n%2)
		if id == "first" || id == "second" {
			user, partition = "u1", 0
		}
		w.publish(partition, orderJSON(id, user))
	}
	w.publish(0, orderJSON("unwanted", "rejecting"))
	w.publish(1, orderJSON("late", "u2", fmt.Sprintf(`"expires_at":%d`, w.now.Add(-time.Minute).UnixMilli())))
	w.publish(1, "no order")
	return w
}

// deaths are the ways in which an owner ends, and what it still does after its
// successor began.
var deaths = map[string]func(w *world){
	"killed": func(w *world) {
		w.current.crash()
		w.start()
	},
	"killed with the transaction's answer under way": func(w *world) {
		w.current.commit(false)
		w.current.crash()
		w.start()
	},
	"killed with its requests at the platform": func(w *world) {
		for len(w.current.requests) > 0 {
			w.current.request(0)
		}
		w.current.crash()
		w.start()
	},
	"stopped, continued when its successor is at work": func(w *world) {
		zombie := w.current
		zombie.leaseEnd = w.now
		w.start()
		for range 40 {
			w.step(w.current)
		}
		for zombie.turn() || zombie.fire() || len(zombie.requests) > 0 {
			if len(zombie.requests) > 0 {
				zombie.request(0)
			}
			if zombie.commit(true) {
				panic("a zombie committed")
			}
		}
	},
	"handed over": handOver,
}

// I1, I6, I7: at every single point of the story the owner dies in every way.
// Each order has one result all the same, nothing is sent twice, a user's order
// holds, and no token is fetched without need.
func TestEachCrashPoint(t *testing.T) {
	t.Parallel()
	for _, policy := range []Unknown{UnknownReport, UnknownResend} {
		for name, die := range deaths {
			if policy == UnknownResend && !strings.HasPrefix(name, "killed") {
				continue // what differs under resend is what a successor makes of an INTENT
			}
			t.Run(string(policy)+"/"+name, func(t *testing.T) {
				t.Parallel()
				seen := map[string]int{}
				for point := 0; ; point++ {
					w := storyWorld(policy)
					w.start()
					last := ""
					for range point {
						last = w.step(w.current)
					}
					if len(w.results()) == 11 && len(w.current.task.live) == 0 {
						break
					}
					seen[last]++
					seen[w.deepestStage()]++
					die(w)
					w.run(w.now.Add(time.Minute))
					if name == "handed over" && statusCounts(w)["UNKNOWN"] != 1 {
						t.Fatalf("handed over at point %d: %v, want the lost one UNKNOWN alone", point, statusCounts(w))
					}
					checkStory(t, w, policy, fmt.Sprintf("%s, dead at point %d, after a %s", name, point, last))
				}
				for _, must := range []string{"turn", "order", "timer", "request", "transaction", "QUEUED", "INTENT", "RETRY", "RESULT"} {
					if seen[must] == 0 {
						t.Errorf("no owner died after a %s: %v", must, seen)
					}
				}
			})
		}
	}
}

// deepestStage is how far the order "retried" has come in the log.
func (w *world) deepestStage() string {
	names := map[schemas.Stage]string{schemas.StageQueued: "QUEUED", schemas.StageIntent: "INTENT", schemas.StageRetry: "RETRY", schemas.StageResult: "RESULT"}
	rec := live(w.log[stateTopic])[string(idKey(prefixNotification, idOf("tt1", "retried")))]
	if rec == nil {
		return "none"
	}
	s := must(schemas.DecodeNotificationState(must(w.current.task.codec.open(rec, purposeNotification))))
	return names[s.Stage]
}

func checkStory(t *testing.T, w *world, policy Unknown, when string) {
	t.Helper()
	results, dead := w.results(), w.log[deadTopic]
	for p, records := range w.orders {
		for _, rec := range records {
			source := schemas.Source{Topic: orderTopic, Partition: p, Offset: rec.Offset}
			want := 1
			if string(rec.Value) == "no order" {
				want = 0
			}
			if n := len(results[source]); n != want {
				t.Fatalf("%s: %q has %d results", when, rec.Value, n)
			}
		}
	}
	if len(dead) != 1 {
		t.Fatalf("%s: %d dead letters", when, len(dead))
	}
	accepted, maybe := map[string]int{}, map[string]int{}
	for _, s := range w.platform.sends {
		if s.err == nil {
			accepted[s.Data["thing"]]++
		}
		if s.err == nil || !douyin.KindOf(s.err).Refused() {
			maybe[s.Data["thing"]]++
		}
		if s.Data["thing"] == "text of first" && maybe["text of second"] > 0 {
			t.Fatalf("%s: a user's order is broken", when)
		}
	}
	for _, rs := range results {
		r, text := rs[0], "text of "+rs[0].NotificationID
		switch {
		case policy == UnknownReport && maybe[text] > 1:
			t.Fatalf("%s: %s was sent %d times", when, r.NotificationID, maybe[text])
		case r.Status == schemas.StatusSent && accepted[text] == 0:
			t.Fatalf("%s: %s is SENT and was not", when, r.NotificationID)
		case r.Status == schemas.StatusUnknown && policy == UnknownResend:
			t.Fatalf("%s: %s is UNKNOWN under resend", when, r.NotificationID)
		case (r.NotificationID == "unwanted") != (r.Status == schemas.StatusNoCredit && r.Reason == reasonNoConsent):
			t.Fatalf("%s: %s is %s %s", when, r.NotificationID, statusNames[r.Status], r.Reason)
		}
	}
	if w.platform.issued > 2 { // one, and one more if its owner died before it could say that it had it
		t.Fatalf("%s: %d tokens fetched", when, w.platform.issued)
	}
}
