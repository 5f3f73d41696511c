package enrich

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// virtually runs a test with Kafka, HTTP and hours in virtual time.
func virtually(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func TestEveryEventOnceOverHandOvers(t *testing.T) {
	virtually(t, everyEventOnce)
}

// I1, I3, I5: instances come and go while events of every kind arrive.
func everyEventOnce(t *testing.T) {
	r := newRig(t, 4)
	cl := r.producer()
	stopA := r.start("a")
	var events []made
	for i := range 120 {
		events = append(events, r.visit(cl, testApp, fmt.Sprintf("s%d", i))...)
		switch i {
		case 30:
			r.start("b")
		case 60:
			stopA()
		case 90:
			r.start("c")
		}
		time.Sleep(20 * time.Millisecond)
	}
	got := r.read(len(events))
	r.wantAll(events, "enriched", got)
	if twice := r.platform.Codes(2); len(twice) != 0 {
		t.Errorf("I3: %d codes were asked about twice", len(twice))
	}
}

func TestReloginRotatesTheKey(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		cl := r.producer()
		first := r.platform.Login(testApp, "u")
		r.start("a")
		events := []made{r.publish(cl, schemas.TopicLogin, testApp, "s", loginPayload(first))}
		second := r.platform.Login(testApp, "u")
		// The new key's event overtakes its login, the old key's comes after it.
		events = append(events, r.publish(cl, schemas.TopicPhone, testApp, "s", r.phonePayload(testApp, second.SessionKey)))
		time.Sleep(time.Second)
		events = append(events, r.publish(cl, schemas.TopicLogin, testApp, "s", loginPayload(second)),
			r.publish(cl, schemas.TopicPhone, testApp, "s", r.phonePayload(testApp, first.SessionKey)))
		r.wantAll(events, "enriched", r.read(len(events)))
	})
}

func TestPlatformOutageParksAndStallsNoKnownSession(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 2)
		cl := r.producer()
		stop := r.start("a")
		known := r.visit(cl, testApp, "known")
		r.wantAll(known, "enriched", r.read(len(known)))
		key := r.platform.User(testApp, "user-of-known").SessionKey

		r.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeRefuse})
		var waiting []made
		for i := range 40 {
			waiting = append(waiting, r.visit(cl, testApp, fmt.Sprintf("s%d", i))...)
		}
		time.Sleep(10 * time.Second)
		went := r.followers(cl, testApp, "known", key)
		before := time.Now()
		r.wantAll(went, "enriched", r.read(len(known)+len(went)))
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("a known session waited %v", took)
		}
		stop() // what is parked goes over to the next instance
		r.start("b")
		time.Sleep(30 * time.Second)
		r.platform.SetFaults()
		got := r.read(len(known) + len(went) + len(waiting))
		r.wantAll(waiting, "enriched", got)
	})
}

func TestWrongSecretStopsThatAppAlone(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.apps[1].Secret = "wrong"
		cl := r.producer()
		r.start("a")
		bad := r.visit(cl, otherApp, "bad")
		good := r.visit(cl, testApp, "good")
		r.wantAll(good, "enriched", r.read(len(good)))
		got := r.read(len(good) + len(bad)) // the code expires meanwhile
		r.wantAll(bad[:1], "code_expired", got)
		r.wantAll(bad[1:], "login_failed", got)
	})
}

func TestBacklogOnAPlatformThatAnswersIsNotParked(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.change = func(c *Config) { c.InFlight = 16 }
		r.platform.SetLatency("", douyintest.Latency{Median: 200 * time.Millisecond})
		cl := r.producer()
		var events []made
		for i := range 300 { // nearly four seconds of exchanges, twice JOIN_WAIT
			session := fmt.Sprintf("s%d", i)
			login := r.platform.Login(testApp, session)
			events = append(events, r.publish(cl, schemas.TopicLogin, testApp, session, loginPayload(login)),
				r.publish(cl, schemas.TopicPhone, testApp, session, r.phonePayload(testApp, login.SessionKey)))
		}
		r.start("a")
		r.wantAll(events, "enriched", r.read(len(events)))
		if n := r.metric("doustream_enrich_parkings_total"); n != 0 {
			t.Errorf("%v were parked though the platform answers", n)
		}
	})
}
