package enrich

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"doustream/platform/stream"
	"doustream/schemas"
)

// trial is one run of the whole task under chance: arrival, the order of every
// step, faults of the platform, crashes and take-overs.
type trial struct {
	*bench
	r      *rapid.T
	loops  []*fakeLoop // the newest owns the partition, the others are zombies
	plan   []planned
	made   []planned
	held   []func(verdict) bool // exchanges whose SENT stands, held by the gate
	faulty bool
}

// planned is an event to come, and afterwards what it was.
type planned struct {
	topic   topic
	session string
	code    string // of a login: its code; else the code of the login that it needs
	foreign bool   // encrypted under a key that no login gives
	rec     *stream.Record
}

func TestTaskAgainstModel(t *testing.T) {
	t.Parallel()
	// I1, I3, I4, and the Kafka half of I5: whatever happens, each event has one
	// result, in order, and codes are sent no more often than allowed.
	rapid.Check(t, func(r *rapid.T) {
		tr := newTrial(t, r)
		tr.run()
		tr.judge()
	})
}

func newTrial(t *testing.T, r *rapid.T) *trial {
	b := &bench{world: newWorld(), t: t, platform: newFakePlatform()}
	b.platform.now = func() time.Time { return b.now }
	cfg := testConfig()
	cfg.Metrics = prometheus.NewRegistry()
	cfg.ParkedRecords = rapid.IntRange(1, 6).Draw(r, "parked records")
	proc, err := newProcessor(cfg, testDeps(t, b.platform))
	must(t, err)
	proc.clock = func() time.Time { return b.now }
	tr := &trial{bench: b, r: r, faulty: true}
	proc.gate = openGate{deny: tr.deny, delay: tr.delay}
	b.platform.fault = tr.fault
	b.proc = proc
	tr.draw()
	tr.loops = []*fakeLoop{b.newLoop(proc)}
	return tr
}

// draw makes the plan: logins and what depends on them, of a few sessions.
func (tr *trial) draw() {
	current := map[string]string{}
	n := rapid.IntRange(2, 14).Draw(tr.r, "events")
	for i := range n {
		session := fmt.Sprintf("s%d", rapid.IntRange(1, 3).Draw(tr.r, "session"))
		switch kind := rapid.IntRange(0, 9).Draw(tr.r, "kind"); {
		case kind < 4:
			code := fmt.Sprintf("c%d", i)
			if kind == 3 && current[session] != "" { // published twice
				code = current[session]
			} else {
				c := tr.code(code, "open-"+session)
				c.unknown = rapid.IntRange(0, 7).Draw(tr.r, "unknown code") == 0
			}
			current[session] = code
			tr.plan = append(tr.plan, planned{topic: topicLogin, session: session, code: code})
		case kind < 8:
			foreign := rapid.IntRange(0, 7).Draw(tr.r, "foreign key") == 0
			tr.plan = append(tr.plan, planned{topic: topicPhone, session: session, code: current[session], foreign: foreign})
		default:
			tr.plan = append(tr.plan, planned{topic: topicDevice, session: session, code: current[session]})
		}
	}
}

func (tr *trial) deny() time.Duration {
	if tr.faulty && rapid.IntRange(0, 9).Draw(tr.r, "deny") == 0 {
		return 700 * time.Millisecond
	}
	return 0
}

// delay has an exchange wait whose SENT stands, or calls it off.
func (tr *trial) delay(told func(verdict) bool) verdict {
	if !tr.faulty {
		return verdictGo
	}
	switch rapid.IntRange(0, 9).Draw(tr.r, "leaves") {
	case 0:
		return verdictOff
	case 1, 2, 3:
		tr.held = append(tr.held, told)
		return verdictWait
	}
	return verdictGo
}

// tell ends the wait of one.
func (tr *trial) tell() {
	if n := len(tr.held); n > 0 {
		i := rapid.IntRange(0, n-1).Draw(tr.r, "held")
		tr.held[i](rapid.SampledFrom([]verdict{verdictGo, verdictOff}).Draw(tr.r, "verdict"))
		tr.held = slices.Delete(tr.held, i, i+1)
	}
}

func (tr *trial) fault(string) fault {
	if !tr.faulty || rapid.IntRange(0, 3).Draw(tr.r, "platform") != 0 {
		return faultNone
	}
	return fault(rapid.IntRange(1, int(faultConfig)).Draw(tr.r, "fault"))
}

func (tr *trial) owner() *fakeLoop { return tr.loops[len(tr.loops)-1] }

