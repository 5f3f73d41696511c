package enrich

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/stream"
)

// heldGate has exchanges wait whose SENT stands, or calls them off and lets
// nobody through for a while.
type heldGate struct {
	b    *bench
	off  bool
	till time.Time
	told []func(verdict) bool
}

// hold puts the gate before this task and its successors.
func (b *bench) hold(off bool) *heldGate {
	g := &heldGate{b: b, off: off}
	b.proc.gate = g
	b.loop.task.gate = g
	return g
}

func (g *heldGate) try(string, bool, *waiter) (permit, time.Duration) {
	if wait := g.till.Sub(g.b.now); wait > 0 {
		return nil, wait
	}
	return openPermit{g.ready}, 0
}

func (g *heldGate) ready(told func(verdict) bool) verdict {
	if g.off {
		g.till = g.b.now.Add(500 * time.Millisecond)
		return verdictOff
	}
	g.told = append(g.told, told)
	return verdictWait
}

func (*heldGate) pass(string) {}

func TestI3RequestLeavesWhenItsTurnHasCome(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.hold(false)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.settle()
	if code.sends != 0 || len(g.told) != 1 || len(b.loop.task.sending) != 1 {
		t.Fatalf("sent %d times with %d waiting, %d on their way; want it to wait", code.sends, len(g.told), len(b.loop.task.sending))
	}
	drained := false
	b.loop.task.Drain(func() { drained = true })
	if b.loop.settle(); drained {
		t.Error("the task is drained while a SENT of its stands and waits")
	}
	g.told[0](verdictGo)
	b.loop.settle()
	if code.sends != 1 || !drained {
		t.Errorf("sent %d times, drained %t; want one, and that", code.sends, drained)
	}
	b.want(login, "enriched")
}

func TestI3ExchangeThatIsCalledOffDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.hold(true)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	for range 4 { // each owner writes SENTs down, is told to let it be, and dies
		b.loop.advance(8 * time.Second)
		b.restart()
	}
	g.off = false
	b.loop.until(t, "a SENT that stands", func() bool { return len(g.told) > 0 })
	g.told[0](verdictGo)
	b.loop.advance(10 * time.Second)
	if code.sends != 1 {
		t.Errorf("sent %d times; want 1", code.sends)
	}
	b.want(login, "enriched")
}

// Called off and written down anew within one millisecond: what takes the first
// SENT back, however late it comes, leaves the second alone.
func TestI3AnnulmentIsOfOneSentAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.hold(false)
	b.code("c1", "o1").unknown = true
	b.login("s1", "c1")
	b.loop.settle()
	g.told[0](verdictOff)
	b.loop.until(t, "a second SENT", func() bool { return len(b.loop.appends) == 2 })
	b.loop.land(1) // before the annulment
	b.loop.settle()
	if hash := hashOf("s1", "c1"); len(g.told) != 2 || !b.loop.task.ledger.unknown(hash) {
		t.Errorf("%d SENTs were written, and the last does not stand", len(g.told))
	}
}

func TestI3ExchangeThatWaitedTooLongIsWrittenDownAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.hold(false)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.advance(3 * time.Second) // more than half of what an exchange may take
	g.told[0](verdictGo)
	b.loop.settle()
	if code.sends != 0 || len(g.told) != 2 {
		t.Fatalf("sent %d times, written down %d times; want it not to leave so late", code.sends, len(g.told))
	}
	g.told[1](verdictGo)
	b.loop.advance(time.Second)
	kinds := map[factKind]int{}
	for _, rec := range b.sessions {
		if f, _, ok := readFact(rec); ok {
			kinds[f.kind]++
		}
	}
	if code.sends != 1 || kinds[factSent] != 2 || kinds[factAnnulled] != 1 {
		t.Errorf("sent %d times, facts %v; want one, and two SENTs of which one is annulled", code.sends, kinds)
	}
	b.want(login, "enriched")
}

// A machine may stand still in the midst of a round, whose time is past then.
func TestI3RequestLeavesByTheTimeThatItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.hold(false)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.settle()
	g.told[0](verdictGo)
	b.loop.round = b.now
	b.now = b.now.Add(3 * time.Second)
	b.loop.runMail()
	b.loop.round = time.Time{}
	b.loop.settle()
	if code.sends != 0 || len(g.told) != 2 {
		t.Fatalf("sent %d times, written down %d times; want it not to leave so late", code.sends, len(g.told))
	}
	for i := 1; i < len(g.told); i++ { // one that was written down in that round is too late as well
		g.told[i](verdictGo)
		b.loop.advance(time.Second)
	}
	b.want(login, "enriched")
}

