package douyin

import (
	"crypto/sha1" //nolint:gosec // the platform's choice
	"crypto/subtle"
	"encoding/hex"
)

// Signed reports whether signature is the platform's over rawData, byte for
// byte as the client sent it: hex(sha1(rawData + session_key)). Hex of either
// case is taken; an empty signature is none.
func Signed(rawData, signature string, key SessionKey) bool {
	var given [sha1.Size]byte
	if len(signature) != hex.EncodedLen(sha1.Size) {
		return false
	}
	if _, err := hex.Decode(given[:], view(signature)); err != nil {
		return false
	}
	h := sha1.New() //nolint:gosec // the platform's choice
	h.Write(view(rawData))
	h.Write(view(string(key)))
	var sum [sha1.Size]byte
	return subtle.ConstantTimeCompare(h.Sum(sum[:0]), given[:]) == 1
}