// run takes steps by chance, then lets everything come to rest.
func (tr *trial) run() {
	for range rapid.IntRange(0, 250).Draw(tr.r, "steps") {
		tr.step()
	}
	for len(tr.held) > 0 {
		tr.tell()
	}
	tr.faulty = false
	for len(tr.plan) > 0 {
		tr.publish()
	}
	for range 1200 {
		for _, l := range tr.loops {
			l.settle()
		}
		if tr.rest() {
			return
		}
		tr.now = tr.now.Add(500 * time.Millisecond)
	}
	tr.r.Fatalf("not at rest after ten minutes: %d active, %d under way, holds %v, usurped %v, parked %v",
		len(tr.owner().task.active), tr.owner().task.working, tr.owner().holds, tr.owner().task.ledger.usurped, tr.unparked())
}

func (tr *trial) rest() bool {
	for t := range topicCount {
		if int(tr.committed[t]) < len(tr.inputs[t]) {
			return false
		}
	}
	return len(tr.unparked()) == 0
}

func (tr *trial) step() {
	switch what := rapid.IntRange(0, 99).Draw(tr.r, "what"); {
	case what < 12:
		tr.publish()
	case what < 20:
		tr.now = tr.now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(tr.r, "ms")) * time.Millisecond)
	case what < 28:
		tr.commitSome()
	case what == 28:
		tr.now = tr.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(tr.r, "s")) * time.Second)
	case what == 29:
		tr.crash()
	case what == 30:
		tr.takeOver()
	case what == 31:
		tr.notice()
	case what < 36:
		tr.tell()
	case what == 36:
		tr.compact()
	case what == 37:
		tr.timeOut()
	default:
		l := tr.loops[rapid.IntRange(0, len(tr.loops)-1).Draw(tr.r, "loop")]
		if steps := l.steps(); len(steps) > 0 {
			steps[rapid.IntRange(0, len(steps)-1).Draw(tr.r, "step")]()
		}
	}
}

func (tr *trial) publish() {
	if len(tr.plan) == 0 {
		return
	}
	p := tr.plan[0]
	tr.plan = tr.plan[1:]
	key := keyOf(p.code)
	if p.foreign || p.code == "" {
		key = keyOf("nobody's")
	}
	switch p.topic {
	case topicLogin:
		p.rec = tr.login(p.session, p.code)
	case topicPhone:
		p.rec = tr.phone(p.session, key)
	default:
		p.rec = tr.device(p.session)
	}
	tr.made = append(tr.made, p)
}

func (tr *trial) commitSome() {
	l := tr.owner()
	l.commitSome(rapid.IntRange(0, len(l.pending)).Draw(tr.r, "entries"))
}

// crash ends the owner behind any transaction.
func (tr *trial) crash() {
	tr.commitSome()
	tr.owner().crash(func() bool { return rapid.Bool().Draw(tr.r, "arrives") })
	tr.loops[len(tr.loops)-1] = tr.newLoop(tr.proc)
}

// takeOver leaves the owner running, not knowing that it is one no more.
func (tr *trial) takeOver() {
	tr.commitSome()
	tr.owner().fenced = true
	tr.loops = append(tr.loops, tr.newLoop(tr.proc))
}

// compact leaves holes behind what everybody has read: the topic's
// min.compaction.lag.ms is longer than any reader stands still whom a code outlives.
func (tr *trial) compact() {
	end := len(tr.sessions)
	for _, l := range tr.loops {
		if !l.closed {
			end = min(end, l.tail)
		}
	}
	tr.world.compact(end)
}

// timeOut has somebody's append fail.
func (tr *trial) timeOut() {
	l := tr.loops[rapid.IntRange(0, len(tr.loops)-1).Draw(tr.r, "loop")]
	if n := len(l.appends); n > 0 && !l.crashed {
		l.timeOut(rapid.IntRange(0, n-1).Draw(tr.r, "append"), rapid.Bool().Draw(tr.r, "stands"), rapid.Bool().Draw(tr.r, "late"))
	}
}

// notice lets the oldest zombie learn of it.
func (tr *trial) notice() {
	if l := tr.loops[0]; l.fenced && !l.closed {
		l.close()
	}
}

// judge compares what came out with what may.
func (tr *trial) judge() {
	got, order := results(tr.r, tr.out)
	place := map[schemas.Source]int{}
	for i, s := range order {
		place[s] = i
	}
	logins := map[string][]planned{} // by session
	for _, p := range tr.made {
		res := got[sourceOf(p.rec)]
		if len(res) != 1 {
			tr.r.Fatalf("%s/%d has %d results: %v", p.rec.Topic, p.rec.Offset, len(res), res)
		}
		if p.topic == topicLogin {
			logins[p.session] = append(logins[p.session], p)
			tr.judgeLogin(p, res[0], got)
			continue
		}
		tr.judgeDependent(p, res[0], got, place, logins[p.session])
	}
	tr.judgeOrder(order)
}

