package notify

import (
	"strings"
	"testing"
	"time"

	"doustream/platform/douyin"
)

// book is what a reader of the tokens topic holds now.
func (w *world) book() []HeldToken {
	b := NewTokenBook(tokensTopic, testKeys)
	for _, rec := range w.log[tokensTopic] {
		b.Take(rec)
	}
	if err := b.Unread(); err != nil {
		panic(err)
	}
	return b.Good(w.now)
}

// Who reads the tokens finds the newest, as long as the owner holds it good:
// not one that was refused, and not for longer than a fetch without an answer
// leaves it.
func TestTokenBook(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Driver: DriverV1})
	if held := w.book(); len(held) != 0 {
		t.Fatalf("before the first fetch: %+v", held)
	}
	w.start()
	w.run(w.now.Add(time.Minute))
	first := w.book()
	if len(first) != 1 || first[0].Token != "clt.1" || first[0].AppID != "tt1" || first[0].Kind != TokenAccess {
		t.Fatalf("after the first fetch: %+v", first)
	}
	if d := first[0].AskAgain(w.now); d != 4*time.Minute {
		t.Errorf("to be asked for again after %v", d)
	}

	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindUnknown) }
	refresh := w.current.task.apps["tt1"].token.refreshAt
	w.run(refresh.Add(90 * time.Second)) // and more of them, each of which would leave it longer
	cut := w.book()
	if len(cut) != 1 || cut[0].Token != "clt.1" || cut[0].ExpiresAt.Sub(refresh) > tokenOverlap+time.Second {
		t.Errorf("after a fetch whose answer never came: %+v", cut)
	}
	w.current.crash() // and a successor holds it good no longer than that
	w.start()
	if end := millis(w.current.task.apps["tt1"].token.token.ExpiresAt); !end.Equal(cut[0].ExpiresAt) {
		t.Errorf("a successor holds it good until %v, want %v", end, cut[0].ExpiresAt)
	}

	w.platform.issue = nil
	w.run(w.now.Add(2 * time.Minute))
	second := w.book()
	if len(second) != 1 || second[0].Token == "clt.1" {
		t.Errorf("after the next fetch: %+v", second)
	}
	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindRetry) }
	w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindToken) }
	w.publish(0, orderJSON("n1", "u1"))
	w.run(w.now.Add(5 * time.Second))
	if held := w.book(); len(held) != 0 {
		t.Errorf("after it was refused: %+v", held)
	}
}

// A token that ends soon is asked for again before it does, one that has ended
// is not there, and a record under a foreign key is an error.
func TestTokenBookAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.start()
	w.run(w.now.Add(time.Minute))
	end := w.book()[0].ExpiresAt
	w.now = end.Add(-time.Minute)
	if d := w.book()[0].AskAgain(w.now); d != time.Minute-tokenMargin {
		t.Errorf("a minute before its end it is to be asked for again after %v", d)
	}
	w.now = end.Add(-time.Second)
	if held := w.book(); len(held) != 0 {
		t.Errorf("a second before its end: %+v", held)
	}
	foreign := *w.log[tokensTopic][len(w.log[tokensTopic])-1]
	foreign.Key = tokenKey("tt2", string(TokenStableClient))
	b := NewTokenBook(tokensTopic, testKeys)
	if b.Take(&foreign); b.Unread() == nil || len(b.Good(w.now.Add(-time.Hour))) != 0 {
		t.Error("a record was opened under another's key")
	}
}

// A key that has gone out of use is missed for what is still sealed under it, and
// not for what is newer, nor for the apps that have it newer.
func TestTokenBookWithoutAnOldKey(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Apps: []douyin.App{{ID: "tt1", Secret: "a"}, {ID: "tt2", Secret: "b"}}})
	w.keys = ring('o')
	w.start()
	w.run(w.now.Add(time.Minute))
	w.current.crash()
	w.keys, w.cfg.Apps = ring('n', 'o'), w.cfg.Apps[:1]
	w.start()
	w.run(w.now.Add(3 * time.Hour))
	b := NewTokenBook(tokensTopic, ring('n'))
	for _, rec := range w.log[tokensTopic] {
		b.Take(rec)
	}
	if held := b.Good(w.now); len(held) != 1 || held[0].AppID != "tt1" {
		t.Errorf("held: %+v, want that of tt1", held)
	}
	if err := b.Unread(); err == nil || strings.Contains(err.Error(), "tt1|") || !strings.Contains(err.Error(), "tt2|") {
		t.Errorf("not read: %v, want that of tt2", err)
	}
}
