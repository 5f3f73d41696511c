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

const (
	layoutVersion = 1
	saltSize      = 16
	subkeySize    = 32
	nonceSize     = 12
	tagSize       = 16
	infoPrefix    = "doustream/1/"
)

// Overhead is how many bytes Seal adds at most.
const Overhead = 1 + 1 + maxIDLength + saltSize + tagSize

type keyring struct{ keys []sealingKey }

type sealingKey struct {
	id     string
	secret []byte
}

func (k *keyring) seal(dst, plaintext []byte, purpose string, aad []byte) ([]byte, error) {
	if k.empty() {
		return dst, ErrNoKey
	}
	key := k.keys[0]
	var salt [saltSize]byte
	rand.Read(salt[:]) // never fails: the runtime ends the process first
	aead, nonce, err := key.derive(salt[:], purpose)
	if err != nil {
		return dst, err
	}
	dst = slices.Grow(dst, 2+len(key.id)+saltSize+len(plaintext)+tagSize)
	dst = append(dst, layoutVersion, byte(len(key.id)))
	dst = append(dst, key.id...)
	dst = append(dst, salt[:]...)
	return aead.Seal(dst, nonce, plaintext, aad), nil
}

func (k *keyring) open(dst, sealed []byte, purpose string, aad []byte) ([]byte, error) {
	id, rest, ok := header(sealed)
	if !ok || len(rest) < saltSize+tagSize {
		return dst, ErrSealed
	}
	key, ok := k.byID(id)
	if !ok {
		return dst, ErrUnknownKey
	}
	aead, nonce, err := key.derive(rest[:saltSize], purpose)
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
	id, _, ok := header(sealed)
	return ok && !k.empty() && k.keys[0].id == string(id)
}

func (k *keyring) empty() bool { return len(k.keys) == 0 }

func (k *keyring) byID(id []byte) (sealingKey, bool) {
	for _, key := range k.keys { // a handful, of which the first is nearly always the one
		if key.id == string(id) {
			return key, true
		}
	}
	return sealingKey{}, false
}

// header splits sealed into the id of its key and what follows it.
func header(sealed []byte) (id, rest []byte, ok bool) {
	if len(sealed) < 2 || sealed[0] != layoutVersion {
		return nil, nil, false
	}
	n := int(sealed[1])
	if n == 0 || len(sealed) < 2+n {
		return nil, nil, false
	}
	return sealed[2 : 2+n], sealed[2+n:], true
}

// derive makes the cipher of one record. A nonce may come from the same
// derivation because no subkey is ever used twice.
func (k sealingKey) derive(salt []byte, purpose string) (cipher.AEAD, []byte, error) {
	okm, err := k.expand(salt, purpose)
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

func (k sealingKey) expand(salt []byte, purpose string) ([]byte, error) {
	if !fits(k.secret, salt, purpose) {
		return hkdf.Key(sha256.New, k.secret, salt, infoPrefix+purpose, subkeySize+nonceSize)
	}
	okm := subkeyOf(k.secret, salt, purpose)
	return okm[:], nil
}
