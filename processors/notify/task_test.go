package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// one runs a world with one order until it rests, and answers its results.
func one(t *testing.T, w *world, source schemas.Source) schemas.NotificationResult {
	t.Helper()
	rs := w.results()[source]
	if len(rs) != 1 {
		t.Fatalf("%d results of %v, want one", len(rs), source)
	}
	return rs[0]
}

// What the platform answers decides what becomes of an order.
func TestFate(t *testing.T) {
	t.Parallel()
	type answers []error
	tests := []struct {
		name    string
		cfg     Config
		answers answers // then accepted
		status  schemas.Status
		reason  string
		sends   int
	}{
		{"accepted", Config{}, nil, schemas.StatusSent, reasonSent, 1},
		{"no answer is reported and not sent again", Config{}, answers{fault(douyin.KindUnknown)}, schemas.StatusUnknown, reasonOutcomeUnknown, 1},
		{"an error of nobody's is no answer", Config{}, answers{fmt.Errorf("odd")}, schemas.StatusUnknown, reasonOutcomeUnknown, 1},
		{"no answer is sent again under resend", Config{Unknown: UnknownResend}, answers{fault(douyin.KindUnknown)}, schemas.StatusSent, reasonSent, 2},
		{"not sent: again", Config{}, answers{fault(douyin.KindNotSent)}, schemas.StatusSent, reasonSent, 2},
		{"refused and passing: again", Config{}, answers{fault(douyin.KindRetry), fault(douyin.KindRetry)}, schemas.StatusSent, reasonSent, 3},
		{"throttled: again", Config{}, answers{fault(douyin.KindThrottled)}, schemas.StatusSent, reasonSent, 2},
		{"quota: again, later", Config{}, answers{fault(douyin.KindQuota)}, schemas.StatusSent, reasonSent, 2},
		{"token refused: again with another", Config{}, answers{fault(douyin.KindToken)}, schemas.StatusSent, reasonSent, 2},
		{"app refused: again, later", Config{}, answers{fault(douyin.KindConfig)}, schemas.StatusSent, reasonSent, 2},
		{"bad request", Config{}, answers{fault(douyin.KindBadRequest)}, schemas.StatusRefused, reasonBadRequest, 1},
		{"content", Config{}, answers{fault(douyin.KindContent)}, schemas.StatusRefused, reasonContent, 1},
		{"user", Config{}, answers{fault(douyin.KindUser)}, schemas.StatusRefused, reasonUser, 1},
		{"not subscribed", Config{}, answers{fault(douyin.KindNotSubscribed)}, schemas.StatusNoCredit, reasonNotSubscribed, 1},
		{"v1", Config{Driver: DriverV1}, answers{fault(douyin.KindThrottled)}, schemas.StatusSent, reasonSent, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(tt.cfg)
			rest := tt.answers
			w.platform.send = func(douyin.Notification, douyin.Token) error {
				if len(rest) == 0 {
					return nil
				}
				err := rest[0]
				rest = rest[1:]
				return err
			}
			source := w.publish(0, orderJSON("n1", "u1"))
			w.start()
			w.run(w.now.Add(time.Hour))
			r := one(t, w, source)
			if r.Status != tt.status || r.Reason != tt.reason {
				t.Errorf("%v %q, want %v %q", r.Status, r.Reason, tt.status, tt.reason)
			}
			if len(w.platform.sends) != tt.sends || int(r.Attempts) != tt.sends {
				t.Errorf("%d sends, %d attempts, want %d", len(w.platform.sends), r.Attempts, tt.sends)
			}
			if n := len(w.log[deadTopic]); n != 0 {
				t.Errorf("%d dead letters", n)
			}
		})
	}
}

// Every kind of the client's errors has a fate.
func TestEveryKindHasAFate(t *testing.T) {
	t.Parallel()
	for _, k := range douyin.Kinds() {
		if _, ok := fates[k]; !ok {
			t.Errorf("%v has none", k)
		}
	}
}

