package secrets

import "crypto/sha256"

// hmacBlock is the block size of SHA-256.
const hmacBlock = sha256.BlockSize

// mac is HMAC-SHA-256 of a short key and a short message, as RFC 2104 has it,
// without an allocation: crypto/hmac makes two hash states for each. Keys up to
// 64 bytes and messages up to macMost; callers see to it.
func mac(key, message []byte) [sha256.Size]byte {
	var inner [hmacBlock + macMost]byte
	var outer [hmacBlock + sha256.Size]byte
	copy(inner[:hmacBlock], key)
	copy(outer[:hmacBlock], key)
	for i := range hmacBlock {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	n := hmacBlock + copy(inner[hmacBlock:], message)
	sum := sha256.Sum256(inner[:n])
	copy(outer[hmacBlock:], sum[:])
	return sha256.Sum256(outer[:])
}

// macMost is the longest message that mac takes, in bytes.
const macMost = 192

// subkeyOf is HKDF-SHA-256 (RFC 5869) over secret, salt and info, cut to the
// bytes of a subkey and a nonce. A record is sealed or opened for each event,
// so that this is among the dearest steps there are; the standard library's
// answers the same with thirty allocations.
func subkeyOf(secret, salt []byte, info string) (okm [subkeySize + nonceSize]byte) {
	prk := mac(salt, secret)
	var message [macMost]byte
	n := copy(message[:], info)
	message[n] = 1
	first := mac(prk[:], message[:n+1])
	n = copy(message[:], first[:])
	n += copy(message[n:], info)
	message[n] = 2
	second := mac(prk[:], message[:n+1])
	copy(okm[copy(okm[:], first[:]):], second[:])
	return okm
}

// fits reports whether mac takes what subkeyOf makes of these.
func fits(secret, salt []byte, info string) bool {
	return len(salt) <= hmacBlock && len(secret) <= macMost && sha256.Size+len(info)+1 <= macMost
}
