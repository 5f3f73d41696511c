package enrich

import (
	"sync"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// workbench is what a worker needs while it works on one event and not after
// it, so that the next one can have it: a dozen allocations less for each.
// Nothing of it may be kept beyond release.
type workbench struct {
	user   schemas.EnrichedUser
	phone  schemas.Phone
	plain  []byte // what was decrypted
	bound  []byte // associated data, and behind it what is sealed under that
	sealed []byte
}

var workbenches = sync.Pool{New: func() any { return new(workbench) }}

func takeWorkbench() *workbench { return workbenches.Get().(*workbench) }

// keptRoom bounds the buffers that are used again, in bytes.
const keptRoom = 16 << 10

// release wipes what is personal and gives the workbench back.
func (w *workbench) release() {
	if cap(w.plain)+cap(w.bound)+cap(w.sealed) > keptRoom {
		return
	}
	clear(w.plain)
	clear(w.bound)
	w.user, w.phone = schemas.EnrichedUser{}, schemas.Phone{}
	w.plain, w.bound, w.sealed = w.plain[:0], w.bound[:0], w.sealed[:0]
	workbenches.Put(w)
}

// decrypt puts the plaintext of what a tt.* call handed over into plain, and
// reports whether the key opens it.
func (w *workbench) decrypt(key douyin.SessionKey, from *schemas.Encrypted) bool {
	clear(w.plain)
	plain, err := douyin.Decrypt(w.plain[:0], key, from.EncryptedData, from.IV)
	w.plain = plain
	return err == nil
}

// scratch is a workbench for one fact, of which nobody fills in a user: a dozen
// cache lines less to fetch and wipe for each login.
type scratch struct {
	plain []byte // what is to be sealed, or was opened
	bound []byte // associated data
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func takeScratch() *scratch { return scratches.Get().(*scratch) }

// release wipes what is secret and gives the scratch back.
func (s *scratch) release() {
	if cap(s.plain)+cap(s.bound) > keptRoom {
		return
	}
	clear(s.plain)
	s.plain, s.bound = s.plain[:0], s.bound[:0]
	scratches.Put(s)
}