// What is not a good order ends without a request.
func TestOrdersThatAreNotSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		value  string
		status schemas.Status
		reason string // of the result, or of the dead letter
		dead   bool
	}{
		{"empty", "", 0, "invalid", true},
		{"not JSON", "hello", 0, "undecodable", true},
		{"no notification_id", `{"app_id":"tt1","open_id":"u","template_id":"t","data":{}}`, 0, "invalid", true},
		{"no open_id", `{"notification_id":"n","app_id":"tt1","template_id":"t","data":{"a":"b"}}`, schemas.StatusInvalid, "invalid", false},
		{"another app", `{"notification_id":"n","app_id":"tt9","open_id":"u","template_id":"t","data":{"a":"b"}}`, schemas.StatusInvalid, "app_unknown", false},
		{"lacks its template's keyword", orderJSON("n", "u"), schemas.StatusInvalid, "invalid", false},
		{"too large", orderJSON("n", "u", `"note":"`+strings.Repeat("x", 3000)+`"`), schemas.StatusInvalid, "too_large", false},
		{"notification_id too long", orderJSON(strings.Repeat("n", 600), "u"), schemas.StatusInvalid, "invalid", false},
		{"expires_at of 0 is 1970", `{"notification_id":"n","app_id":"tt1","open_id":"u","template_id":"t2","data":{"a":"b"},"expires_at":0}`, schemas.StatusExpired, reasonExpired, false},
		{"past its time", `{"notification_id":"n","app_id":"tt1","open_id":"u","template_id":"t2","data":{"a":"b"},"expires_at":1700000000000}`, schemas.StatusExpired, reasonExpired, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{OrderBytes: 2048, Templates: map[string]Template{"tpl": {Kind: TemplateOneTime, Keys: []string{"other"}}}})
			source := w.publish(0, tt.value)
			w.start()
			w.run(w.now.Add(time.Minute))
			if len(w.platform.sends) != 0 {
				t.Error("it was sent")
			}
			if tt.dead {
				if len(w.log[deadTopic]) != 1 || string(w.log[deadTopic][0].Key) != tt.reason || string(w.log[deadTopic][0].Value) != tt.value {
					t.Errorf("dead letters %v, want one of %s", w.log[deadTopic], tt.reason)
				}
				if len(w.results()) != 0 {
					t.Error("it has a result")
				}
				return
			}
			if r := one(t, w, source); r.Status != tt.status || r.Reason != tt.reason || strings.Trim(r.NotificationID, "n") != "" || r.NotificationID == "" {
				t.Errorf("%v %q of %q, want %v %q", r.Status, r.Reason, r.NotificationID, tt.status, tt.reason)
			}
		})
	}
}

// A repeated notification_id gets the first one's result again (I7).
func TestRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.start()
	w.run(w.now.Add(time.Second)) // the token is there
	first := w.publish(0, orderJSON("n1", "u1"))
	while := w.publish(1, orderJSON("n1", "u1")) // under way
	w.run(w.now.Add(time.Minute))
	after := w.publish(0, orderJSON("n1", "u1"))
	w.run(w.now.Add(time.Minute))
	w.current.crash()
	w.start()
	restarted := w.publish(1, orderJSON("n1", "u1"))
	w.run(w.now.Add(23 * time.Hour))
	if len(w.platform.sends) != 1 {
		t.Fatalf("sent %d times", len(w.platform.sends))
	}
	want := one(t, w, first)
	for _, source := range []schemas.Source{while, after, restarted} {
		got := one(t, w, source)
		got.Source = want.Source
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("repeat at %v got %+v, want %+v", source, got, want)
		}
	}
	w.run(w.now.Add(2 * time.Hour))
	if n := len(live(w.log[stateTopic])); n != 0 {
		t.Errorf("%d records are left in the state topic after the life", n)
	}
	w.publish(0, orderJSON("n1", "u1"))
	w.run(w.now.Add(time.Minute))
	if len(w.platform.sends) != 2 {
		t.Errorf("past its life it was sent %d times, want 2", len(w.platform.sends))
	}
}

