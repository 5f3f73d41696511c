package enrich

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/secrets"
	"doustream/schemas"
)

func sessionOf(key douyin.SessionKey, user string) douyin.Session {
	return douyin.Session{SessionKey: key, OpenID: "open-" + user, UnionID: "union-" + user}
}

// I1, I3, I4, I5: one instance becomes four and then two, under load and with
// exchanges under way; each goes within its deadline. No event is lost, doubled
// or overtaken, and no code asked about twice: an orderly end waits for answers.
func TestI1I3I4I5OneInstanceBecomesFourAndThenTwo(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 8)
		r.platform.SetLatency("", douyintest.Latency{Median: 150 * time.Millisecond, P99: time.Second})
		cl := r.producer()
		running := map[string]*instance{"a": r.launch("a")}
		end := func(name string) {
			began := time.Now()
			running[name].stop(t)()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s took %v to end", name, took)
			}
		}
		sessions := map[string][]made{}
		total := 0
		for i := range 150 {
			session := fmt.Sprintf("s%d", i)
			sessions[session] = r.visit(cl, testApp, session)
			total += len(sessions[session])
			switch i {
			case 25, 45, 65:
				name := string(rune('b' + i/20 - 1))
				running[name] = r.launch(name)
			case 95:
				go end("a")
			case 120:
				go end("c")
			}
			<-time.After(60 * time.Millisecond)
		}
		got, order := r.readInOrder(total)
		place := map[schemas.Source]int{}
		for i, source := range order {
			place[source] = i
		}
		for session, events := range sessions {
			r.wantAll(events, "enriched", got)
			last := map[string]int{}
			for _, e := range events {
				if place[e.source] < place[events[0].source] || place[e.source] < last[e.topic] {
					t.Errorf("I4: %v of %s left out of order", e.source, session)
				}
				last[e.topic] = place[e.source]
			}
		}
		if twice := r.platform.Codes(2); len(twice) != 0 {
			t.Errorf("I3: %d codes were asked about twice", len(twice))
		}
	})
}

func ringOf(t testing.TB, ids ...string) *secrets.Keyring {
	t.Helper()
	var text []byte
	for _, id := range ids {
		key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(id[len(id)-1:]), 32))
		text = fmt.Appendf(text, "%s:%s,", id, key)
	}
	ring, err := secrets.ParseKeyring(string(bytes.TrimSuffix(text, []byte(","))))
	must(t, err)
	return ring
}

// sealedUnder are the topics of state with the keys that records of theirs are
// sealed under.
func (r *rig) sealedUnder() map[string]bool {
	used := map[string]bool{}
	for _, rec := range append(r.consume(0, schemas.TopicSessions), r.consume(0, schemas.TopicParked)...) {
		_, sealed, ok := readFact(rec)
		if rec.Topic == schemas.TopicParked && len(rec.Value) > 2 && rec.Key[0] != 0 {
			sealed, ok = rec.Value, true
		}
		if ok && len(sealed) > 0 { // a send has nothing to seal
			used[rec.Topic+" "+string(sealed[2:2+sealed[1]])] = true
		}
	}
	return used
}

// The sealing key is rotated while the role runs, one instance after another:
// whoever has a partition opens what was sealed under either key, sessions and
// parked events alike, and seals under its own first.
func TestSealingKeysAreRotatedWhileRunning(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 2)
		cl := r.producer()
		rings := [][]string{{"k1"}, {"k1", "k2"}, {"k2", "k1"}, {"k1", "k2"}, {"k2", "k1"}}
		var events []made
		type visitor struct{ session, key string }
		var before []visitor
		var last *instance
		for i, ids := range rings {
			if i == 2 { // all open under k2 before it seals
				for place := range r.sealedUnder() {
					if strings.HasSuffix(place, " k2") {
						t.Errorf("%s while k1 was the first of every ring", place)
					}
				}
			}
			r.deps = func(d *Deps) { d.Sealing = ringOf(t, ids...) }
			next := r.launch(fmt.Sprintf("i%d", i))
			r.until(next.Ready) // it has one of the two, with what its predecessor wrote
			session := fmt.Sprintf("s%d", i)
			for j := range 4 { // of both partitions
				events = append(events, r.visit(cl, testApp, fmt.Sprintf("%s-%d", session, j))...)
			}
			for _, v := range before { // known and parked under other keys
				events = append(events, r.publish(cl, schemas.TopicPhone, testApp, v.session, r.phonePayload(testApp, v.key)))
			}
			waits := r.platform.Login(testApp, session+"-waits") // its phone parks, its login comes to the next instance
			events = append(events, r.publish(cl, schemas.TopicPhone, testApp, session+"-waits", r.phonePayload(testApp, waits.SessionKey)))
			<-time.After(4 * time.Second)
			if last != nil {
				last.stop(t)()
			}
			last = next
			events = append(events, r.publish(cl, schemas.TopicLogin, testApp, session+"-waits", loginPayload(waits)))
			before = append(before, visitor{session + "-waits", waits.SessionKey})
		}
		r.wantAll(events, "enriched", r.read(len(events)))
		used := r.sealedUnder()
		for _, topic := range []string{schemas.TopicSessions, schemas.TopicParked} {
			for _, id := range []string{"k1", "k2"} {
				if !used[topic+" "+id] {
					t.Errorf("nothing of %s was sealed under %s", topic, id)
				}
			}
		}
		if n := r.metric("doustream_enrich_state_skipped_total"); n != 0 {
			t.Errorf("%v records of our own were skipped", n)
		}
	})
}
