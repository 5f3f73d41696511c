package enrich

import (
	"cmp"
	"slices"
)

// crowdFrom is how many outcomes a session has before it gets a crowd: up to
// there, walking from one to the next is the cheapest.
const crowdFrom = 16

// crowd is the index of a session with very many logins, so that a look-up does
// not walk through them all. It costs some hundred bytes a login, which few
// sessions ever pay.
type crowd struct {
	codes map[codeHash]place
	apps  map[uint32]*ladder // by hash of the app's id
}

// ladder are the outcomes under one app, in the order of their logins.
type ladder struct{ results, failed []rung }

type rung struct {
	login int64
	at    place
}

// gather makes the crowd of a session out of its entries.
func (t *table) gather(newest place, session []byte) *crowd {
	c := &crowd{codes: map[codeHash]place{}, apps: map[uint32]*ladder{}}
	for at := newest; ; {
		e := t.entry(at)
		if e == nil {
			break
		}
		s := e.spread()
		c.add(&s.fact, at)
		at = t.before(e)
	}
	t.crowds[string(session)] = c
	return c
}

func (c *crowd) add(f *fact, at place) {
	c.codes[f.hash] = at
	l := c.apps[f.app]
	if l == nil {
		l = &ladder{}
		c.apps[f.app] = l
	}
	rungs := &l.results
	if f.kind == factFailed {
		rungs = &l.failed
	}
	i := position(*rungs, f.loginOffset)
	*rungs = slices.Insert(*rungs, i, rung{f.loginOffset, at})
}

// position answers how many rungs stand for logins before the one given. The
// newest login is nearly always the last.
func position(rungs []rung, login int64) int {
	if n := len(rungs); n == 0 || rungs[n-1].login < login {
		return n
	}
	i, _ := slices.BinarySearchFunc(rungs, login, func(r rung, login int64) int { return cmp.Compare(r.login, login) })
	return i
}

// below passes the rungs of logins before an offset, newest first, as long as
// visit wants more.
func below(rungs []rung, offset int64, visit func(place) (more bool)) {
	for i := position(rungs, offset) - 1; i >= 0; i-- {
		if !visit(rungs[i].at) {
			return
		}
	}
}

// disperse drops from all crowds what has expired.
func (t *table) disperse() {
	for session, c := range t.crowds {
		gone := func(r rung) bool { return uint64(r.at)>>offsetBits < t.first }
		for app, l := range c.apps {
			l.results, l.failed = slices.DeleteFunc(l.results, gone), slices.DeleteFunc(l.failed, gone)
			if len(l.results)+len(l.failed) == 0 {
				delete(c.apps, app)
			}
		}
		for hash, at := range c.codes {
			if uint64(at)>>offsetBits < t.first {
				delete(c.codes, hash)
			}
		}
		if len(c.codes) == 0 {
			delete(t.crowds, session)
		}
	}
}
