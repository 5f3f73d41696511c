package notify

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"doustream/platform/secrets"
	"doustream/platform/stream"
)

// unread is the keys of state records that could not be read and that nothing
// later has taken the place of. Each record says all that there is to say of its
// key, so that what is superseded may be sealed under a key that has gone out of
// use; what stands ends the task: going on without it could send twice.
type unread struct {
	keys   map[id]error
	errors map[string]error // each once: there may be millions of keys
}

func (u *unread) note(i id, err error) {
	if u.keys == nil {
		u.keys, u.errors = make(map[id]error), make(map[string]error)
	}
	text := err.Error()
	if u.errors[text] == nil {
		u.errors[text] = err
	}
	u.keys[i] = u.errors[text]
}

func (u *unread) forget(i id) { delete(u.keys, i) }

// keyID is a record's key as unread knows it.
func keyID(key []byte) id {
	sum := sha256.Sum256(key)
	return id(sum[:16])
}

// unreadable notes a state record that cannot be read, or, where nothing can
// take its place any more, ends the task.
func (t *Task) unreadable(i id, err error) {
	if t.unread.note(i, err); t.opened || errors.Is(err, errStateKey) || len(t.unread.keys) > t.cfg.DedupMax {
		t.endUnread()
	}
}

// endUnread ends the task for what could not be read, and the role with it: no
// retry mends that.
func (t *Task) endUnread() {
	for _, err := range t.unread.keys {
		advice := "written by a newer version, or sealed under another key of that name than DOUSTREAM_SEALING_KEYS has"
		if errors.Is(err, secrets.ErrUnknownKey) {
			advice = "put the key back into DOUSTREAM_SEALING_KEYS, behind the first: notify's state is still sealed under it"
		}
		t.fail(fmt.Sprintf("restore state, %d records of which cannot be read", len(t.unread.keys)), &stream.OperatorError{Advice: advice, Err: err})
		return
	}
}
