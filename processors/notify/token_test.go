package notify

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// I6: over two days of token life, with takeovers and a token endpoint that is
// slow, refuses or is gone now and then, there is one fetch a refresh period,
// never two at once, and no request with a token that is known to be dead.
func TestTwoDaysOfTokens(t *testing.T) {
	tests := []struct {
		name     string
		cfg      Config
		endpoint douyin.Endpoint
		most     int // good fetches in 48 hours of tokens that live two
	}{
		{"access_token", Config{Driver: DriverV1}, douyin.EndpointAccessToken, 30},
		{"client_token", Config{TokenKind: TokenClient}, douyin.EndpointClientToken, 30},
		{"stable_client_token", Config{}, douyin.EndpointStableClientToken, 25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.UserInterval = time.Millisecond
			w := newWorld(tt.cfg)
			w.jitter = func() float64 { return float64(w.now.UnixNano()%97) / 97 }
			sim := douyintest.New(douyintest.Options{
				Apps: []douyin.App{{ID: "tt1", Secret: "s1"}}, Open: true, NotifyInterval: -1, Now: func() time.Time { return w.now },
			})
			w.simulate(t, sim)
			w.start()
			begin := w.now
			troubles := []douyintest.Fault{
				{Endpoint: tt.endpoint, Mode: douyintest.ModeStatus},
				{Endpoint: tt.endpoint, Mode: douyintest.ModeHTML, After: true},
				{Endpoint: tt.endpoint, Mode: douyintest.ModeErrNo, ErrNo: -1},
				{Endpoint: tt.endpoint, Mode: douyintest.ModeThrottle},
			}
			n := 0
			for w.now.Sub(begin) < 48*time.Hour {
				for range 20 { // 20 steps of 3 minutes, and half of them in trouble
					w.publish(0, orderJSON(fmt.Sprint("n", n), "u1"))
					n++
					w.run(w.now.Add(3 * time.Minute))
				}
				f := troubles[n/20%len(troubles)]
				f.Until = w.now.Add(25 * time.Minute)
				sim.SetFaults(f)
				w.run(w.now.Add(3 * time.Minute))
				if n%60 == 0 { // a takeover without a word
					w.current.crash()
					w.start()
				}
			}
			w.run(w.now.Add(10 * time.Minute))
			for _, m := range sim.Messages() {
				if m.ErrNo != 0 {
					t.Errorf("at %v a message was refused with %d", m.At.Sub(begin), m.ErrNo)
				}
			}
			if got := len(w.results()); got != n {
				t.Errorf("%d results of %d orders", got, n)
			}
			good := slices.DeleteFunc(sim.TokenFetches(), func(f douyintest.TokenFetch) bool { return f.ErrNo != 0 || f.Fault != "" })
			if len(good) > tt.most || len(good) < 20 {
				t.Errorf("%d good fetches, want 20 to %d", len(good), tt.most)
			}
			t.Logf("%d fetches, %d good, %d messages", len(sim.TokenFetches()), len(good), len(sim.Messages()))
		})
	}
}

// simulate has the world's platform be the simulator, over HTTP.
func (w *world) simulate(t *testing.T, sim *douyintest.Platform) {
	t.Helper()
	local := douyintest.NewLocal(sim)
	t.Cleanup(func() { local.Close() })
	client, err := douyin.NewClient(douyin.Config{AppsURL: "http://apps.test", OpenURL: "http://open.test", Transport: local.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	w.client = client
}

// A token is dropped only if it is the one that was refused.
func TestOnlyTheRefusedTokenIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	var refused douyin.Token
	w.platform.send = func(_ douyin.Notification, token douyin.Token) error {
		if token == refused {
			return fault(douyin.KindToken)
		}
		return nil
	}
	w.start()
	w.run(w.now.Add(time.Hour))
	refused = "clt.1"
	for n := range 5 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
	}
	w.run(w.now.Add(time.Minute))
	if w.platform.issued != 2 {
		t.Errorf("%d tokens fetched, want 2", w.platform.issued)
	}
	if n := len(w.results()); n != 5 {
		t.Errorf("%d results", n)
	}
	w.current.crash()
	w.start()
	w.run(w.now.Add(time.Minute))
	if w.platform.issued != 2 {
		t.Errorf("a successor fetched: %d, want 2", w.platform.issued)
	}
	for _, s := range w.platform.sends[5:] {
		if s.token == refused {
			t.Error("a refused token was used again")
		}
	}
}

// A platform that refuses every token is asked for few.
func TestRefusedTokensAreFetchedSlowly(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindToken) }
	w.start()
	for n := range 20 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
	}
	w.run(w.now.Add(time.Hour))
	if w.platform.issued > 80 {
		t.Errorf("%d fetches in an hour", w.platform.issued)
	}
}

