package secrets

import (
	"crypto/sha256"
	"crypto/subtle"
)

// macKey is a key of HMAC-SHA-256 as RFC 2104 has it, for short keys and
// messages, without an allocation: crypto/hmac makes two hash states for each.
type macKey struct{ inner, outer [hmacBlock]byte }

// hmacBlock is the block size of SHA-256.
const hmacBlock = sha256.BlockSize

// macMost is the longest message that macKey takes, in bytes.
const macMost = 192

var innerPad, outerPad = repeated(0x36), repeated(0x5c)

func repeated(b byte) (pad [hmacBlock]byte) {
	for i := range pad {
		pad[i] = b
	}
	return pad
}

// newMACKey takes keys up to 64 bytes; callers see to it.
func newMACKey(key []byte) (k macKey) {
	n := copy(k.inner[:], key)
	copy(k.outer[:], key[:n])
	subtle.XORBytes(k.inner[:], k.inner[:], innerPad[:])
	subtle.XORBytes(k.outer[:], k.outer[:], outerPad[:])
	return k
}

// sum takes messages up to macMost; callers see to it.
func (k *macKey) sum(message []byte) [sha256.Size]byte {
	var block [hmacBlock + macMost]byte
	copy(block[:], k.inner[:])
	n := hmacBlock + copy(block[hmacBlock:], message)
	sum := sha256.Sum256(block[:n])
	copy(block[:], k.outer[:])
	copy(block[hmacBlock:], sum[:])
	return sha256.Sum256(block[:hmacBlock+sha256.Size])
}

// subkeyOf is HKDF-SHA-256 (RFC 5869) over secret, salt and info and purpose one
// behind the other, cut to the bytes of a subkey and a nonce. A personal field is
// sealed for each event, so that this is among the dearest steps there
// are; the standard library's answers the same with thirty allocations.
func subkeyOf(secret, salt []byte, info, purpose string) (okm [subkeySize + nonceSize]byte) {
	extract := newMACKey(salt)
	prk := extract.sum(secret)
	expand := newMACKey(prk[:])
	var message [macMost]byte
	n := copy(message[sha256.Size:], info) + sha256.Size
	n += copy(message[n:], purpose)
	message[n] = 1
	first := expand.sum(message[sha256.Size : n+1])
	copy(message[:], first[:])
	message[n] = 2
	second := expand.sum(message[:n+1])
	copy(okm[copy(okm[:], first[:]):], second[:])
	return okm
}

// fits reports whether macKey takes what subkeyOf makes of these.
func fits(secret, salt []byte, info, purpose string) bool {
	return len(salt) <= hmacBlock && len(secret) <= macMost && sha256.Size+len(info)+len(purpose)+1 <= macMost
}