// exchangerFunc is an Exchanger of one function.
type exchangerFunc func(ctx context.Context) (douyin.Session, error)

func (f exchangerFunc) ExchangeCode(ctx context.Context, _ douyin.App, _, _ douyin.Code) (douyin.Session, error) {
	return f(ctx)
}

// A successor waits from the SENT on: the request has what is left of that.
func TestI3RequestEndsByTheTimeItsSuccessorReckonsWith(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.hold(false)
	var left time.Duration
	b.loop.task.exchanger = exchangerFunc(func(ctx context.Context) (douyin.Session, error) {
		until, _ := ctx.Deadline()
		left = time.Until(until)
		return douyin.Session{SessionKey: keyOf("c1"), OpenID: "o1"}, nil
	})
	login := b.login("s1", "c1")
	b.loop.advance(2 * time.Second)
	g.told[0](verdictGo)
	b.loop.settle()
	b.want(login, "enriched")
	if most := b.proc.cfg.Deadline - 1900*time.Millisecond; left <= 0 || left > most {
		t.Errorf("the request had %v; want %v at most", left, most)
	}
}

func TestI3ZombieThatWaitsForItsTurnSendsNothing(t *testing.T) {
	t.Parallel()
	for name, closes := range map[string]bool{"it reads its successor's marker": false, "it is closed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			g := b.hold(false)
			code := b.code("c1", "o1")
			login := b.login("s1", "c1")
			b.loop.settle()
			zombie := b.takeOver()
			if closes {
				zombie.close()
			}
			zombie.settle()
			if heard := g.told[0](verdictGo); heard == closes {
				t.Errorf("told that it leaves, it answers %t", heard)
			}
			if zombie.settle(); code.sends != 0 {
				t.Fatalf("I3: the zombie sent")
			}
			for len(g.told) < 2 {
				b.loop.advance(time.Second)
			}
			g.told[1](verdictGo)
			b.loop.advance(time.Second)
			if code.sends != 1 {
				t.Errorf("I3: sent %d times; want 1, the successor's", code.sends)
			}
			b.want(login, "enriched")
		})
	}
}

// What is written down and has not left when a task is handed over is no send: the
// successor has both of a code's, and waits for nothing. Of one that was not read
// back nobody knows where it will stand: it counts.
func TestI3WhatHasNotLeftWhenATaskClosesDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stands  bool
		attempt int // that the successor makes first
	}{
		"its SENT stands":        {stands: true, attempt: 1},
		"its SENT is on its way": {attempt: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			g := b.hold(false)
			code := b.code("c1", "o1")
			login := b.login("s1", "c1")
			if test.stands {
				b.loop.advance(time.Second)
			} else {
				b.loop.until(t, "SENT under way", func() bool { return b.loop.appended(factSent) })
			}
			before := b.loop
			before.close()
			before.settle()
			b.loop = b.newLoop(b.proc)
			if attempt, until := b.loop.task.ledger.next(hashOf("s1", "c1")); attempt != test.attempt || (until == 0) != test.stands {
				t.Fatalf("attempt %d, not before %d; want %d, at once if it stood", attempt, until, test.attempt)
			}
			told := len(g.told)
			b.loop.until(t, "a SENT that stands", func() bool { return len(g.told) > told })
			g.told[told](verdictGo)
			b.loop.settle()
			b.want(login, "enriched")
			if code.sends != 1 {
				t.Errorf("I3: sent %d times", code.sends)
			}
		})
	}
}

