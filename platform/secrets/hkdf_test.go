package secrets

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSubkeyIsThatOfRFC5869(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "secret")
		salt := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "salt")
		info := rapid.SampledFrom([]string{recordInfo, runInfo}).Draw(t, "info")
		purpose := strings.Repeat("p", rapid.IntRange(0, 100).Draw(t, "purpose"))
		want, err := hkdf.Key(sha256.New, secret, salt, info+purpose, subkeySize+nonceSize)
		if err != nil {
			t.Fatal(err)
		}
		if got := subkeyOf(secret, salt, info, purpose); !bytes.Equal(got[:], want) {
			t.Errorf("%x; want %x", got, want)
		}
	})
}

func TestMacIsThatOfRFC2104(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 0, hmacBlock).Draw(t, "key")
		message := rapid.SliceOfN(rapid.Byte(), 0, macMost).Draw(t, "message")
		h := hmac.New(sha256.New, key)
		h.Write(message)
		k := newMACKey(key)
		if got := k.sum(message); !bytes.Equal(got[:], h.Sum(nil)) {
			t.Errorf("%x; want %x", got, h.Sum(nil))
		}
	})
}