// A repeat with more repeats than a record carries gets them all answered.
func TestManyRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	var sources []schemas.Source
	for range 3*maxOwed + 1 {
		sources = append(sources, w.publish(0, orderJSON("n1", "u1")))
	}
	w.start()
	w.run(w.now.Add(time.Minute))
	for _, s := range sources {
		one(t, w, s)
	}
	if len(w.platform.sends) != 1 {
		t.Errorf("sent %d times", len(w.platform.sends))
	}
}

// I9: nor does a record carry more of them when they are all handed over before
// the first is taken in. They come from many partitions, and each is answered.
func TestManyRepeatsAtOnce(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(w *world){
		"of a new one":             func(*world) {},
		"of one that is under way": func(w *world) { w.current.flush() },
		"of one that is done":      func(w *world) { w.run(w.now.Add(time.Minute)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{})
			i := w.start()
			sources := []schemas.Source{w.publish(0, orderJSON("n1", "u1"))}
			first(w)
			for p := range int32(10) {
				for range windowRecords {
					sources = append(sources, w.publish(p, orderJSON("n1", "u1")))
				}
			}
			for p := range int32(10) {
				for i.hand(p) {
				}
			}
			i.settle()
			for _, n := range i.task.live {
				if len(n.owed) > maxOwed {
					t.Errorf("a record carries %d repeats, at most %d", len(n.owed), maxOwed)
				}
			}
			w.run(w.now.Add(time.Minute))
			for _, s := range sources {
				if r := one(t, w, s); r.Status != schemas.StatusSent {
					t.Errorf("%v is %s", s, statusNames[r.Status])
				}
			}
			if n := len(w.platform.sends); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if n := len(i.task.crowds); n != 0 {
				t.Errorf("%d ids are remembered of which nothing waits", n)
			}
		})
	}
}

// One message a second to a user, in the order of publication, and nobody
// waits for another's flood, not even behind it in its partition.
func TestOneUserFlooded(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"to its bound":                          {UserQueue: 30},
		"to half of what its app may take in":   {Queue: 60},
		"to half of the bytes that its app may": {QueueBytes: 60 * (overhead + 121)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Rate = 100
			floodsOne(t, newWorld(cfg))
		})
	}
}

func floodsOne(t *testing.T, w *world) {
	for n := range 100 {
		w.publish(0, orderJSON(fmt.Sprintf("flood-%02d", n), "flooded"))
	}
	for n := range 20 {
		w.publish(int32(n%2), orderJSON(fmt.Sprint("other-", n), fmt.Sprint("u", n)))
	}
	w.start()
	begin := w.now
	w.run(w.now.Add(time.Minute))
	var last time.Time
	flood := 0
	for _, s := range w.platform.sends {
		if s.OpenID != "flooded" {
			if d := s.at.Sub(begin); d > 2*time.Second {
				t.Errorf("%s waited for %v", s.OpenID, d)
			}
			continue
		}
		if !last.IsZero() && s.at.Sub(last) < time.Second {
			t.Errorf("two messages within %v", s.at.Sub(last))
		}
		if want := fmt.Sprintf("text of flood-%02d", flood); s.Data["thing"] != want {
			t.Errorf("sent %q, want %q", s.Data["thing"], want)
		}
		flood, last = flood+1, s.at
	}
	if flood < 29 || flood > 31 {
		t.Errorf("%d of the flood sent, want 30", flood)
	}
	if n := len(w.current.task.apps["tt1"].users); n != 0 {
		t.Errorf("%d users are remembered with nothing to do", n)
	}
	if got := statusCounts(w); got["REFUSED"] != 100-flood || got["SENT"] != 20+flood {
		t.Errorf("results %v", got)
	}
}

