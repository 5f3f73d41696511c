package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func key(fill byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

func ring(t testing.TB, s string) *Keyring {
	t.Helper()
	k, err := ParseKeyring(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1))
	for _, plain := range [][]byte{nil, []byte("13800000000"), bytes.Repeat([]byte{7}, 100_000)} {
		sealed, err := k.Seal([]byte("head"), plain, "phone", []byte("topic|key"))
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed)-4-len(plain) > Overhead {
			t.Errorf("overhead %d, Overhead says %d", len(sealed)-4-len(plain), Overhead)
		}
		if len(plain) > 0 && bytes.Contains(sealed, plain) {
			t.Error("the plaintext is in the sealed bytes")
		}
		got, err := k.Open([]byte("x"), sealed[4:], "phone", []byte("topic|key"))
		if err != nil || string(got) != "x"+string(plain) {
			t.Fatalf("open: %q, %v", got, err)
		}
	}
}

func TestEveryRecordHasASubkeyOfItsOwn(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1))
	one, _ := k.Seal(nil, []byte("same"), "p", nil)
	two, _ := k.Seal(nil, []byte("same"), "p", nil)
	if bytes.Equal(one, two) || bytes.Equal(one[3+saltSize:], two[3+saltSize:]) {
		t.Fatal("two seals of one plaintext are alike")
	}
}

