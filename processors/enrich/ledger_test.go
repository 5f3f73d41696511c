package enrich

import (
	"testing"
	"time"

	"doustream/platform/stream"
	"doustream/schemas"
)

// The counterexamples that model-checking found (DESIGN.md), each forced. The
// platform's record of what it was asked is the witness.

// until takes the loop's steps until cond holds; when there are none, the clock
// moves.
func (l *fakeLoop) until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for range 10_000 {
		if cond() {
			return
		}
		steps := l.steps()
		if len(steps) == 0 {
			l.w.now = l.w.now.Add(10 * time.Millisecond)
			continue
		}
		steps[0]()
	}
	t.Fatalf("never: %s", what)
}

// takeOver makes a successor while the owner, not knowing, goes on.
func (b *bench) takeOver() (zombie *fakeLoop) {
	zombie = b.loop
	zombie.fenced = true
	b.loop = b.newLoop(b.proc)
	return zombie
}

// appended reports whether a fact of a kind waits to reach the log.
func (l *fakeLoop) appended(kind factKind) bool {
	for _, a := range l.appends {
		if f, _, ok := readFact(a.rec); ok && f.kind == kind {
			return true
		}
	}
	return false
}

func TestI3SentIsInTheLogBeforeTheRequestLeaves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	b.login("s1", "c1")
	b.loop.until(t, "SENT under way", func() bool { return b.loop.appended(factSent) })
	for range 50 { // everything but the append itself
		steps := b.loop.steps()
		if len(steps) < 2 {
			break
		}
		steps[1]()
	}
	if code.sends != 0 {
		t.Errorf("I3: the request left before its SENT was in the log")
	}
}

func TestI3ZombieWhoseSentStandsBehindAMarkerSendsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.until(t, "SENT under way", func() bool { return b.loop.appended(factSent) })
	zombie := b.takeOver() // the marker is in the log, the SENT is not yet
	zombie.settle()
	b.loop.settle()
	b.loop.advance(time.Minute)
	if code.sends != 1 {
		t.Errorf("I3: sent %d times; want 1, the successor's", code.sends)
	}
	b.want(login, "enriched")
}

// A zombie's SENT comes to stand behind its successor's, for the same code and
// under the same key; and then it learns that it has lost the partition. What
// takes its own send back must not take back the successor's.
func TestI3ZombieThatClosesTakesNoSendOfItsSuccessorsBack(t *testing.T) {
	t.Parallel()
	for name, reads := range map[string]bool{"before its SENT was read back": false, "while that waits for its turn": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.loop.task.gate = &heldGate{b: b}
			code := b.code("c1", "o1")
			b.platform.fault = func(string) fault { return faultLostBefore }
			login := b.login("s1", "c1")
			b.loop.until(t, "SENT under way", func() bool { return b.loop.appended(factSent) })
			zombie := b.takeOver()
			b.loop.settle()
			if code.sends != 1 {
				t.Fatalf("sent %d times; want one, the successor's", code.sends)
			}
			zombie.land(0)
			for reads && zombie.tail < len(b.sessions) {
				zombie.readTail()
			}
			zombie.close()
			zombie.settle()
			for range 3 {
				b.restart()
				b.loop.advance(7 * time.Second) // a foreign SENT is waited out
			}
			b.loop.advance(time.Minute)
			if code.sends != maxAttempts {
				t.Errorf("I3: sent %d times; want %d", code.sends, maxAttempts)
			}
			b.want(login, "code_outcome_unknown")
		})
	}
}

func TestI3SuccessorWaitsOutTheExchangeOfItsPredecessor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.until(t, "SENT read back", func() bool { return len(b.loop.jobs) == 1 && b.loop.tail == 2 })
	zombie := b.takeOver() // its request is about to leave
	b.loop.settle()
	if code.sends != 0 {
		t.Fatalf("I3: the successor sent at once")
	}
	zombie.settle() // the zombie's exchange succeeds and writes its RESULT
	b.loop.settle()
	b.loop.advance(time.Minute)
	if code.sends != 1 {
		t.Errorf("I3: sent %d times; want 1", code.sends)
	}
	b.want(login, "enriched")
}

