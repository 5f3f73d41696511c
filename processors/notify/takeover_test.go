package notify

import (
	"fmt"
	"testing"
	"time"

	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// I6, I7: owner after owner dies without a word (kill -9), goes in good order
// (SIGTERM) or stands still beyond its session and comes back (SIGSTOP,
// SIGCONT). By the platform's ledger one token is fetched in each refresh
// period, no request carries a dead one, nothing is sent twice; and the next
// owner sends within the session's time-out, or at once after a good end.
func TestManyTakeovers(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
	}{
		{"access_token", Config{Driver: DriverV1}},
		{"client_token", Config{TokenKind: TokenClient}},
		{"stable_client_token", Config{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				s := &succession{box: newBox(t, tt.cfg, douyintest.Options{Open: true, TokenLife: successionLife, TokenOverlap: 20 * time.Second})}
				s.platform.SetLatency("", douyintest.Latency{Median: 30 * time.Millisecond, P99: 200 * time.Millisecond})
				s.owner = s.start("a0")
				pass(5 * time.Second)
				s.standby = s.start("b0")
				pass(5 * time.Second)
				for round := range 12 {
					s.round(round)
				}
				s.check()
			})
		})
	}
}

const successionLife = 4 * time.Minute

// succession is a row of owners.
type succession struct {
	*box
	owner, standby *member
	orders         int
	ends           map[string]time.Duration // by the order published right after: how soon it must be sent
	at             map[string]time.Time
}

func (s *succession) round(n int) {
	s.clearOfAFetch()
	for range 5 {
		s.publish()
	}
	pass(time.Duration(50*n) * time.Millisecond)
	switch n % 3 {
	case 0:
		s.owner.link.cut()
		s.promise(14 * time.Second)
		dead := s.owner
		go func() { _ = dead.stop() }()
	case 1:
		leaving := s.owner
		go func() { _ = leaving.stop() }()
		s.promise(5 * time.Second)
	case 2:
		s.owner.link.freeze()
		s.promise(14 * time.Second)
	}
	pass(30 * time.Second)
	if n%3 == 2 {
		s.owner.link.thaw()
		s.owner, s.standby = s.standby, s.owner
	} else {
		s.owner, s.standby = s.standby, s.start(fmt.Sprint("c", n))
	}
	pass(30 * time.Second)
}

// clearOfAFetch waits while a token is about to be fetched: an owner that dies
// between a fetch and its commit has its successor fetch again.
func (s *succession) clearOfAFetch() {
	for {
		fetches := s.platform.TokenFetches()
		since := time.Since(fetches[len(fetches)-1].At)
		if since > 2*time.Second && since < successionLife*3/4 {
			return
		}
		pass(time.Second)
	}
}

func (s *succession) publish() string {
	id := fmt.Sprint("n", s.orders)
	s.orders++
	s.order(id, fmt.Sprint("u", s.orders%50))
	return id
}

// promise publishes an order that the next owner is to send within d.
func (s *succession) promise(d time.Duration) {
	if s.ends == nil {
		s.ends, s.at = map[string]time.Duration{}, map[string]time.Time{}
	}
	id := s.publish()
	s.ends[id], s.at[id] = d, time.Now()
}

func (s *succession) check() {
	t := s.t
	unknown := 0
	for _, r := range s.results(s.orders, 2*time.Minute) {
		if r.Status == schemas.StatusUnknown {
			unknown++
		} else if r.Status != schemas.StatusSent {
			t.Errorf("%s is %s", r.NotificationID, statusNames[r.Status])
		}
	}
	if unknown > 40 { // what a dead owner had under way, five at most in each of eight rounds
		t.Errorf("%d UNKNOWN of %d", unknown, s.orders)
	}
	sentAt := map[string]time.Time{}
	for _, m := range s.platform.Messages() {
		if m.ErrNo != 0 {
			t.Errorf("I6: a message was refused with %d", m.ErrNo)
		}
		if _, twice := sentAt[m.Data["thing"]]; twice {
			t.Errorf("I7: %q was sent twice", m.Data["thing"])
		}
		sentAt[m.Data["thing"]] = m.At
	}
	for id, within := range s.ends {
		if took := sentAt["text of "+id].Sub(s.at[id]); took > within || took < 0 {
			t.Errorf("the next owner sent %s after %v, want %v", id, took, within)
		}
	}
	fetches := s.platform.TokenFetches()
	for n := 1; n < len(fetches); n++ {
		if d := fetches[n].At.Sub(fetches[n-1].At); d < successionLife*8/10-time.Second {
			t.Errorf("I6: two fetches within %v of a life of %v", d, successionLife)
		}
	}
	if len(fetches) < 3 {
		t.Errorf("%d fetches: no token was refreshed", len(fetches))
	}
	t.Logf("%d orders, %d UNKNOWN, %d fetches", s.orders, unknown, len(fetches))
}
