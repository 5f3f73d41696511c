package secrets

import (
	"sync"
	"sync/atomic"
)

// openedRuns keeps the ciphers of runs that records were opened of, so that the
// next record of a run costs its decryption alone. At most 256 runs are kept, a
// kilobyte each: if all have ended by themselves they are 268 million records, more
// than a process holds; one that was cut short by the end of its process takes a
// place as well. The name of a run says in which of 64 sets it may be, and of the
// four there the oldest gives way; one that is asked for again is derived again,
// which costs what a record of version 1 does. Only a run of which a record did open
// is kept: what others write takes nobody's place. Finding takes no lock. Safe for
// concurrent use.
type openedRuns struct{ sets [runSets]runSet }

const (
	runSets = 64
	runWays = 4
)

type runSet struct {
	ways [runWays]atomic.Pointer[run]

	keeping sync.Mutex
	next    uint8 // the way that is filled next; guarded by keeping
}

// set answers where a run may be: names are random.
func (o *openedRuns) set(name runName) *runSet { return &o.sets[name[0]%runSets] }

// find answers the run, or nil. Name, key and purpose are all compared: one name
// under another key or purpose is another run.
func (s *runSet) find(key *sealingKey, name runName, purpose string) *run {
	for i := range s.ways {
		if r := s.ways[i].Load(); r != nil && r.name == name && r.key == key && r.purpose == purpose {
			return r
		}
	}
	return nil
}

// keep remembers a run.
func (s *runSet) keep(r *run) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if s.find(r.key, r.name, r.purpose) != nil { // two opened its first record at once
		return
	}
	s.ways[s.next].Store(r)
	s.next = (s.next + 1) % runWays
}

// openInRun opens what a Sealer sealed: rest is what follows the id of its key.
func (k *keyring) openInRun(dst []byte, key *sealingKey, rest []byte, purpose string, aad []byte) ([]byte, error) {
	name, rest := runName(rest[:runNameSize]), rest[runNameSize:]
	set := k.opened.set(name)
	r := set.find(key, name, purpose)
	known := r != nil
	if !known {
		var err error
		if r, err = key.run(name, purpose); err != nil {
			return dst, ErrSealed
		}
	}
	plain, err := r.open(dst, rest, aad)
	if err != nil {
		return dst, ErrSealed
	}
	if !known {
		set.keep(r)
	}
	return plain, nil
}