func TestExchangeThatOutlivesItsTaskWritesItsResultAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"RESULT": true, "a refusal": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			code := b.code("c1", "o1")
			code.unknown = !known
			b.login("s1", "c1")
			b.loop.until(t, "SENT read back", func() bool { return len(b.loop.jobs) == 1 && b.loop.tail == 2 })
			b.loop.close()
			b.loop.settle()
			wrote := len(b.sessions) - 2
			if want := map[bool]int{true: 1, false: 0}[known]; wrote != want {
				t.Errorf("%d facts written after Close; want %d", wrote, want)
			}
		})
	}
}

func TestI3OneMoreSendAfterEachOfTwoCrashesAndNeverAThird(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultLostBefore }
	login := b.login("s1", "c1")
	for range 3 {
		b.loop.advance(7 * time.Second) // a foreign SENT is waited out
		b.restart()
	}
	b.loop.advance(time.Minute)
	if code.sends != maxAttempts {
		t.Errorf("I3: sent %d times; want %d", code.sends, maxAttempts)
	}
	b.want(login, "code_outcome_unknown")
}

func TestI3KillsBetweenSentAndAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	for range 2 { // twice in a row on the same code, each after the request left
		b.loop.advance(7 * time.Second)
		if code.used = false; code.sends == 0 {
			t.Fatal("nothing was sent")
		}
		b.sessions = b.sessions[:len(b.sessions)-1] // the RESULT never arrived
		b.out, b.committed = nil, [topicCount]int64{}
		b.restart()
	}
	b.loop.advance(time.Minute)
	if code.sends != maxAttempts {
		t.Errorf("I3: sent %d times; want %d", code.sends, maxAttempts)
	}
	b.want(login, "code_outcome_unknown")
}

func TestFirstDecisiveFactIsTheOutcomeForEverybody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultLostAfter }
	login, phone := b.login("s1", "c1"), b.phone("s1", keyOf("c1"))
	b.loop.until(t, "one send", func() bool { return code.sends == 1 })
	b.platform.fault = nil
	// The answer was not lost after all: a predecessor's RESULT comes late, before
	// this task's own FAILED.
	late := b.resultOf("c1", "s1", login.Offset)
	// The second send is told that the code is used up.
	b.loop.until(t, "FAILED under way", func() bool { return b.loop.appended(factFailed) })
	b.sessions = append(b.sessions, late)
	b.loop.settle()
	b.loop.advance(5 * time.Second)
	b.want(login, "enriched")
	b.want(phone, "enriched")
	b.restart()
	if e, ok := b.loop.task.ledger.table.decided([]byte("s1"), hashOf("s1", "c1")); !ok || e.kind() != factResult {
		t.Errorf("the next owner takes the second outcome for the first")
	}
}

func TestAnnulledSendDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultConfig }
	login := b.login("s1", "c1")
	for range 4 { // each owner tries, is refused for certain, and dies
		b.loop.advance(8 * time.Second)
		b.restart()
	}
	b.platform.fault = nil
	b.loop.advance(40 * time.Second)
	if code.sends != 1 {
		t.Errorf("sent %d times; want 1", code.sends)
	}
	b.want(login, "enriched")
}

func TestLateAnnulmentTakesNoLaterSendBack(t *testing.T) {
	t.Parallel()
	l := &ledger{open: map[codeHash]sends{}, table: newTable()}
	sent := fact{session: []byte("s"), kind: factSent, attempt: 1, owner: 7, at: 200}
	l.sent(&sent)
	early := fact{session: []byte("s"), kind: factAnnulled, attempt: 1, owner: 7, at: 100}
	l.annulled(&early)
	if !l.unknown(codeHash{}) {
		t.Error("an annulment of an earlier send took back a later one")
	}
	early.at, early.owner = 200, 8
	l.annulled(&early)
	if !l.unknown(codeHash{}) {
		t.Error("an annulment of another owner's send took back ours")
	}
	early.owner = 7
	l.annulled(&early)
	if l.unknown(codeHash{}) {
		t.Error("an annulment of this send was ignored")
	}
}

