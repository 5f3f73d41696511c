package notify

import (
	"fmt"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// A token is refreshed when 80 to 90 percent of its life are over, by chance.
func TestRefreshIsEarlyAndByChance(t *testing.T) {
	t.Parallel()
	for jitter, want := range map[float64]time.Duration{0: 96 * time.Minute, 0.5: 102 * time.Minute, 0.999: 107*time.Minute + 59*time.Second} {
		w := newWorld(Config{Driver: DriverV1})
		w.jitter = func() float64 { return jitter }
		w.start()
		begin := w.now
		w.run(begin.Add(want - time.Minute))
		if w.platform.issued != 1 {
			t.Errorf("jitter %v: fetched again before %v", jitter, want)
		}
		w.run(begin.Add(want + time.Minute))
		if w.platform.issued != 2 {
			t.Errorf("jitter %v: %d fetches by %v, want the refresh", jitter, w.platform.issued, want)
		}
	}
}

// Owners whose clocks are off against each other's and the platform's still
// have every order sent: a token is fetched too early, or refused once and
// replaced.
func TestClocksThatAreOff(t *testing.T) {
	tests := []struct {
		name     string
		cfg      Config
		endpoint douyin.Endpoint
	}{
		{"access_token", Config{Driver: DriverV1}, douyin.EndpointAccessToken},
		{"client_token", Config{TokenKind: TokenClient}, douyin.EndpointClientToken},
		{"stable_client_token", Config{}, douyin.EndpointStableClientToken},
	}
	skews := []time.Duration{0, 5 * time.Second, -5 * time.Second, 10 * time.Minute, -10 * time.Minute, time.Hour, -time.Hour, 3 * time.Hour, -3 * time.Hour}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.UserInterval = time.Millisecond
			w := newWorld(tt.cfg)
			sim := douyintest.New(douyintest.Options{
				Apps: []douyin.App{{ID: "tt1", Secret: "s1"}}, Open: true, NotifyInterval: -1, Now: func() time.Time { return w.now },
			})
			w.simulate(t, sim)
			n := 0
			for _, skew := range skews {
				w.startSkewed(skew)
				for range 15 {
					w.publish(0, orderJSON(fmt.Sprint("n", n), "u1", fmt.Sprintf(`"expires_at":%d`, w.now.Add(24*time.Hour).UnixMilli())))
					n++
					w.run(w.now.Add(10 * time.Minute))
				}
				w.current.crash()
			}
			for source, rs := range w.results() {
				if len(rs) != 1 || rs[0].Status != schemas.StatusSent {
					t.Errorf("%v: %+v", source, rs)
				}
			}
			if got := len(w.results()); got != n {
				t.Errorf("%d results of %d", got, n)
			}
			refused := 0
			for _, m := range sim.Messages() {
				if m.ErrNo != 0 {
					refused++
				}
			}
			if fetches := len(sim.TokenFetches()); refused > len(skews) || fetches > 4*len(skews) {
				t.Errorf("%d messages refused, %d fetches over %d owners", refused, fetches, len(skews))
			}
		})
	}
}

// What another owner announced by a clock that is behind is waited out all the
// same.
func TestForeignAnnouncementByAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		w := newWorld(Config{})
		first := w.startSkewed(skew)
		first.commit(true)
		for first.turn() {
		}
		if len(first.requests) != 1 {
			t.Fatalf("%d requests of the first owner", len(first.requests))
		}
		first.crash()
		w.start()
		begin := w.now
		w.run(begin.Add(4900 * time.Millisecond))
		if w.platform.issued != 0 {
			t.Errorf("off by %v: it was not waited out", skew)
		}
		w.run(begin.Add(6 * time.Second))
		if w.platform.issued != 1 {
			t.Errorf("off by %v: %d fetches, want one", skew, w.platform.issued)
		}
	}
}
