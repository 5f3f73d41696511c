package notify

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// ring is a keyring of the keys named, the first of which seals.
func ring(ids ...byte) *secrets.Keyring {
	var keys []string
	for _, id := range ids {
		keys = append(keys, string(id)+":"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{id}, 32)))
	}
	return must(secrets.ParseKeyring(strings.Join(keys, ",")))
}

// A key goes out of use: the new one is added, then put first, and the old one
// is left out once the lives of what was sealed under it are over. Nobody
// compacts the log meanwhile, so that all of it is read again; consents that
// were spent, which have no such life, are as they were; and of an app that is
// gone nobody asks for its token.
func TestAKeyIsTakenOutOfUse(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{
		Apps:    []douyin.App{{ID: "tt1", Secret: "a"}, {ID: "tt2", Secret: "b"}},
		Credits: CreditsEnforce, Templates: map[string]Template{"tpl": {Kind: TemplateOneTime}},
	})
	restart := func(keys *secrets.Keyring) {
		if w.current != nil {
			w.current.crash()
		}
		w.keys = keys
		w.start()
	}
	send := func(id string) schemas.Status {
		source := w.publish(0, orderJSON(id, "u1"))
		w.run(w.now.Add(20 * time.Second))
		return one(t, w, source).Status
	}
	for range 3 {
		w.consent(answered("u1", schemas.ConsentAccept, w.now))
	}
	restart(ring('o'))
	if got := send("n1"); got != schemas.StatusSent {
		t.Fatalf("the first is %s", statusNames[got])
	}
	restart(ring('o', 'n'))
	if got := send("n2"); got != schemas.StatusSent {
		t.Fatalf("the second is %s", statusNames[got])
	}
	w.cfg.Apps = w.cfg.Apps[:1]
	restart(ring('n', 'o'))
	w.run(w.now.Add(25 * time.Hour))
	restart(ring('n'))
	if w.current.failed != nil {
		t.Fatal(w.current.failed)
	}
	fetched := w.platform.issued
	for n, want := range []schemas.Status{schemas.StatusSent, schemas.StatusNoCredit} {
		if got := send(fmt.Sprint("n", n+3)); got != want {
			t.Errorf("with %d credits left the next is %s, want %s", 1-n, statusNames[got], statusNames[want])
		}
	}
	if w.platform.issued != fetched {
		t.Errorf("I6: %d tokens more were fetched", w.platform.issued-fetched)
	}
}

// Without the key of something that still counts nothing is done: it could be
// sent twice. No retry mends that, so the role ends and names the variable.
func TestAKeyIsTakenOutOfUseTooSoon(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"a result": time.Hour, "a token": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{})
			w.keys = ring('o')
			w.start()
			if after > time.Minute {
				w.publish(0, orderJSON("n1", "u1"))
			}
			w.run(w.now.Add(after))
			w.current.crash()
			w.keys = ring('n')
			w.start()
			var needed *stream.OperatorError
			if err := w.current.failed; !errors.As(err, &needed) || !strings.Contains(err.Error(), "DOUSTREAM_SEALING_KEYS") {
				t.Errorf("it ends with %v", err)
			}
			sends, fetches := len(w.platform.sends), w.platform.issued
			w.publish(0, orderJSON("n2", "u2"))
			w.current.flush()
			if len(w.current.requests) != 0 || len(w.platform.sends) != sends || w.platform.issued != fetches {
				t.Error("it goes on all the same")
			}
		})
	}
}
