package notify

import (
	"fmt"
	"testing"
	"time"

	"doustream/platform/douyin"
)

// flush has an instance go on, committing, until all that is left to do is
// requests.
func (i *instance) flush() {
	for busy := true; busy; {
		busy = i.turn() || i.world.takeAny(i) || i.fire() || i.commit(true)
	}
}

// One fetch is under way at a time, whoever asks for a token meanwhile (I6).
func TestOneFetchInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	i := w.start()
	i.flush()
	for n := range 5 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
		w.now = w.now.Add(time.Second)
		i.flush()
	}
	if n := len(i.requests); n != 1 {
		t.Errorf("%d fetches under way, want one", n)
	}
}

// The refusal of an old token that comes late leaves the new one alone.
func TestALateRefusalLeavesTheNewTokenAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	i := w.start()
	w.run(w.now.Add(time.Hour)) // the token is no longer fresh
	w.platform.send = func(_ douyin.Notification, token douyin.Token) error {
		if token == "clt.1" {
			return fault(douyin.KindToken)
		}
		return nil
	}
	w.publish(0, orderJSON("n1", "u1"))
	w.publish(0, orderJSON("n2", "u2"))
	for len(i.requests) < 2 {
		i.flush()
		w.now = w.now.Add(10 * time.Millisecond)
	}
	i.request(0) // refused
	for w.platform.issued < 2 {
		i.flush()
		i.request(len(i.requests) - 1) // the fetch, and the first one again
		w.now = w.now.Add(10 * time.Millisecond)
	}
	i.flush()
	i.request(0) // the second, sent by the old token, is refused
	w.run(w.now.Add(time.Minute))
	if w.platform.issued != 2 {
		t.Errorf("%d tokens fetched, want two", w.platform.issued)
	}
	if got := statusCounts(w); got["SENT"] != 2 {
		t.Errorf("results %v", got)
	}
}

// I7: nothing is sent with too little of the lease left to hear the answer in,
// nor by a process that stood still between its decision and the request.
func TestNoSendOutsideTheLease(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	i := w.start()
	w.run(w.now.Add(time.Second))
	i.leaseEnd = w.now.Add(500 * time.Millisecond)
	w.publish(0, orderJSON("n1", "u1"))
	i.flush()
	if len(i.requests) != 0 {
		t.Fatal("a request with too little of the lease left")
	}
	i.leaseEnd = w.now.Add(5 * time.Second)
	w.now = w.now.Add(time.Second)
	i.flush()
	if len(i.requests) != 1 {
		t.Fatalf("%d requests inside the lease, want one", len(i.requests))
	}
	w.now = w.now.Add(time.Minute) // stopped right before it leaves
	i.request(0)
	if n := len(w.platform.sends); n != 0 {
		t.Errorf("%d sends after the lease", n)
	}
	i.leaseEnd = time.Time{}
	w.run(w.now.Add(time.Minute))
	if got := statusCounts(w); got["SENT"] != 1 || len(w.platform.sends) != 1 {
		t.Errorf("results %v, %d sends", got, len(w.platform.sends))
	}
}
