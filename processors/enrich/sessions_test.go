package enrich

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// kept is what the model of a table knows of a fact.
type kept struct {
	fact
	sealed string
	gone   bool // expired
}

func TestTableAgainstMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := newTable()
		table.first = rapid.SampledFrom([]uint64{1, chunkMask - 1, chunkMask, chunkMask + 1, 3*(chunkMask+1) - 2}).Draw(t, "first chunk")
		model := map[string]map[codeHash]*kept{}
		clock := int64(1 << 40)
		live := 0
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				clock += rapid.Int64Range(0, 1000).Draw(t, "ms")
				f := fact{
					session: []byte(rapid.SampledFrom([]string{"a", "b", "c", "d-long-enough-to-be-one-of-life's-ids"}).Draw(t, "session")),
					kind:    rapid.SampledFrom([]factKind{factResult, factFailed}).Draw(t, "kind"),
					attempt: uint8(rapid.IntRange(1, maxAttempts).Draw(t, "attempt")),
					layout:  rapid.SampledFrom([]layout{layoutFirst, layoutSlim}).Draw(t, "layout"),
					app:     rapid.Uint32().Draw(t, "app"), loginOffset: rapid.Int64().Draw(t, "login"), at: clock,
				}
				f.hash[0] = byte(rapid.IntRange(0, 60).Draw(t, "code"))
				sealed := bytes.Repeat([]byte{f.hash[0]}, rapid.SampledFrom([]int{1, 100, 6000, chunkSize + 1}).Draw(t, "size"))
				codes := model[string(f.session)]
				if codes == nil {
					codes = map[codeHash]*kept{}
					model[string(f.session)] = codes
				}
				fresh := codes[f.hash] == nil || codes[f.hash].gone
				if table.add(&f, sealed, clock) != fresh {
					t.Fatalf("add of %q/%d: not %v", f.session, f.hash[0], fresh)
				}
				if fresh {
					codes[f.hash] = &kept{fact: f, sealed: string(sealed)}
					live++
				}
			},
			"expire": func(t *rapid.T) {
				before := clock - rapid.Int64Range(0, 5000).Draw(t, "life")
				table.expire(before)
				for session, codes := range model {
					for hash, k := range codes {
						_, ok := table.decided([]byte(session), hash)
						if !ok && !k.gone {
							if k.at >= before {
								t.Fatalf("%q/%d was forgotten %d ms before its time", session, hash[0], k.at-before)
							}
							k.gone = true
							live--
						}
					}
				}
			},
			"": func(t *rapid.T) {
				if table.facts != live {
					t.Fatalf("%d facts; want %d", table.facts, live)
				}
				for session, c := range table.crowds {
					if rungs := c.rungs(); rungs != len(c.codes) || rungs > live || rungs == 0 {
						t.Fatalf("the crowd of %q has %d codes and %d rungs, of %d facts in all", session, len(c.codes), rungs, live)
					}
				}
				for session, codes := range model {
					for hash, k := range codes {
						e, ok := table.decided([]byte(session), hash)
						if ok == k.gone {
							t.Fatalf("%q/%d: found %v, gone %v", session, hash[0], ok, k.gone)
						}
						if ok {
							k.compare(t, e)
						}
					}
				}
			},
		})
	})
}

func (c *crowd) rungs() (n int) {
	for _, l := range c.apps {
		n += len(l.results) + len(l.failed)
	}
	return n
}

func (k *kept) compare(t *rapid.T, e entry) {
	got := e.spread()
	want := k.fact
	if string(got.session) != string(want.session) || string(got.sealed) != k.sealed {
		t.Fatalf("kept %q with %d bytes; want %q with %d", got.session, len(got.sealed), want.session, len(k.sealed))
	}
	got.session, want.session = nil, nil
	if fmt.Sprint(got.fact) != fmt.Sprint(want) {
		t.Fatalf("kept %+v; want %+v", got.fact, want)
	}
}

func outcome(session string, login int, kind factKind, at int64) fact {
	f := fact{session: []byte(session), kind: kind, attempt: 1, layout: layoutSlim, app: hashApp(testApp), loginOffset: int64(login), at: at}
	f.hash = hashOf(session, fmt.Sprint("code-", login))
	return f
}