// The second send's SENT may stand behind the outcome, when the first one's RESULT
// comes late: it is nothing to remember for a session's life.
func TestI9SentBehindItsOutcomeIsNotRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.until(t, "SENT under way", func() bool { return b.loop.appended(factSent) })
	b.sessions = append(b.sessions, b.resultOf("c1", "s1", login.Offset))
	b.loop.settle()
	b.want(login, "enriched")
	if n := len(b.loop.task.ledger.open); n != 0 {
		t.Errorf("%d codes without an outcome are remembered; want none", n)
	}
}

// The answer to a request that left just before the end of its code's life may come
// after it: its successor says nothing of the code before.
func TestSuccessorWaitsForAnAnswerPastTheCodesLife(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.CodeLife = time.Second })
	b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.until(t, "SENT read back", func() bool { return len(b.loop.jobs) == 1 && b.loop.tail == 2 })
	zombie := b.takeOver()
	b.loop.advance(4 * time.Second)
	if b.loop.appended(factFailed) || len(b.sessions) > 3 {
		t.Fatal("the code is given up while its request may be under way")
	}
	zombie.settle()
	b.loop.settle()
	b.want(login, "enriched")
}

// A code may live for longer than a session: its sends are known until it ends.
func TestI3SendsAreKnownForAsLongAsTheirCodeLives(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.SessionLife = time.Minute })
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultLostBefore }
	b.loop.task.gate = &clockedGate{b: b} // the last send is not made yet
	login := b.login("s1", "c1")
	b.loop.advance(2 * time.Minute)
	b.restart()
	b.loop.advance(2 * time.Minute)
	b.want(login, "code_outcome_unknown")
	if code.sends != maxAttempts {
		t.Errorf("I3: sent %d times; want %d", code.sends, maxAttempts)
	}
}

// What stands before one's own marker was written before that was read, whatever
// the clock said of whoever wrote it.
func TestSentOfAnOwnerWhoseClockWasAheadIsNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.sessions = append(b.sessions, b.proc.facts.note(&fact{
		session: []byte("s1"), hash: hashOf("s1", "c1"), kind: factSent, attempt: 1, layout: layoutSlim,
		app: hashApp(testApp), owner: 7, at: b.now.Add(time.Hour).UnixMilli(),
	}, 0))
	b.restart()
	b.loop.advance(5 * time.Second)
	if code.sends != 0 {
		t.Error("I3: sent while another owner's exchange may be under way")
	}
	b.loop.advance(3 * time.Second)
	b.want(login, "enriched")
}

// A clock that is set back would have whatever waits for a moment of it wait for
// as much longer: its owner begins anew.
func TestClockThatIsSetBackHoldsNothingUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.platform.fault = func(string) fault { return faultNotSent }
	b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.advance(3*time.Minute + time.Second)
	b.want(login, "code_expired")
	b.loop.advance(time.Minute)
	if b.loop.closed {
		t.Error("a clock that goes on as it should ended a task")
	}
	b.now = b.now.Add(-time.Hour)
	b.loop.task.sweep() // a minute later, as timers count
	if !b.loop.closed {
		t.Error("the task goes on with moments of an hour ahead")
	}
}

// What is past its life is looked for again and again.
func TestI9TheLedgerForgetsForAsLongAsItsTaskLives(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.SessionLife = 10 * time.Minute })
	b.loop.advance(5 * time.Minute)
	if late := b.now.UnixMilli() - b.loop.task.sessionLife - b.loop.task.ledger.horizon; late > time.Minute.Milliseconds() {
		t.Errorf("what is %d ms past its life is not forgotten", late)
	}
}

func TestI9SendsPastTheirLifeAreForgotten(t *testing.T) {
	t.Parallel()
	old, mixed, young := codeHash{1}, codeHash{2}, codeHash{3}
	l := &ledger{table: newTable(), open: map[codeHash]sends{
		old: {{sent: true, at: 10}, {sent: true, at: 90}}, mixed: {{sent: true, at: 10}, {sent: true, at: 100}}, young: {{sent: true, at: 200}},
	}}
	l.expire(100)
	if len(l.open) != 2 || l.unknown(old) || !l.unknown(mixed) || !l.unknown(young) {
		t.Errorf("%v are remembered; want those with a send that is young enough", l.open)
	}
}

