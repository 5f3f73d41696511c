package douyintest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the platform's choice
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"doustream/platform/douyin"
)

// Encrypt does what the platform does to a payload: AES-128-CBC, PKCS#7, all
// in base64. iv has 16 bytes.
func Encrypt(key douyin.SessionKey, iv, plaintext []byte) (encryptedData string, err error) {
	k, err := base64.StdEncoding.DecodeString(string(key))
	if err != nil {
		return "", fmt.Errorf("decode session key: %w", err)
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return "", fmt.Errorf("read session key: %w", err)
	}
	if len(iv) != aes.BlockSize {
		return "", fmt.Errorf("read iv: %d bytes, want %d", len(iv), aes.BlockSize)
	}
	n := aes.BlockSize - len(plaintext)%aes.BlockSize
	padded := make([]byte, len(plaintext)+n)
	for i := range padded[copy(padded, plaintext):] {
		padded[len(plaintext)+i] = byte(n)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return base64.StdEncoding.EncodeToString(padded), nil
}

// Seal is Encrypt under an iv of its own making.
func Seal(key douyin.SessionKey, plaintext []byte) (encryptedData, iv string, err error) {
	var v [aes.BlockSize]byte
	if _, err := rand.Read(v[:]); err != nil {
		return "", "", fmt.Errorf("make iv: %w", err)
	}
	encryptedData, err = Encrypt(key, v[:], plaintext)
	return encryptedData, base64.StdEncoding.EncodeToString(v[:]), err
}

// Sign answers the signature of rawData under key.
func Sign(rawData string, key douyin.SessionKey) string {
	sum := sha1.Sum([]byte(rawData + string(key))) //nolint:gosec // the platform's choice
	return hex.EncodeToString(sum[:])
}
