package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
)

var (
	// ErrSealed is the one answer to sealed bytes that do not open: cut short,
	// of another version, tampered with, for another purpose or another record.
	ErrSealed = errors.New("sealed bytes do not open")
	// ErrUnknownKey says that the bytes name a key that is not in the ring.
	ErrUnknownKey = errors.New("sealed under a key that is not configured")
	// ErrNoKey says that the ring holds no key to seal with.
	ErrNoKey = errors.New("no sealing key is configured")
)

// Versions of the layout, and what the subkeys of each are derived for: with
// another info HKDF answers another subkey, whatever salt and purpose are.
const (
	recordVersion = 1 // a subkey for each record
	recordInfo    = "doustream/1/"
	runVersion    = 2 // a subkey for each run of records
	runInfo       = "doustream/2/"
)

const (
	saltSize   = 16 // of either version: a run's name and counter are as long
	subkeySize = 32
	nonceSize  = 12
	tagSize    = 16
)

// Overhead is how many bytes Seal adds at most, a keyring's or a Sealer's.
const Overhead = 1 + 1 + maxIDLength + saltSize + tagSize

type keyring struct {
	keys   []sealingKey
	opened *openedRuns // a pointer, so that copies of a ring share it
}

type sealingKey struct {
	id     string
	secret []byte
}

func (k *keyring) seal(dst, plaintext []byte, purpose string, aad []byte) ([]byte, error) {
	if k.empty() {
		return dst, ErrNoKey
	}
	key := &k.keys[0]
	var salt [saltSize]byte
	rand.Read(salt[:]) // never fails: the runtime ends the process first
	aead, nonce, err := key.derive(salt[:], recordInfo, purpose)
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, 2+len(key.id)+saltSize+len(plaintext)+tagSize)
	dst = append(dst, recordVersion, byte(len(key.id)))
	dst = append(dst, key.id...)
	dst = append(dst, salt[:]...)
	return aead.Seal(dst, nonce, plaintext, aad), nil
}

func (k *keyring) open(dst, sealed []byte, purpose string, aad []byte) ([]byte, error) {
	version, id, rest, ok := header(sealed)
	if !ok || len(rest) < saltSize+tagSize {
		return dst, ErrSealed
	}
	key, ok := k.byID(id)
	if !ok {
		return dst, ErrUnknownKey
	}
	if version == runVersion {
		return k.openInRun(dst, key, rest, purpose, aad)
	}
	aead, nonce, err := key.derive(rest[:saltSize], recordInfo, purpose)
	if err != nil {
		return dst, ErrSealed
	}
	plain, err := aead.Open(dst, nonce, rest[saltSize:], aad)
	if err != nil {
		return dst, ErrSealed
	}
	return plain, nil
}

func (k *keyring) current(sealed []byte) bool {
	_, id, _, ok := header(sealed)
	return ok && !k.empty() && k.keys[0].id == string(id)
}

func (k *keyring) empty() bool { return len(k.keys) == 0 }

func (k *keyring) byID(id []byte) (*sealingKey, bool) {
	for i := range k.keys { // a handful, of which the first is nearly always the one
		if key := &k.keys[i]; key.id == string(id) {
			return key, true
		}
	}
	return nil, false
}

// header splits sealed into its version, the id of its key and what follows that.
func header(sealed []byte) (version byte, id, rest []byte, ok bool) {
	if len(sealed) < 2 || sealed[0] != recordVersion && sealed[0] != runVersion {
		return 0, nil, nil, false
	}
	n := int(sealed[1])
	if n == 0 || len(sealed) < 2+n {
		return 0, nil, nil, false
	}
	return sealed[0], sealed[2 : 2+n], sealed[2+n:], true
}

// derive makes a cipher and a nonce out of one salt: the record's own, or the base
// of those of a run. The nonce may come from the same derivation because no salt is
// ever drawn twice.
func (k *sealingKey) derive(salt []byte, info, purpose string) (cipher.AEAD, []byte, error) {
	okm, err := k.expand(salt, info, purpose)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(okm[:subkeySize])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, okm[subkeySize:], err
}

func (k *sealingKey) expand(salt []byte, info, purpose string) ([]byte, error) {
	if !fits(k.secret, salt, info, purpose) {
		return hkdf.Key(sha256.New, k.secret, salt, info+purpose, subkeySize+nonceSize)
	}
	okm := subkeyOf(k.secret, salt, info, purpose)
	return okm[:], nil
}
