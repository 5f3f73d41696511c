package notify

import (
	"container/heap"
	"time"

	"doustream/platform/douyin"
)

// app is one mini-app's sending: its users, its token and its limits. Owned by
// the task's loop.
type app struct {
	douyin.App
	cfg   AppConfig
	users map[string]*user
	ready []*user // users whose head may go, in turn
	later later   // users whose turn comes with time

	size    int       // orders taken in or about to be
	bytes   int64     // of them
	stalled []arrival // orders beyond the app's share, not taken in

	token    *tokenOwner
	bucket   *bucket
	gate     gate
	inFlight int // intents without an answer

	pumping bool   // a pump is posted
	stop    func() // the timer's, or nil
}

// user answers the user's queue, made on first use. notBefore is when a new
// one may be sent to.
func (a *app) user(openID string, notBefore time.Time) *user {
	u := a.users[openID]
	if u == nil {
		u = &user{app: a, openID: openID, index: -1, notBefore: notBefore}
		a.users[openID] = u
	}
	return u
}

// place puts a user that is not under way where its head's time says, or
// forgets it.
func (a *app) place(u *user, now time.Time) {
	if u.busy || u.ready {
		return
	}
	head := u.head()
	if head == nil && u.idle(now) {
		if u.index >= 0 {
			heap.Remove(&a.later, u.index)
		}
		delete(a.users, u.openID)
		return
	}
	due := u.notBefore
	if head != nil && head.retryAt.After(due) {
		due = head.retryAt
	}
	if head == nil && !due.After(now) {
		return // its orders have yet to retire
	}
	if !due.After(now) {
		a.makeReady(u)
		return
	}
	a.later.put(u, due)
}

func (a *app) makeReady(u *user) {
	if u.index >= 0 {
		heap.Remove(&a.later, u.index)
	}
	u.ready = true
	a.ready = append(a.ready, u)
}

// promote moves the users whose time has come.
func (a *app) promote(now time.Time) {
	for len(a.later) > 0 && !a.later[0].due.After(now) {
		u := heap.Pop(&a.later).(*user)
		if u.head() == nil {
			a.place(u, now)
			continue
		}
		u.ready = true
		a.ready = append(a.ready, u)
	}
}

// next takes the user whose turn it is, or nil.
func (a *app) next(now time.Time) *user {
	for len(a.ready) > 0 {
		u := a.ready[0]
		if u.head() != nil {
			return u
		}
		a.unready()
		a.place(u, now)
	}
	return nil
}

// unready takes the first user off the ready queue.
func (a *app) unready() {
	a.ready[0].ready = false
	a.ready[0] = nil
	a.ready = a.ready[1:]
	if len(a.ready) == 0 {
		a.ready = nil
	}
}