// What a flooded user was refused is not remembered: it may be published again
// when there is room, and a repeat of what waits is none of the flood.
func TestRefusedInAFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{UserQueue: 2})
	for n := range 3 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), "u1"))
	}
	repeat := w.publish(0, orderJSON("n1", "u1"))
	refused := schemas.Source{Topic: orderTopic, Offset: 2}
	w.start()
	w.run(w.now.Add(time.Minute))
	if r := one(t, w, refused); r.Status != schemas.StatusRefused || r.Reason != reasonUserFlooded || r.Attempts != 0 {
		t.Errorf("the one too many: %+v", r)
	}
	if r := one(t, w, repeat); r.Status != schemas.StatusSent {
		t.Errorf("the repeat: %+v", r)
	}
	again := w.publish(0, orderJSON("n2", "u1"))
	w.run(w.now.Add(time.Minute))
	if r := one(t, w, again); r.Status != schemas.StatusSent {
		t.Errorf("published again: %+v", r)
	}
}

// Those that are refused are the ones behind, also when all are handed over
// before the first is taken in; repeats of what waits take nobody's place.
func TestAFloodHandedOverAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{UserQueue: 3})
	i := w.start()
	for n := range 6 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), "u1"))
		w.publish(1, orderJSON("n0", "u1"))
	}
	for p := range int32(2) {
		for i.hand(p) {
		}
	}
	i.settle()
	w.run(w.now.Add(time.Minute))
	for source, rs := range w.results() {
		want := schemas.StatusSent
		if source.Partition == 0 && source.Offset > 2 {
			want = schemas.StatusRefused
		}
		if len(rs) != 1 || rs[0].Status != want {
			t.Errorf("%v: %+v, want %s", source, rs, statusNames[want])
		}
	}
	if n := len(w.results()); n != 12 {
		t.Errorf("%d results of 12", n)
	}
}

func statusCounts(w *world) map[string]int {
	var all []schemas.NotificationResult
	for _, rs := range w.results() {
		all = append(all, rs...)
	}
	return statuses(all)
}

// What is taken in is bounded whatever the backlog (I9), and the rate holds.
func TestBacklogIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Queue: 50, Rate: 200})
	for n := range 1000 {
		w.publish(int32(n%2), orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
	}
	i := w.start()
	begin, most := w.now, 0
	for w.now.Before(begin.Add(time.Minute)) {
		w.run(w.now.Add(50 * time.Millisecond))
		most = max(most, len(i.task.live))
	}
	if most > 50 {
		t.Errorf("%d orders were taken in at once", most)
	}
	if len(w.platform.sends) != 1000 {
		t.Fatalf("%d sent", len(w.platform.sends))
	}
	per := map[int64]int{}
	for _, s := range w.platform.sends {
		per[s.at.Unix()]++
	}
	for second, n := range per {
		if n > 210 {
			t.Errorf("%d sends in second %d", n, second-begin.Unix())
		}
	}
	took := w.platform.sends[999].at.Sub(w.platform.sends[0].at)
	if took > 5500*time.Millisecond {
		t.Errorf("1000 sends at 200 a second took %v", took)
	}
}

// An order that waits ends when its time is over.
func TestExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindConfig) }
	short := w.publish(0, orderJSON("n1", "u1", fmt.Sprintf(`"expires_at":%d`, w.now.Add(10*time.Second).UnixMilli())))
	long := w.publish(0, orderJSON("n2", "u1"))
	w.start()
	w.run(w.now.Add(11 * time.Second))
	if r := one(t, w, short); r.Status != schemas.StatusExpired {
		t.Errorf("status %v", r.Status)
	}
	if len(w.results()[long]) != 0 {
		t.Error("the long one ended early")
	}
	w.run(w.now.Add(24 * time.Hour))
	if r := one(t, w, long); r.Status != schemas.StatusExpired {
		t.Errorf("status %v", r.Status)
	}
}