func (tr *trial) judgeLogin(p planned, r result, got map[schemas.Source][]result) {
	code := tr.platform.codes[p.code]
	if code.sends > maxAttempts {
		tr.r.Fatalf("I3: code %s was sent %d times", p.code, code.sends)
	}
	allowed := []string{"enriched", "code_outcome_unknown", "code_expired"}
	if code.unknown {
		allowed = []string{"code_refused", "code_outcome_unknown", "code_expired"}
	}
	if !slices.Contains(allowed, r.String()) {
		tr.r.Fatalf("login %d (%s): %s; want one of %v%s", p.rec.Offset, p.code, r, allowed, tr.story(got))
	}
	if r.user != nil && !code.used {
		tr.r.Fatalf("login %d: enriched, though the platform gave no session", p.rec.Offset)
	}
}

// judgeDependent: an event whose login succeeded is enriched, behind it. One
// whose login did not may still have been opened by none.
func (tr *trial) judgeDependent(p planned, r result, got map[schemas.Source][]result, place map[schemas.Source]int, logins []planned) {
	var needed *planned
	for i := range logins {
		if logins[i].code == p.code {
			needed = &logins[i]
			break
		}
	}
	ok := needed != nil && got[sourceOf(needed.rec)][0].user != nil
	if r.user == nil {
		if ok && !p.foreign && !tr.rotatedAway(p, got) {
			tr.r.Fatalf("%s/%d: %s, though its login was enriched%s", p.rec.Topic, p.rec.Offset, r, tr.story(got))
		}
		return
	}
	if p.topic == topicPhone && (!ok || p.foreign) {
		tr.r.Fatalf("%s/%d: enriched without its login", p.rec.Topic, p.rec.Offset)
	}
	if p.topic == topicPhone && place[sourceOf(needed.rec)] > place[sourceOf(p.rec)] {
		tr.r.Fatalf("I4: %s/%d left before its login", p.rec.Topic, p.rec.Offset)
	}
	before := slices.ContainsFunc(logins, func(l planned) bool {
		at, enriched := place[sourceOf(l.rec)]
		return enriched && at < place[sourceOf(p.rec)]
	})
	if p.topic == topicDevice && !before && !tr.laterLogin(p, place) {
		tr.r.Fatalf("I4: %s/%d left before any login of its session", p.rec.Topic, p.rec.Offset)
	}
	if want := "open-" + p.session; r.user.OpenID != want {
		tr.r.Fatalf("%s/%d: of %s; want %s", p.rec.Topic, p.rec.Offset, r.user.OpenID, want)
	}
}

// rotatedAway reports whether so many logins succeeded after the one that p
// needs that its key may be forgotten.
func (tr *trial) rotatedAway(p planned, got map[schemas.Source][]result) bool {
	later, seen := map[string]bool{}, false
	for _, l := range tr.made {
		if l.topic != topicLogin || l.session != p.session {
			continue
		}
		if seen && l.code != p.code && got[sourceOf(l.rec)][0].user != nil {
			later[l.code] = true
		}
		seen = seen || l.code == p.code
	}
	return p.topic == topicPhone && len(later) >= sessionKeys
}

// laterLogin reports whether a login that was published after p left before it.
func (tr *trial) laterLogin(p planned, place map[schemas.Source]int) bool {
	return slices.ContainsFunc(tr.made, func(l planned) bool {
		at, enriched := place[sourceOf(l.rec)]
		return l.topic == topicLogin && l.session == p.session && enriched && at < place[sourceOf(p.rec)]
	})
}

// judgeOrder: I4, of one session the enriched records of a topic leave in its
// order.
func (tr *trial) judgeOrder(order []schemas.Source) {
	last := map[string]int64{}
	session := map[schemas.Source]string{}
	for _, p := range tr.made {
		session[sourceOf(p.rec)] = p.session
	}
	for _, s := range order {
		key := session[s] + "|" + s.Topic
		if at, ok := last[key]; ok && at > s.Offset {
			tr.r.Fatalf("I4: %s/%d left after %d", s.Topic, s.Offset, at)
		}
		last[key] = s.Offset
	}
}

// story tells a failing run in a few lines.
func (tr *trial) story(got map[schemas.Source][]result) string {
	var b strings.Builder
	for _, p := range tr.made {
		fmt.Fprintf(&b, "\n  %s/%d %s code=%s foreign=%t at=%d: %v", p.rec.Topic, p.rec.Offset, p.session, p.code, p.foreign,
			p.rec.Timestamp.UnixMilli()%1e7, got[sourceOf(p.rec)])
	}
	b.WriteString("\n  sessions:")
	for _, rec := range tr.sessions {
		if rec == nil {
			continue
		}
		if f, _, ok := readFact(rec); ok {
			fmt.Fprintf(&b, "\n    %s %s/%d login=%d at=%d owner=%x", factNames[f.kind], f.session, f.attempt, f.loginOffset, f.at%1e7, f.owner)
		} else {
			fmt.Fprintf(&b, "\n    marker %s %x", rec.Value, hashOwner(string(rec.Value)))
		}
	}
	return b.String()
}
