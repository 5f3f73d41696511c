package notify

import (
	"container/heap"
	"slices"
	"time"
)

// user is one user's queue. Its head is sent, retried and finished before the
// next one's turn comes.
type user struct {
	app       *app
	openID    string
	queue     []*notification
	size      int       // orders taken in or about to be
	waiting   int       // those of the queue without a result
	bytes     int64     // of them
	busy      bool      // the head has its intent
	notBefore time.Time // the next send

	due   time.Time // its place in app.later
	index int       // in app.later; -1: not there
	ready bool      // it stands in app.ready
}

// head is the notification whose turn it is, or nil.
func (u *user) head() *notification {
	for len(u.queue) > 0 && u.queue[0].done {
		u.queue[0] = nil
		u.queue = u.queue[1:]
	}
	if len(u.queue) == 0 {
		u.queue = nil
		return nil
	}
	return u.queue[0]
}

// done gives a notification's place in the queue back. One behind the head gives
// it back with others, or what expires behind an order that waits for long would
// be kept as long.
func (u *user) done(size int64) {
	u.waiting--
	u.bytes -= size
	if len(u.queue) > 2*u.waiting+16 {
		u.queue = slices.DeleteFunc(u.queue, func(n *notification) bool { return n.done })
	}
}

// enter counts an order that is about to be taken in.
func (u *user) enter(size int64) {
	u.size++
	u.app.size++
	u.app.bytes += size
}

// leave takes one out of the count.
func (u *user) leave(size int64) {
	u.size--
	u.app.size--
	u.app.bytes -= size
}

// idle reports whether nothing is lost when the user is forgotten.
func (u *user) idle(now time.Time) bool {
	return u.size == 0 && len(u.queue) == 0 && !u.busy && !u.notBefore.After(now)
}

// later is a heap of users, the first due on top.
type later []*user

func (h later) Len() int           { return len(h) }
func (h later) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h later) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *later) Push(x any) {
	u := x.(*user)
	u.index = len(*h)
	*h = append(*h, u)
}

func (h *later) Pop() any {
	old := *h
	u := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	u.index = -1
	return u
}

// put gives u its place in the heap, or moves it there.
func (h *later) put(u *user, due time.Time) {
	u.due = due
	if u.index >= 0 {
		heap.Fix(h, u.index)
		return
	}
	heap.Push(h, u)
}