// Golden bytes: pipelines open these in other languages, so the layout is for life.
func TestGoldenLayout(t *testing.T) {
	t.Parallel()
	sealed, err := hex.DecodeString(goldenSealed)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ring(t, "k1:"+key(9)).Open(nil, sealed, "phone", []byte("users.enriched"))
	if err != nil || string(got) != "+8613800000000" {
		t.Fatalf("open golden: %q, %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1))
	sealed, err := k.Seal(nil, []byte("secret"), "phone", []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	flip := func(i int) []byte {
		b := bytes.Clone(sealed)
		b[i] ^= 1
		return b
	}
	tests := []struct {
		name    string
		ring    *Keyring
		sealed  []byte
		purpose string
		aad     string
		want    error
	}{
		{"another purpose", k, sealed, "name", "aad", ErrSealed},
		{"another record", k, sealed, "phone", "aae", ErrSealed},
		{"another key under the same id", ring(t, "a:"+key(2)), sealed, "phone", "aad", ErrSealed},
		{"a key that is not configured", ring(t, "b:"+key(1)), sealed, "phone", "aad", ErrUnknownKey},
		{"an empty ring", &Keyring{}, sealed, "phone", "aad", ErrUnknownKey},
		{"a changed version", k, flip(0), "phone", "aad", ErrSealed},
		{"a changed key id", k, flip(2), "phone", "aad", ErrUnknownKey},
		{"a changed salt", k, flip(3), "phone", "aad", ErrSealed},
		{"a changed ciphertext", k, flip(3 + saltSize), "phone", "aad", ErrSealed},
		{"a changed tag", k, flip(len(sealed) - 1), "phone", "aad", ErrSealed},
		{"nothing", k, nil, "phone", "aad", ErrSealed},
		{"an id of no bytes", k, []byte{1, 0}, "phone", "aad", ErrSealed},
		{"an id longer than the bytes", k, []byte{1, 200, 'a'}, "phone", "aad", ErrSealed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.ring.Open([]byte("dst"), tt.sealed, tt.purpose, []byte(tt.aad))
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if string(got) != "dst" {
				t.Errorf("a failed open answered %q", got)
			}
		})
	}
	for n := range sealed {
		if _, err := k.Open(nil, sealed[:n], "phone", []byte("aad")); err == nil {
			t.Errorf("cut to %d bytes it opens", n)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old, err := ring(t, "a:"+key(1)).Seal(nil, []byte("v"), "p", nil)
	if err != nil {
		t.Fatal(err)
	}
	rotated := ring(t, "b:"+key(2)+", a:"+key(1))
	if got, err := rotated.Open(nil, old, "p", nil); err != nil || string(got) != "v" {
		t.Fatalf("the old key no longer opens: %q, %v", got, err)
	}
	fresh, err := rotated.Seal(nil, []byte("v"), "p", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring(t, "b:"+key(2)).Open(nil, fresh, "p", nil); err != nil {
		t.Fatalf("the first key is not the one that seals: %v", err)
	}
	if rotated.Current(old) || !rotated.Current(fresh) || (&Keyring{}).Current(fresh) || rotated.Current(nil) {
		t.Error("what is sealed under the first key, and that alone, is current")
	}
}

func TestAnEmptyRingDoesNotSeal(t *testing.T) {
	t.Parallel()
	k := &Keyring{}
	if _, err := k.Seal(nil, []byte("v"), "p", nil); !errors.Is(err, ErrNoKey) || !k.Empty() {
		t.Fatalf("error %v", err)
	}
}

// I8: whatever is wrong with a list of keys, its error does not carry one.
func TestParseErrorsCarryNoKey(t *testing.T) {
	t.Parallel()
	good, short := key(3), base64.StdEncoding.EncodeToString([]byte("fifteen bytes.."))
	tests := []struct{ name, list, want string }{
		{"empty", "", "empty"},
		{"blank", "  ", "empty"},
		{"no id", good, "entry 1: not of the form id:base64"},
		{"empty id", ":" + good, "entry 1: an id is"},
		{"key and id the wrong way round", good + ":a", "entry 1: an id is"},
		{"not base64", "a:" + good[:40] + "!!!", "(id a): not base64"},
		{"too short", "a:" + short, "(id a): the key has 15 bytes"},
		{"twice", "a:" + good + ",a:" + good, "entry 2 (id a): the id is there twice"},
		{"two faults", "a:" + short + "," + good, "entry 2"},
		{"a trailing comma", "a:" + good + ",", "entry 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseKeyring(tt.list)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q in it", err, tt.want)
			}
			for _, secret := range []string{good, good[:40], short} {
				if strings.Contains(err.Error(), secret) {
					t.Fatalf("the error carries a key: %v", err)
				}
			}
		})
	}
}

func TestPeppers(t *testing.T) {
	t.Parallel()
	p, err := ParsePeppers("p2:" + key(5) + ",p1:" + key(4))
	if err != nil {
		t.Fatal(err)
	}
	digest, id := p.Hash("+8613800000000")
	// HMAC-SHA-256 computed apart from this package with openssl dgst -mac HMAC.
	if want := goldenHash; digest != want || id != "p2" {
		t.Errorf("hash %s under %s, want %s under p2", digest, id, want)
	}
	if digest, id := (&Peppers{}).Hash("+8613800000000"); digest != "" || id != "" {
		t.Errorf("without a pepper: %q, %q", digest, id)
	}
	if _, err := ParsePeppers("p:" + base64.StdEncoding.EncodeToString([]byte("short"))); err == nil {
		t.Error("a short pepper is accepted")
	}
}

// I8: a secret prints as <redacted>, nested and under every verb.
func TestStringNeverPrints(t *testing.T) {
	t.Parallel()
	s := NewString("hunter2")
	nested := struct {
		Exported   String
		unexported String
		list       []String
	}{s, s, []String{s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		for _, v := range []any{s, &s, nested, &nested} {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, "hunter2") || strings.Contains(strings.ToLower(out), hex.EncodeToString([]byte("hunter2"))) {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	}
	if text, _ := s.MarshalText(); string(text) != Redacted || s.LogValue().String() != Redacted {
		t.Error("encoded or logged in the clear")
	}
	var zero String
	if zero.String() != "" || !zero.Empty() || zero.Reveal() != "" {
		t.Error("the zero value is not empty")
	}
	if err := zero.UnmarshalText([]byte("v")); err != nil || zero.Reveal() != "v" {
		t.Error("not taken in")
	}
}

// The records that do open are the same in every process that fuzzes.
func FuzzOpen(f *testing.F) {
	k := ring(f, "k1:"+key(9)+",a:"+key(1))
	sealed, err := hex.DecodeString(goldenSealed)
	if err != nil {
		f.Fatal(err)
	}
	inRun := sealedApart(f, 'a', 1, "run-of-twelv", 5, "phone", "v", "users.enriched")
	f.Add(sealed)
	f.Add(inRun)
	f.Add([]byte{1, 1, 'a'})
	f.Add([]byte{2, 1, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		plain, err := k.Open(nil, b, "phone", []byte("users.enriched"))
		if genuine := bytes.Equal(b, sealed) || bytes.Equal(b, inRun); genuine != (err == nil) {
			t.Fatalf("genuine %v, and it opens to %q, %v", genuine, plain, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k, plain := ring(b, "a:"+key(1)), make([]byte, 200)
	dst := make([]byte, 0, 300)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Seal(dst, plain, "session", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	k := ring(b, "a:"+key(1))
	sealed, err := k.Seal(nil, make([]byte, 200), "session", nil)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 300)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(dst, sealed, "session", nil); err != nil {
			b.Fatal(err)
		}
	}
}

const (
	// Sealed apart from this package, by a Python program: HKDF-SHA-256, then AES-256-GCM.
	goldenSealed = "01026b31000102030405060708090a0b0c0d0e0fec1ed89a7a6edd77dfc29fee848a77bce1597fd8a36e3317161cd20c9e78"
	goldenHash   = "1b173edd1193211c507f864c9423e210367635713450cd5e64114bf06a84d574"
)