// Who finds an announcement without its token waits out the request's
// deadline; its own announcement comes first.
func TestForeignAnnouncementIsWaitedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	first := w.start()
	first.commit(true) // the announcement
	for first.turn() {
	}
	if len(first.requests) != 1 {
		t.Fatalf("%d requests of the first owner", len(first.requests))
	}
	first.crash()
	second := w.start()
	begin := w.now
	w.run(begin.Add(4900 * time.Millisecond))
	if w.platform.issued != 0 {
		t.Error("the second owner did not wait")
	}
	w.run(begin.Add(6 * time.Second))
	if w.platform.issued != 1 || second.task.apps["tt1"].token.token.Token == "" {
		t.Errorf("%d fetches, want one", w.platform.issued)
	}
}

// No fetch begins before its announcement is committed and read back, nor
// outside the lease.
func TestFetchWaitsForItsAnnouncementAndTheLease(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	i := w.start()
	for i.turn() {
	}
	if len(i.requests) != 0 {
		t.Fatal("a request before the announcement was committed")
	}
	i.leaseEnd = w.now.Add(500 * time.Millisecond)
	i.commit(true)
	for i.turn() {
	}
	if len(i.requests) != 0 {
		t.Fatal("a request with too little of the lease left")
	}
	i.leaseEnd = time.Time{}
	w.run(w.now.Add(time.Second))
	if w.platform.issued != 1 {
		t.Errorf("%d fetches", w.platform.issued)
	}
}

// An app whose secret is refused says so once and asks seldom; a token that
// still lives goes on being used meanwhile.
func TestRefreshFailureKeepsTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Driver: DriverV1})
	w.start()
	w.run(w.now.Add(time.Minute))
	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindConfig) }
	w.run(w.now.Add(115 * time.Minute))
	asked := w.platform.issued
	if asked < 5 || asked > 40 {
		t.Errorf("asked %d times in the last of its life", asked)
	}
	source := w.publish(0, orderJSON("n1", "u1"))
	w.run(w.now.Add(10 * time.Second))
	one(t, w, source)
}

// A successor does not adopt a token that was refused.
func TestRefusedTokenIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.start()
	w.run(w.now.Add(time.Minute))
	w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindToken) }
	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindRetry) }
	w.publish(0, orderJSON("n1", "u1"))
	w.run(w.now.Add(10 * time.Second))
	w.current.crash()
	w.start()
	w.run(w.now.Add(time.Minute))
	if n := len(w.platform.sends); n != 1 {
		t.Errorf("%d requests with a token that is known to be dead, want the one that told", n)
	}
}

// I6: a token whose life a lost fetch cut is refreshed before its end, not when it
// would have been due at its full life: by the owner that fetched, by the one
// that finds the announcement of a dead one's fetch, and by the one that finds
// the cut written down.
func TestATokenThatWasCutIsRefreshedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{false, true} {
		for _, tt := range []Config{{Driver: DriverV1}, {TokenKind: TokenClient}} {
			w := newWorld(tt)
			w.jitter = func() float64 { return 0 }
			first := w.start()
			w.run(w.now.Add(96*time.Minute - time.Second))
			w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindUnknown) }
			w.now = w.now.Add(2 * time.Second)
			first.flush() // its next fetch is announced
			if len(first.requests) != 1 {
				t.Fatalf("%d requests, want the refresh", len(first.requests))
			}
			if answered {
				first.request(0)
				first.flush() // and the cut written down
			}
			first.crash()
			w.platform.issue = nil
			w.jitter = func() float64 { return 0.999 } // its own refresh is due ten minutes later
			w.start()
			for n := range 20 {
				source := w.publish(0, orderJSON(fmt.Sprint("n", n), "u1"))
				w.run(w.now.Add(time.Minute))
				if r := one(t, w, source); r.Status != schemas.StatusSent {
					t.Errorf("%s is %s", r.NotificationID, statusNames[r.Status])
				}
			}
		}
	}
}

// A token that was taken over, cut and then refused does not come back when the
// cut is read back, which may be after the refusal.
func TestARefusedTokenDoesNotComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Driver: DriverV1})
	w.start()
	w.run(w.now.Add(time.Minute))
	w.current.crash()
	i := w.start()
	o := i.task.apps["tt1"].token
	token, ok := o.usable(w.now)
	if !ok {
		t.Fatal("no token was taken over")
	}
	i.task.cutToken(o, w.now)
	cut := i.out[len(i.out)-1].records[0]
	i.task.dropToken(o, token)
	i.task.Restore(cut)
	if _, ok := o.usable(w.now); ok {
		t.Error("it is used again")
	}
}