// I9: a session with very many logins costs each look-up no more than a session
// with a few. Entries looked at are counted; time would depend on the machine.
func TestLookUpInACrowdedSessionIsNotAWalk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	task := b.loop.task
	table, now := task.ledger.table, task.now()
	const logins = 5000
	most := func(what string, steps int) {
		t.Helper()
		if table.walked > steps {
			t.Errorf("%s looks at %d entries; want %d at most", what, table.walked, steps)
		}
		table.walked = 0
	}
	for i := range logins {
		kind := factResult
		if i%2 == 1 || i > logins/2 && i < logins-1 { // long rows of failures too
			kind = factFailed
		}
		f := outcome("s", (i*7919)%logins, kind, now) // in any order
		if !table.add(&f, []byte{1}, now) {
			t.Fatalf("login %d counts as decided", i)
		}
	}
	most("adding", logins*(crowdFrom+4))
	for i := range logins {
		if _, ok := table.decided([]byte("s"), hashOf("s", fmt.Sprint("code-", i))); !ok {
			t.Fatalf("login %d is not found", i)
		}
	}
	most("asking for each code", logins*3)
	task.frontier = logins
	device := b.device("s")
	e := &event{task: task, rec: device, p: b.proc.prepare(device)}
	for range 100 {
		task.known(e)
	}
	most("joining", 100*(2+2*sessionKeys+1))
}

// What is known of a crowded session is what walking through it would find.
func TestKnownOfACrowdIsThatOfAWalk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	task := b.loop.task
	device := b.device("s")
	e := &event{task: task, rec: device, p: b.proc.prepare(device)}
	rapid.Check(t, func(r *rapid.T) {
		table, now := newTable(), task.now()
		task.ledger.table = table
		task.frontier = rapid.Int64Range(0, 80).Draw(r, "frontier")
		expired := rapid.IntRange(0, 40).Draw(r, "logins past their life")
		want := known{}
		least := rapid.SampledFrom([]int{0, 3 * crowdFrom}).Draw(r, "least") // seldom a crowd if left to chance
		for _, login := range rapid.SliceOfN(rapid.IntRange(0, 79), least, 80).Draw(r, "logins") {
			f := outcome("s", login, rapid.SampledFrom([]factKind{factResult, factFailed}).Draw(r, "kind"), now)
			if login < expired {
				f.at -= task.sessionLife + 1
			}
			if !table.add(&f, []byte{1}, now) || f.loginOffset >= task.frontier || login < expired {
				continue
			}
			if f.kind == factFailed {
				want.failed = max(want.failed, f.loginOffset+1)
			} else {
				want.insert(nil, f.loginOffset+1)
			}
		}
		got := task.known(e)
		if got.logins != want.logins || got.failed != want.failed {
			r.Fatalf("logins %v, failed %d; want %v, %d", got.logins, got.failed, want.logins, want.failed)
		}
	})
}

// The index of a crowd goes with what it leads to.
func TestCrowdIsForgottenWithItsSessions(t *testing.T) {
	t.Parallel()
	table := newTable()
	add := func(session string, login int, at int64) {
		f := outcome(session, login, factResult, at)
		if !table.add(&f, make([]byte, 100), at) {
			t.Fatalf("login %d counts as decided", login)
		}
	}
	const logins = 1000 // some chunks
	for i := range logins {
		add("s", i, int64(i))
	}
	half := table.chunks[len(table.chunks)/2].newest
	table.expire(half)
	c := table.crowds["s"]
	if n := c.rungs(); n != table.facts || len(c.codes) != n || n == logins || n < logins-int(half) {
		t.Errorf("%d rungs, %d codes, %d facts after %d of %d logins expired", n, len(c.codes), table.facts, half, logins)
	}
	for i := 0; table.newest([]byte("s")) != 0; i++ { // until no chunk has a login of it
		add("another", i, 2*logins)
		table.expire(2*logins + 1)
	}
	if _, left := table.crowds["s"]; left {
		t.Error("the crowd is left")
	}
}