// What is to be said of a code is its owner's to say: a zombie's FAILED might stand
// before the successor's RESULT, and be the outcome.
func TestZombieSaysNothingOfACode(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultNotSent }
	login := b.login("s1", "c1")
	b.loop.settle()
	zombie := b.takeOver()
	began := len(b.sessions)
	b.now = b.now.Add(4 * time.Minute) // the code is past its life
	zombie.settle()
	for _, rec := range b.sessions[began:] {
		if f, _, ok := readFact(rec); ok && f.decisive() {
			t.Errorf("the zombie wrote a %s", factNames[f.kind])
		}
	}
	b.loop.settle()
	b.want(login, "code_expired")
	if code.sends != 0 {
		t.Errorf("sent %d times", code.sends)
	}
}

func TestI3OneCodeTwiceInOneSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	first, second := b.login("s1", "c1"), b.login("s1", "c1")
	b.loop.settle()
	if code.sends != 1 {
		t.Errorf("I3: sent %d times; want 1", code.sends)
	}
	b.want(first, "enriched")
	b.want(second, "enriched")
}

func TestCodePastItsLife(t *testing.T) {
	t.Parallel()
	old := func(env map[string]any) {
		env["occurred_at"] = env["occurred_at"].(int64) - int64(time.Hour/time.Millisecond)
	}
	for name, test := range map[string]struct {
		lag  time.Duration // of the task behind the record's timestamp
		old  bool          // by occurred_at
		want string
	}{
		"both say so":            {lag: time.Hour, old: true, want: "code_expired"},
		"only occurred_at does":  {old: true, want: "enriched"},
		"only the record's does": {lag: time.Hour, want: "code_expired"}, // occurred_at is as old by then
		"neither":                {want: "enriched"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			code := b.code("c1", "o1")
			var change []func(map[string]any)
			if test.old {
				change = append(change, old)
			}
			login := b.event(topicLogin, "s1", map[string]any{"code": "c1", "errMsg": "login:ok"}, change...)
			b.now = b.now.Add(test.lag)
			b.loop.settle()
			b.want(login, test.want)
			if sent := code.sends > 0; sent != (test.want == "enriched") {
				t.Errorf("sent %d times", code.sends)
			}
		})
	}
}

func TestI3AnothersSentBehindOnesOwnMarkerNeverLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mine := b.loop.task.ledger
	for name, test := range map[string]struct {
		owner   string
		marked  bool // our marker stands before it
		attempt int  // that may be sent
		waits   bool
	}{
		"another's, before our marker": {owner: "another", attempt: 2, waits: true},
		"another's, behind our marker": {owner: "another", marked: true, attempt: 1},
		"ours":                         {owner: mine.name, marked: true, attempt: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{
				owner: mine.owner, name: mine.name, deadline: 5000, table: newTable(), open: map[codeHash]sends{},
				marker: stream.Marker, now: func() int64 { return 2000 },
			}
			marker := &stream.Record{Topic: "s", Key: []byte("\x00marker|s|0"), Value: []byte(l.name)}
			hash := hashOf("s", "c")
			sent, err := b.proc.facts.record(factSent, &schemas.SessionFact{
				SessionID: "s", AppID: testApp, CodeHash: hash[:], CodeKind: schemas.CodeKindCode, Attempt: 1, Owner: test.owner, At: 1000,
			}, 0)
			must(t, err)
			records := []*stream.Record{sent, marker}
			if test.marked {
				records = []*stream.Record{marker, sent}
			}
			for _, rec := range records {
				l.take(rec)
			}
			var wait int64 // for as long as its exchange may take, by a clock that may differ
			if test.waits {
				wait = 1000 + l.deadline + skew
			}
			if attempt, until := l.next(hash); attempt != test.attempt || until != wait {
				t.Errorf("attempt %d, not before %d; want %d, %d", attempt, until, test.attempt, wait)
			}
		})
	}
}