// An outcome whose append is reported to have failed may stand all the same. Under
// compaction the last of a key stays: repeated, it would move behind another owner's,
// and what was the outcome would not be any more.
func TestOutcomeThatIsSettledIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		unknown bool // a code that the platform does not know
		lands   bool // the outcome stands though its append failed
		usurped bool
		want    int // how often it is in the log
	}{
		"RESULT that is lost":                             {want: 1},
		"RESULT that stands":                              {lands: true, want: 1},
		"RESULT that is lost, with a successor":           {usurped: true, want: 1},
		"FAILED that is lost":                             {unknown: true, want: 1},
		"FAILED that stands":                              {unknown: true, lands: true, want: 1},
		"FAILED that is lost: the successor's to say now": {unknown: true, usurped: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.code("c1", "o1").unknown = test.unknown
			b.login("s1", "c1")
			l := b.loop
			l.until(t, "an outcome under way", func() bool { return l.appended(factResult) || l.appended(factFailed) })
			outcome := l.appends[0]
			l.appends = nil
			if test.lands {
				b.sessions = append(b.sessions, outcome.rec)
			}
			if test.usurped {
				b.sessions = append(b.sessions, &stream.Record{Topic: b.names.sessions, Key: []byte("\x00marker|" + b.names.sessions + "|0"), Value: []byte("a successor")})
			}
			outcome.back(errors.New("timed out"))
			l.advance(10 * time.Second)
			n := 0
			for _, rec := range b.sessions {
				if f, _, ok := readFact(rec); ok && f.decisive() {
					n++
				}
			}
			if n != test.want {
				t.Errorf("it stands %d times; want %d", n, test.want)
			}
		})
	}
}

func TestTurnsAreTakenWhenATaskCloses(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.InFlight = 2 })
	l := newLimits(b.proc.cfg, b.proc.metrics)
	b.proc.gate, b.loop.task.gate = l, l
	for _, code := range []string{"c1", "c2", "c3", "c4"} {
		b.code(code, code)
		b.login("s-"+code, code)
	}
	b.handLogins()
	for len(b.loop.appends) > 1 { // the SENT of the last is still being written
		b.loop.land(0)
	}
	for b.loop.tail < len(b.sessions) {
		b.loop.readTail()
	}
	if l.underWay != 2 || len(l.apps[testApp].written) != 1 {
		t.Fatalf("%d under way, %d wait; want two, and one", l.underWay, len(l.apps[testApp].written))
	}
	b.loop.close()
	b.loop.settle() // the request ends
	stuck := slices.DeleteFunc(l.apps[testApp].written, func(p *slotPermit) bool { return p.stage == permitOver })
	if l.underWay != 0 || l.permits != 0 || len(stuck) != 0 {
		t.Errorf("%d under way, %d permits, %d wait; want none", l.underWay, l.permits, len(stuck))
	}
}

// A SENT that was reported as failed may stand all the same. No request ever left
// for it, so that it must not cost the code one of its sends, at nobody's.
func TestSentThatWasReportedAsFailedIsNoSend(t *testing.T) {
	t.Parallel()
	report := func(l *fakeLoop, a pendingAppend) { a.back(errors.New("timed out")) }
	stand := func(l *fakeLoop, a pendingAppend) {
		l.w.sessions = append(l.w.sessions, a.rec)
		for l.tail < len(l.w.sessions) {
			l.readTail()
		}
	}
	for name, steps := range map[string][]func(*fakeLoop, pendingAppend){
		"it is read before that": {stand, report},
		"it is read after that":  {report, stand},
	} {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, its owner dies: %v", name, dies), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				code := b.code("c1", "o1")
				b.platform.fault = func(string) fault { return faultLostBefore }
				login := b.login("s1", "c1")
				b.loop.until(t, "a SENT under way", func() bool { return b.loop.appended(factSent) })
				sent := b.loop.appends[0]
				b.loop.appends = nil
				for _, step := range steps {
					step(b.loop, sent)
				}
				if dies {
					b.loop.until(t, "the annulment stands", func() bool { return len(b.loop.appends) == 0 })
					b.restart()
				}
				b.loop.advance(time.Minute)
				if code.sends != maxAttempts {
					t.Errorf("sent %d times; want %d", code.sends, maxAttempts)
				}
				b.want(login, "code_outcome_unknown")
			})
		}
	}
}

// Such a SENT may come to stand behind a later one under the same key, whose
// request has left: compaction keeps the last alone, and to take that back would
// have the send forgotten.
func TestI3SentThatComesBehindALaterOneIsNotTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultLostBefore }
	login := b.login("s1", "c1")
	b.loop.until(t, "a SENT under way", func() bool { return b.loop.appended(factSent) })
	late := b.loop.appends[0]
	b.loop.appends = nil
	late.back(errors.New("timed out"))
	b.loop.until(t, "a send", func() bool { return code.sends == 1 })
	b.sessions = append(b.sessions, late.rec)
	for range 2 {
		b.loop.advance(7 * time.Second)
		b.compact(len(b.sessions))
		b.restart()
	}
	b.loop.advance(time.Minute)
	if code.sends != maxAttempts {
		t.Errorf("I3: sent %d times; want %d", code.sends, maxAttempts)
	}
	b.want(login, "code_outcome_unknown")
}
