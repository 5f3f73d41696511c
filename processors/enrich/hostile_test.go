package enrich

import (
	"errors"
	"testing"
	"time"

	"doustream/platform/stream"
)

// A predecessor's outcome comes while the SENT is on its way, and the SENT fails.
func TestSentThatFailsWhenItsLoginHasEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.until(t, "SENT under way", func() bool { return b.loop.appended(factSent) })
	sent := b.loop.appends[0]
	b.loop.appends = nil
	b.sessions = append(b.sessions, b.resultOf("c1", "s1", login.Offset))
	b.loop.settle()
	b.want(login, "enriched")
	sent.back(errors.New("not acknowledged"))
	b.loop.settle()
	if n := len(b.loop.task.sending); n != 0 {
		t.Errorf("%d permits are kept", n)
	}
}

// I10: a session may be called anything, the beginning of a marker's key included.
func TestI10SessionIsNoMarkerWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	for _, session := range []string{"\x00marker|s1", "\x00marker|doustream.sessions|0"} {
		b := newBench(t)
		b.code("c1", "o1")
		b.code("c2", "o2")
		odd := b.login(session, "c1")
		b.loop.advance(10 * time.Second)
		b.want(odd, "enriched")
		other := b.login("s2", "c2")
		b.loop.advance(10 * time.Second)
		b.want(other, "enriched")
		b.restart()
		phone := b.phone(session, keyOf("c1"))
		b.loop.advance(10 * time.Second)
		b.want(phone, "enriched")
	}
}

// A producer's clock may be anywhere. What is dated after it was read waits no
// longer for its session than what is not, or it would fill what may be parked.
func TestI9EventFromTheFutureEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	login := b.login("s1", "c1")
	stranger, wrong := b.device("nobody"), b.phone("s1", keyOf("nobody's"))
	for _, rec := range []*stream.Record{stranger, wrong} {
		rec.Timestamp = rec.Timestamp.AddDate(100, 0, 0)
	}
	b.loop.advance(10 * time.Minute)
	b.want(login, "enriched")
	b.want(stranger, "session_missing")
	b.want(wrong, "decrypt_failed")
	if at := b.loop.task.byWatermark.next(); at > 0 {
		t.Errorf("an alarm is kept, for %v", time.UnixMilli(at))
	}
}

// Logins that are held back since too many are parked are worth no wait: what
// hangs on them must not fill the window before sessions that are known.
func TestOutageThatHoldsLoginsBackStallsNoKnownSession(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.ParkedRecords = 2 })
	b.code("c1", "o1")
	known := b.login("known", "c1")
	b.loop.settle()
	b.want(known, "enriched")
	b.platform.fault = func(string) fault { return faultNotSent }
	for _, code := range []string{"c2", "c3"} {
		b.code(code, code)
		b.login("s-"+code, code)
	}
	b.loop.advance(5 * time.Second)
	if b.loop.holds[topicLogin] != 1 {
		t.Fatal("logins are not held back at the bound")
	}
	b.code("c4", "o4")
	login, waits := b.login("s-c4", "c4"), b.phone("s-c4", keyOf("c4"))
	phone := b.phone("known", keyOf("c1"))
	b.loop.advance(5 * time.Second)
	b.want(phone, "enriched")
	b.platform.fault = nil
	b.loop.advance(20 * time.Second)
	b.want(login, "enriched")
	b.want(waits, "enriched")
}