// What is under way when its time is over is decided by its answer; what has not
// left by then does not leave.
func TestExpiresAtTheLastMoment(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		left   bool // the request
		status schemas.Status
		sends  int
	}{
		"while it is sent":   {true, schemas.StatusSent, 1},
		"before it was sent": {false, schemas.StatusExpired, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{})
			i := w.start()
			w.run(w.now.Add(2 * time.Second))
			end := w.now.Add(10 * time.Second)
			source := w.publish(0, orderJSON("n1", "u1", fmt.Sprintf(`"expires_at":%d`, end.UnixMilli())))
			n := func() *notification { return i.task.live[idOf("tt1", "n1")] }
			for n() == nil || n().stage != schemas.StageIntent {
				if !i.turn() && !w.takeAny(i) && !i.fire() && !i.commit(true) {
					w.now = w.now.Add(10 * time.Millisecond)
				}
			}
			if tt.left {
				i.flush()
			}
			w.now = end.Add(time.Second)
			i.flush()
			w.run(w.now.Add(time.Minute))
			if r := one(t, w, source); r.Status != tt.status || len(w.platform.sends) != tt.sends {
				t.Errorf("%s after %d sends", statusNames[r.Status], len(w.platform.sends))
			}
		})
	}
}

// Under resend an order that may have been sent and whose time is over is not
// EXPIRED, which says that it was not: not after its owner's death either,
// whether that found it waiting or under way.
func TestExpiresWhenItMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(w *world){
		"nobody dies": func(*world) {},
		"the owner dies while it waits": func(w *world) {
			w.current.crash()
			w.start()
		},
		"and its successor's answer is the first": func(w *world) {
			w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindNotSent) }
			w.current.crash()
			w.start()
			w.run(w.now.Add(3 * time.Second))
			w.current.crash()
			w.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{Unknown: UnknownResend})
			w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindUnknown) }
			w.start()
			w.run(w.now.Add(time.Second))
			source := w.publish(0, orderJSON("n1", "u1", fmt.Sprintf(`"expires_at":%d`, w.now.Add(time.Minute).UnixMilli())))
			w.run(w.now.Add(10 * time.Second))
			if len(w.platform.sends) == 0 || len(w.results()) != 0 {
				t.Fatalf("%d sends, results %v", len(w.platform.sends), w.results())
			}
			die(w)
			w.run(w.now.Add(2 * time.Minute))
			if r := one(t, w, source); r.Status != schemas.StatusUnknown || r.Reason != reasonOutcomeUnknown {
				t.Errorf("%+v", r)
			}
		})
	}
}

// An app that the platform refuses stands still; the others do not notice.
func TestAppsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Apps: []douyin.App{{ID: "tt1", Secret: "a"}, {ID: "tt2", Secret: "b"}}})
	w.platform.send = func(n douyin.Notification, _ douyin.Token) error {
		if n.AppID == "tt1" {
			return fault(douyin.KindConfig)
		}
		return nil
	}
	w.start()
	for n := range 20 {
		w.publish(0, orderJSON(fmt.Sprint("a", n), fmt.Sprint("u", n)))
		w.publish(0, fmt.Sprintf(`{"notification_id":"b%d","app_id":"tt2","open_id":"u%d","template_id":"t","data":{"k":"v"}}`, n, n))
	}
	w.run(w.now.Add(30 * time.Second))
	sent := map[string]int{}
	for _, s := range w.platform.sends {
		sent[s.AppID]++
	}
	if sent["tt2"] != 20 {
		t.Errorf("tt2 sent %d of 20", sent["tt2"])
	}
	if sent["tt1"] > 20 {
		t.Errorf("tt1 asked %d times while refused", sent["tt1"])
	}
	w.platform.send = nil
	w.run(w.now.Add(20 * time.Minute))
	if n := len(w.results()); n != 40 {
		t.Errorf("%d results after the app was allowed again, want 40", n)
	}
}

