package douyin

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

type vectors struct {
	Decrypt []struct {
		Name, Source, AppID string
		SessionKey          string `json:"session_key"`
		IV                  string
		EncryptedData       string
		Plaintext           string
	}
	Signature []struct {
		Name, RawData, SHA1 string
		SessionKey          string `json:"session_key"`
	}
}

func knownAnswers(tb testing.TB) vectors {
	tb.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		tb.Fatal(err)
	}
	if len(v.Decrypt) < 3 || len(v.Signature) < 1 {
		tb.Fatal("known answers are missing")
	}
	return v
}

func TestDecryptKnownAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range knownAnswers(t).Decrypt {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			got, err := Decrypt([]byte("before"), SessionKey(v.SessionKey), v.EncryptedData, v.IV)
			if err != nil || string(got) != "before"+v.Plaintext {
				t.Fatalf("Decrypt = %q, %v; want %q after the bytes that were there", got, err, v.Plaintext)
			}
		})
	}
}

func TestSignedKnownAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range knownAnswers(t).Signature {
		key := SessionKey(v.SessionKey)
		if !Signed(v.RawData, v.SHA1, key) || !Signed(v.RawData, strings.ToUpper(v.SHA1), key) {
			t.Errorf("%s: the known signature is refused", v.Name)
		}
		for name, s := range map[string]string{
			"another last digit": v.SHA1[:39] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", v.SHA1[39])+1)%16]),
			"empty":              "",
			"too short":          v.SHA1[:38],
			"not hex":            strings.Repeat("z", 40),
		} {
			if Signed(v.RawData, s, key) {
				t.Errorf("%s: a signature that is %s is taken", v.Name, name)
			}
		}
		if Signed(v.RawData+" ", v.SHA1, key) || Signed(v.RawData, v.SHA1, key[1:]) {
			t.Errorf("%s: the signature is taken for other data or another key", v.Name)
		}
	}
}

var testKey, testIV = bytes.Repeat([]byte{7}, 16), bytes.Repeat([]byte{9}, 16)

// encryptRaw encrypts whole blocks as they are, padding included.
func encryptRaw(tb testing.TB, blocks []byte) string {
	tb.Helper()
	c, err := aes.NewCipher(testKey)
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(c, testIV).CryptBlocks(out, blocks)
	return base64.StdEncoding.EncodeToString(out)
}

func pad(b []byte, n int) []byte {
	return append(bytes.Clone(b), bytes.Repeat([]byte{byte(n)}, n)...)
}

func TestDecryptPadding(t *testing.T) {
	t.Parallel()
	text := []byte("sixteen bytes ok and twelve more") // 32
	key, iv := SessionKey(base64.StdEncoding.EncodeToString(testKey)), base64.StdEncoding.EncodeToString(testIV)
	for n := 1; n <= 16; n++ {
		body := text[:32-n]
		if got, err := Decrypt(nil, key, encryptRaw(t, pad(body, n)), iv); err != nil || !bytes.Equal(got, body) {
			t.Errorf("padding of %d: %q, %v", n, got, err)
		}
		for i := range n { // one byte of the padding is wrong
			bad := pad(body, n)
			bad[len(bad)-1-i] ^= 0x40
			if got, err := Decrypt([]byte("x"), key, encryptRaw(t, bad), iv); !errors.Is(err, ErrDecrypt) || string(got) != "x" {
				t.Errorf("padding of %d with byte %d wrong is taken: %q, %v", n, i, got, err)
			}
		}
	}
	for _, last := range []byte{0, 17, 32, 255} {
		bad := bytes.Repeat([]byte{last}, 32)
		if _, err := Decrypt(nil, key, encryptRaw(t, bad), iv); !errors.Is(err, ErrDecrypt) {
			t.Errorf("padding byte %d is taken", last)
		}
	}
}

func TestDecryptRefusesWithOneError(t *testing.T) {
	t.Parallel()
	v := knownAnswers(t).Decrypt[2]
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 16))
	long := base64.StdEncoding.EncodeToString(make([]byte, 17))
	rows := map[string][3]string{
		"another key":                {other, v.EncryptedData, v.IV},
		"empty key":                  {"", v.EncryptedData, v.IV},
		"key of 17 bytes":            {long, v.EncryptedData, v.IV},
		"key that is no base64":      {strings.Repeat("*", 24), v.EncryptedData, v.IV},
		"key with line breaks":       {v.SessionKey[:22] + "\n\n", v.EncryptedData, v.IV},
		"empty iv":                   {v.SessionKey, v.EncryptedData, ""},
		"iv of 17 bytes":             {v.SessionKey, v.EncryptedData, long},
		"iv that is no base64":       {v.SessionKey, v.EncryptedData, strings.Repeat("*", 24)},
		"empty data":                 {v.SessionKey, "", v.IV},
		"data that is no base64":     {v.SessionKey, "*" + v.EncryptedData[1:], v.IV},
		"data of half a block":       {v.SessionKey, base64.StdEncoding.EncodeToString(make([]byte, 24)), v.IV},
		"data without its last byte": {v.SessionKey, v.EncryptedData[:len(v.EncryptedData)-4], v.IV},
	}
	for name, r := range rows {
		if got, err := Decrypt(nil, SessionKey(r[0]), r[1], r[2]); err != ErrDecrypt || len(got) != 0 { //nolint:errorlint // the very same value
			t.Errorf("%s: %q, %v; want ErrDecrypt itself", name, got, err)
		}
	}
}

func TestDecryptAllocatesTheCipherAlone(t *testing.T) {
	v := knownAnswers(t).Decrypt[2]
	buf := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() {
		var err error
		if buf, err = Decrypt(buf[:0], SessionKey(v.SessionKey), v.EncryptedData, v.IV); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations into a buffer that is large enough, want at most the cipher's", n)
	}
}

func FuzzDecrypt(f *testing.F) {
	for _, v := range knownAnswers(f).Decrypt {
		f.Add(v.SessionKey, v.EncryptedData, v.IV)
	}
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, key, data, iv string) {
		got, err := Decrypt([]byte("x"), SessionKey(key), data, iv)
		if err != nil {
			if string(got) != "x" {
				t.Fatal("an error changed dst")
			}
			return
		}
		if n := len(got) - 1; n < 0 || n >= len(data) || got[0] != 'x' {
			t.Fatalf("%d bytes of %d", n, len(data))
		}
		_, _ = DecodeUser(got[1:])
		_, _ = DecodePhoneNumber(got[1:])
	})
}

// BenchmarkDecryptPhone is one phone event; ceiling is the cipher alone.
func BenchmarkDecryptPhone(b *testing.B) {
	v := knownAnswers(b).Decrypt[2]
	buf := make([]byte, 0, 512)
	b.Run("decrypt and decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf, _ = Decrypt(buf[:0], SessionKey(v.SessionKey), v.EncryptedData, v.IV)
			if _, err := DecodePhoneNumber(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decrypt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if buf, err = Decrypt(buf[:0], SessionKey(v.SessionKey), v.EncryptedData, v.IV); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ceiling", func(b *testing.B) {
		b.ReportAllocs()
		key, _ := base64.StdEncoding.DecodeString(v.SessionKey)
		iv, _ := base64.StdEncoding.DecodeString(v.IV)
		data, _ := base64.StdEncoding.DecodeString(v.EncryptedData)
		for b.Loop() {
			block, err := aes.NewCipher(key)
			if err != nil {
				b.Fatal(err)
			}
			cipher.NewCBCDecrypter(block, iv).CryptBlocks(buf[:len(data)], data)
		}
	})
}
