package secrets

import (
	"crypto/cipher"
	"encoding/binary"
	"slices"
)

const (
	runNameSize = 12
	counterSize = 4
)

// runName tells one run from all others, whoever drew it: 96 random bits.
type runName [runNameSize]byte

// run is what the records of one run share. It is safe for concurrent use.
type run struct {
	key     *sealingKey
	purpose string
	name    runName
	aead    cipher.AEAD
	base    [nonceSize]byte // of the nonces
}

func (k *sealingKey) run(name runName, purpose string) (*run, error) {
	aead, base, err := k.derive(name[:], runInfo, purpose)
	if err != nil {
		return nil, err
	}
	return &run{key: k, purpose: purpose, name: name, aead: aead, base: [nonceSize]byte(base)}, nil
}

// appendNonce appends the nonce of the nth record: two counters never have one.
func (r *run) appendNonce(dst []byte, n uint32) []byte {
	dst = append(dst, r.base[:]...)
	last := dst[len(dst)-counterSize:]
	binary.BigEndian.PutUint32(last, binary.BigEndian.Uint32(last)^n)
	return dst
}

// open appends the plaintext of what follows the name of the run: counter,
// ciphertext and tag, as long as they are at least.
func (r *run) open(dst, rest, aad []byte) ([]byte, error) {
	n, text := binary.BigEndian.Uint32(rest), rest[counterSize:]
	size := len(text) - tagSize
	dst = slices.Grow(dst, size+nonceSize)
	end := len(dst) + size
	nonce := r.appendNonce(dst[end:end], n) // behind the plaintext, as in Seal
	_, err := r.aead.Open(dst[:len(dst):end], nonce, text, aad)
	return dst[:end], err
}
