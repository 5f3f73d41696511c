package douyin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"unsafe"
)

const (
	keySize  = 16
	textSize = 24 // base64 of 16 bytes
)

// ErrDecrypt is the one error of Decrypt: which check failed is nobody's
// business, for it would tell an attacker how to go on.
var ErrDecrypt = errors.New("decrypt: wrong key or damaged data")

// Decrypt appends to dst the plaintext of what a tt.* call handed over:
// AES-128-CBC with PKCS#7 padding, key, iv and data in base64. The only error
// is ErrDecrypt; dst then comes back as it was. There is no MAC: about one
// wrong key in 256 passes, and its plaintext is noise that no decoder takes.
//
// It allocates the cipher, and what dst needs to grow.
func Decrypt(dst []byte, key SessionKey, encryptedData, iv string) ([]byte, error) {
	var k, v [keySize]byte
	if !decode16(&k, string(key)) || !decode16(&v, iv) {
		return dst, ErrDecrypt
	}
	start := len(dst)
	buf, ok := appendBase64(dst, encryptedData)
	data := buf[start:]
	if !ok || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return dst, ErrDecrypt
	}
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return dst, ErrDecrypt
	}
	decryptCBC(block, &v, data)
	n, ok := unpad(data)
	if !ok {
		clear(data)
		return dst, ErrDecrypt
	}
	return buf[:start+n], nil
}

// decryptCBC works in place, from the last block to the first, so that the
// block before is still there to be XORed. crypto/cipher's mode would do the
// same on amd64 and arm64, with an allocation.
func decryptCBC(block cipher.Block, iv *[keySize]byte, data []byte) {
	for at := len(data) - aes.BlockSize; at >= 0; at -= aes.BlockSize {
		b := data[at : at+aes.BlockSize]
		block.Decrypt(b, b)
		previous := iv[:]
		if at > 0 {
			previous = data[at-aes.BlockSize : at]
		}
		subtle.XORBytes(b, b, previous)
	}
}

// unpad answers the length without padding. It looks at every byte of the last
// block whatever they are: how long it takes tells nothing.
func unpad(data []byte) (int, bool) {
	last := data[len(data)-aes.BlockSize:]
	pad := int(last[aes.BlockSize-1])
	good := subtle.ConstantTimeLessOrEq(1, pad) & subtle.ConstantTimeLessOrEq(pad, aes.BlockSize)
	for i, b := range last {
		outside := subtle.ConstantTimeLessOrEq(pad, aes.BlockSize-1-i)
		good &= outside | subtle.ConstantTimeByteEq(b, byte(pad))
	}
	return len(data) - pad, good == 1
}

// decode16 reads the base64 of exactly 16 bytes.
func decode16(dst *[keySize]byte, s string) bool {
	if len(s) != textSize {
		return false
	}
	var buf [textSize / 4 * 3]byte
	n, err := base64.StdEncoding.Decode(buf[:], view(s))
	copy(dst[:], buf[:])
	return err == nil && n == keySize
}

func appendBase64(dst []byte, s string) ([]byte, bool) {
	dst = slices.Grow(dst, base64.StdEncoding.DecodedLen(len(s)))
	start := len(dst)
	n, err := base64.StdEncoding.Decode(dst[start:cap(dst)], view(s))
	return dst[:start+n], err == nil
}

// view lends a string's bytes to a function that only reads them: a copy of
// every ciphertext would be the dearest allocation here.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
