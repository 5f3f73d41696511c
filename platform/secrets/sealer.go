package secrets

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
)

// Sealer seals records of one purpose in runs: those of a run share a subkey, so
// that a record costs its encryption, and no derivation and no random bytes of its
// own: a tenth of Keyring.Seal. Keyring.Open opens them. Safe for concurrent use.
//
// Layout: version byte 2, length and bytes of the key id, 12 bytes that name the
// run, 4 bytes of counter (big endian), ciphertext and tag: as long as what
// Keyring.Seal makes. HKDF-SHA-256(key, name of the run, "doustream/2/" + purpose)
// gives 44 bytes: an AES-256-GCM key, then a base nonce; a record's nonce is the
// base with the counter XORed into its last four bytes, as TLS 1.3 has it.
//
// No two records have both subkey and nonce in common, which GCM needs: a counter
// is given out once, and a run belongs to one Sealer of one process, which draws
// its name at random as it begins, keeps it nowhere, and begins another after 2^20
// records. Two runs of one key and purpose bear one name with a probability under
// q²/2^97, for q runs ever begun: 2^-57 for 2^20 of them, a million starts or 10^12
// records. A run encrypts 2^20 records: of a kilobyte each, 2^26 blocks, far
// below what GCM bears under a key.
//
// What that rests on, and Keyring.Seal does not: memory that goes on once. Where
// a virtual machine is resumed twice from one snapshot, or set back to one, with
// the process in it, both go on with the same run and the same counters, and who
// sees two records with one nonce learns the difference of their texts and can
// forge others of that run. Snapshots of disks, and machines that were stopped and
// are started anew, do no harm. So this is for a process' own state, of
// which a subkey of each record's own would be the greatest cost, not for what leaves it.
type Sealer struct {
	key     *sealingKey // nil: the ring is empty
	purpose string
	length  uint64 // records of a run

	current atomic.Pointer[sealingRun]
	renewal sync.Mutex // held while a run is begun
}

// runLength is after how many records a run ends. A counter could tell 2^32.
const runLength = 1 << 20

// sealingRun is a run that is being written.
type sealingRun struct {
	*run
	given atomic.Uint64 // counters given out, and asked for after the last: it does not wrap
}

// Sealer makes a Sealer for one purpose, under the key that seals now. Each call
// makes another, with runs of its own: make one for each purpose, and keep it.
func (k *Keyring) Sealer(purpose string) *Sealer {
	s := &Sealer{purpose: purpose, length: runLength}
	if !k.Empty() {
		s.key = &k.keys[0]
	}
	return s
}

// Seal appends plaintext, sealed, to dst, with which it must not overlap. aad is
// authenticated and not stored, as in Keyring.Seal. Room for Overhead and
// plaintext in dst spares an allocation. The error is ErrNoKey.
func (s *Sealer) Seal(dst, plaintext, aad []byte) ([]byte, error) {
	r, n, err := s.next()
	if err != nil {
		return dst, err
	}
	id := r.key.id
	size := 2 + len(id) + runNameSize + counterSize + len(plaintext) + tagSize
	dst = slices.Grow(dst, size+nonceSize)
	end := len(dst) + size
	nonce := r.appendNonce(dst[end:end], n) // behind what is sealed: by itself it would be an allocation
	dst = append(dst, runVersion, byte(len(id)))
	dst = append(dst, id...)
	dst = append(dst, r.name[:]...)
	dst = binary.BigEndian.AppendUint32(dst, n)
	r.aead.Seal(dst[:len(dst):end], nonce, plaintext, aad) // in place: there is room
	return dst[:end], nil
}

// next gives out a counter of the run that is being written, which nobody else gets.
func (s *Sealer) next() (*run, uint32, error) {
	if s.key == nil {
		return nil, 0, ErrNoKey
	}
	for r := s.current.Load(); ; {
		if r != nil {
			if n := r.given.Add(1) - 1; n < s.length {
				return r.run, uint32(n), nil
			}
		}
		var err error
		if r, err = s.begin(r); err != nil {
			return nil, 0, err
		}
	}
}

// begin answers the run that comes after one that has ended: who asks first begins it.
func (s *Sealer) begin(ended *sealingRun) (*sealingRun, error) {
	s.renewal.Lock()
	defer s.renewal.Unlock()
	if r := s.current.Load(); r != ended {
		return r, nil
	}
	var name runName
	rand.Read(name[:]) // never fails: the runtime ends the process first
	r, err := s.key.run(name, s.purpose)
	if err != nil {
		return nil, err
	}
	fresh := &sealingRun{run: r}
	s.current.Store(fresh)
	return fresh, nil
}