// An outage burns few orders: after some without an answer, one at a time asks
// whether the platform is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{InFlight: 8})
	w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindUnknown) }
	w.start()
	for n := range 500 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
	}
	w.run(w.now.Add(10 * time.Minute))
	burnt := len(w.platform.sends)
	if burnt > 60 {
		t.Errorf("%d orders were burnt in ten minutes of outage", burnt)
	}
	w.platform.send = nil
	w.run(w.now.Add(2 * time.Minute))
	if n := len(w.platform.sends); n != 500 {
		t.Errorf("%d sends after the outage, want 500", n)
	}
}

// A number that no table has is an answer: its order may have been sent, and
// the others go on. Answers that are internal errors, and none, are an outage.
func TestUnlistedNumberIsNoOutage(t *testing.T) {
	t.Parallel()
	for no, outage := range map[int64]bool{28999999: false, 28001005: true, -1: true} {
		t.Run(fmt.Sprint(no), func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{})
			w.platform.send = func(douyin.Notification, douyin.Token) error {
				return &douyin.Error{Endpoint: douyin.EndpointNotifyV2, Status: 200, No: no, Present: true, Kind: douyin.KindUnknown}
			}
			for n := range 50 {
				w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
			}
			w.start()
			w.run(w.now.Add(10 * time.Second))
			stopped := w.current.task.apps["tt1"].gate.pause > 0
			if stopped != outage {
				t.Errorf("%d stopped the app: %v", no, stopped)
			}
			if got := statusCounts(w); !outage && got["UNKNOWN"] != 50 || got["UNKNOWN"] != len(w.platform.sends) {
				t.Errorf("results %v of %d sends", got, len(w.platform.sends))
			}
		})
	}
}

// What a predecessor left is ended even if its app is no longer configured.
func TestAppIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Apps: []douyin.App{{ID: "tt1", Secret: "a"}, {ID: "tt2", Secret: "b"}}})
	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindConfig) }
	gone := w.publish(0, orderJSON("n1", "u1"))
	repeat := w.publish(1, orderJSON("n1", "u1"))
	w.start()
	w.run(w.now.Add(10 * time.Second))
	w.current.crash()
	w.cfg.Apps = w.cfg.Apps[1:]
	w.start()
	w.run(w.now.Add(time.Second))
	for _, source := range []schemas.Source{gone, repeat} {
		if r := one(t, w, source); r.Status != schemas.StatusInvalid || r.Reason != string(schemas.ReasonAppUnknown) || r.NotificationID != "n1" {
			t.Errorf("%+v", r)
		}
	}
}

// One that may have been sent for an app that is gone is UNKNOWN.
func TestAppIsGoneInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Apps: []douyin.App{{ID: "tt1", Secret: "a"}, {ID: "tt2", Secret: "b"}}})
	i := w.start()
	w.run(w.now.Add(time.Second))
	source := w.publish(0, orderJSON("n1", "u1"))
	for len(i.requests) == 0 {
		i.flush()
		w.now = w.now.Add(100 * time.Millisecond)
	}
	i.request(0) // sent, and its answer never taken in
	i.crash()
	w.cfg.Apps = w.cfg.Apps[1:]
	w.start()
	w.run(w.now.Add(time.Second))
	if r := one(t, w, source); r.Status != schemas.StatusUnknown || r.Reason != reasonInterrupted {
		t.Errorf("%+v", r)
	}
}

// A state topic that was given more partitions shows a result before the
// states that led to it: the notification is not sent again.
func TestStateReadOutOfOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.publish(0, orderJSON("n1", "u1"))
	w.start()
	w.run(w.now.Add(time.Minute))
	log := w.log[stateTopic]
	w.log[stateTopic] = append([]*stream.Record{log[len(log)-1]}, log[:len(log)-1]...)
	w.current.crash()
	w.start()
	w.run(w.now.Add(time.Hour))
	if n := len(w.platform.sends); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// live is what compaction leaves of a topic.
func live(log []*stream.Record) map[string]*stream.Record {
	out := map[string]*stream.Record{}
	for _, rec := range log {
		if rec.Value == nil {
			delete(out, string(rec.Key))
			continue
		}
		out[string(rec.Key)] = rec
	}
	return out
}
