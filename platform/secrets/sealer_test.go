package secrets

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// apart is version 2 by the standard library alone, from its description: the
// cipher of a run, and the nonce of one record.
func apart(t testing.TB, secret, name []byte, counter uint32, purpose string) (cipher.AEAD, []byte) {
	t.Helper()
	okm, err := hkdf.Key(sha256.New, secret, name, "doustream/2/"+purpose, 32+12)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(okm[:32])
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := okm[32:]
	for i, b := range binary.BigEndian.AppendUint32(nil, counter) {
		nonce[8+i] ^= b
	}
	return aead, nonce
}

// sealedApart is a record of a run under the key of fill, whose id is one letter.
func sealedApart(t testing.TB, id, fill byte, name string, counter uint32, purpose, plain, aad string) []byte {
	t.Helper()
	aead, nonce := apart(t, bytes.Repeat([]byte{fill}, 32), []byte(name), counter, purpose)
	out := binary.BigEndian.AppendUint32(append([]byte{2, 1, id}, name...), counter)
	return aead.Seal(out, nonce, []byte(plain), []byte(aad))
}

func sealInRun(t testing.TB, s *Sealer, plain, aad string) []byte {
	t.Helper()
	sealed, err := s.Seal(nil, []byte(plain), []byte(aad))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// counterOf takes a record of a run under a key with an id of one letter apart.
func counterOf(sealed []byte) (name string, counter uint32) {
	return string(sealed[3:15]), binary.BigEndian.Uint32(sealed[15:])
}

// Golden bytes: state that was sealed lies in Kafka for as long as a session lives.
func TestGoldenRunLayout(t *testing.T) {
	t.Parallel()
	want, err := hex.DecodeString(goldenRun)
	if err != nil {
		t.Fatal(err)
	}
	if made := sealedApart(t, 'a', 1, "run-of-twelv", 0x01020304, "session", "the plaintext", "the record"); !bytes.Equal(made, want) {
		t.Fatalf("made %x; want %x", made, want)
	}
	got, err := ring(t, "a:"+key(1)).Open(nil, want, "session", []byte("the record"))
	if err != nil || string(got) != "the plaintext" {
		t.Errorf("open golden: %q, %v", got, err)
	}
}

func TestWhatASealerSealsOpensByItsDescription(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1))
	s := k.Sealer("session")
	for i, plain := range []string{"", "a session key", string(bytes.Repeat([]byte{7}, 100_000))} {
		sealed, err := s.Seal([]byte("head"), []byte(plain), []byte("topic|key"))
		if err != nil || string(sealed[:4]) != "head" {
			t.Fatalf("%q, %v", sealed[:4], err)
		}
		sealed = sealed[4:]
		if len(sealed)-len(plain) > Overhead {
			t.Errorf("overhead %d, Overhead says %d", len(sealed)-len(plain), Overhead)
		}
		alone, err := k.Seal(nil, []byte(plain), "session", nil)
		if err != nil || len(alone) != len(sealed) {
			t.Errorf("%d bytes in a run, %d with a subkey of its own", len(sealed), len(alone))
		}
		name, counter := counterOf(sealed)
		if counter != uint32(i) {
			t.Errorf("record %d has counter %d", i, counter)
		}
		aead, nonce := apart(t, bytes.Repeat([]byte{1}, 32), []byte(name), counter, "session")
		got, err := aead.Open(nil, nonce, sealed[19:], []byte("topic|key"))
		if err != nil || string(got) != plain {
			t.Errorf("opened apart: %d bytes, %v", len(got), err)
		}
		got, err = k.Open([]byte("x"), sealed, "session", []byte("topic|key"))
		if err != nil || string(got) != "x"+plain {
			t.Errorf("opened: %d bytes, %v", len(got), err)
		}
	}
}

// GCM is broken by one nonce under one subkey for two records. Many goroutines take
// counters over the ends of many runs, of two sealers. No other test runs beside it:
// all processors are to be at it.
func TestNoTwoRecordsShareSubkeyAndNonce(t *testing.T) {
	const goroutines, each, length = 8, 100_000, 9973
	type place struct {
		run *run
		n   uint32
	}
	k := ring(t, "a:"+key(1))
	sealers := []*Sealer{k.Sealer("session"), k.Sealer("session")}
	for _, s := range sealers {
		s.length = length
	}
	taken := make([][each]place, goroutines)
	for g := range taken {
		clear(taken[g][:]) // or the loop below is page faults
	}
	var start, done sync.WaitGroup
	start.Add(1)
	for g := range taken {
		done.Go(func() {
			start.Wait()
			for i := range taken[g] {
				r, n, err := sealers[g%len(sealers)].next()
				if err != nil {
					t.Error(err)
					return
				}
				taken[g][i] = place{r, n}
			}
		})
	}
	start.Done()
	done.Wait()
	runs := map[runName]*[length]bool{}
	for g := range taken {
		for _, p := range taken[g] {
			if runs[p.run.name] == nil {
				runs[p.run.name] = new([length]bool)
			}
			if p.n >= length || runs[p.run.name][p.n] {
				t.Fatalf("counter %d of run %x of %d is given out, or given out twice", p.n, p.run.name, length)
			}
			runs[p.run.name][p.n] = true
		}
	}
	if most := goroutines*each/length + len(sealers); len(runs) > most {
		t.Errorf("%d runs; want %d at most", len(runs), most)
	}
}

// Two that find a run at its end begin one run between them.
func TestARunIsBegunOnce(t *testing.T) {
	t.Parallel()
	s := ring(t, "a:"+key(1)).Sealer("p")
	first, err := s.begin(nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.begin(nil); err != nil || again != first {
		t.Errorf("another is begun: %v", err)
	}
	if next, err := s.begin(first); err != nil || next == first || next.name == first.name {
		t.Errorf("no other is begun: %v", err)
	}
}

func TestARunEndsAndTheNextOneOpensToo(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1))
	s := k.Sealer("session")
	s.length = 3
	runs := map[string][]uint32{}
	for range 7 {
		sealed := sealInRun(t, s, "same", "")
		name, counter := counterOf(sealed)
		runs[name] = append(runs[name], counter)
		if got, err := k.Open(nil, sealed, "session", nil); err != nil || string(got) != "same" {
			t.Fatalf("open: %q, %v", got, err)
		}
	}
	lengths := map[int]int{}
	for _, counters := range runs {
		lengths[len(counters)]++
	}
	if len(runs) != 3 || lengths[3] != 2 || lengths[1] != 1 {
		t.Errorf("counters by run: %v", runs)
	}
}

// A record's nonce is told from any other's of the run, over all of a run's length.
func TestNoncesOfARunDiffer(t *testing.T) {
	t.Parallel()
	r, err := ring(t, "a:"+key(1)).keys[0].run(runName{1}, "p")
	if err != nil {
		t.Fatal(err)
	}
	counters := []uint32{0, 1, 2, 255, 256, 1 << 16, runLength - 1, runLength, 1<<32 - 1}
	seen := map[string]uint32{}
	for _, n := range counters {
		nonce := string(r.appendNonce(nil, n))
		if other, twice := seen[nonce]; twice || len(nonce) != nonceSize {
			t.Errorf("counters %d and %d have nonce %x", other, n, nonce)
		}
		seen[nonce] = n
	}
}

// Whatever a record of version 1 has as its salt, its subkey is no run's.
func TestNoRunHasTheSubkeyOfARecord(t *testing.T) {
	t.Parallel()
	k := &ring(t, "a:"+key(1)).keys[0]
	name := []byte("run-of-twelv")
	salt := append(slices.Clone(name), 0, 0, 0, 0) // to HMAC the same key
	run, _ := k.expand(name, runInfo, "p")
	record, _ := k.expand(salt, recordInfo, "p")
	if bytes.Equal(run, record) {
		t.Error("they are the same")
	}
	if same, _ := k.expand(salt, runInfo, "p"); !bytes.Equal(same, run) {
		t.Error("the test shows nothing: the salt tells them apart already")
	}
}

func TestOpenRefusesInARun(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1))
	sealed := sealInRun(t, k.Sealer("session"), "secret", "aad")
	flip := func(i int) []byte {
		b := bytes.Clone(sealed)
		b[i] ^= 1
		return b
	}
	version1 := bytes.Clone(sealed)
	version1[0] = 1
	tests := []struct {
		name    string
		ring    *Keyring
		sealed  []byte
		purpose string
		aad     string
		want    error
	}{
		{"another purpose", k, sealed, "parked", "aad", ErrSealed},
		{"another record", k, sealed, "session", "aae", ErrSealed},
		{"another key under the same id", ring(t, "a:"+key(2)), sealed, "session", "aad", ErrSealed},
		{"a key that is not configured", ring(t, "b:"+key(1)), sealed, "session", "aad", ErrUnknownKey},
		{"an empty ring", &Keyring{}, sealed, "session", "aad", ErrUnknownKey},
		{"the version of a record of its own", k, version1, "session", "aad", ErrSealed},
		{"a version to come", k, flip(0), "session", "aad", ErrSealed},
		{"a changed key id", k, flip(2), "session", "aad", ErrUnknownKey},
		{"a changed run", k, flip(3), "session", "aad", ErrSealed},
		{"a changed counter", k, flip(18), "session", "aad", ErrSealed},
		{"a changed ciphertext", k, flip(19), "session", "aad", ErrSealed},
		{"a changed tag", k, flip(len(sealed) - 1), "session", "aad", ErrSealed},
		{"nothing but its head", k, sealed[:19], "session", "aad", ErrSealed},
	}
	refused := func(t *testing.T) {
		t.Helper()
		for _, tt := range tests {
			got, err := tt.ring.Open([]byte("dst"), tt.sealed, tt.purpose, []byte(tt.aad))
			if !errors.Is(err, tt.want) || string(got) != "dst" {
				t.Errorf("%s: %q, %v; want %v", tt.name, got, err, tt.want)
			}
		}
		for n := range sealed {
			if _, err := k.Open(nil, sealed[:n], "session", []byte("aad")); err == nil {
				t.Errorf("cut to %d bytes it opens", n)
			}
		}
	}
	refused(t)
	if keptRuns(k) != 0 {
		t.Errorf("%d runs are remembered of which nothing opened", keptRuns(k))
	}
	if got, err := k.Open(nil, sealed, "session", []byte("aad")); err != nil || string(got) != "secret" {
		t.Fatalf("open: %q, %v", got, err)
	}
	refused(t) // with the run remembered, too
}

func keptRuns(k *Keyring) (n int) {
	for i := range k.opened.sets {
		for j := range k.opened.sets[i].ways {
			if k.opened.sets[i].ways[j].Load() != nil {
				n++
			}
		}
	}
	return n
}

// A run is remembered by key, name and purpose: what bears the same name under
// another key or for another purpose has another subkey.
func TestRunsOfOneNameAreTold(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1)+",b:"+key(2))
	const name = "run-of-twelv"
	for range 2 {
		for _, id := range []byte("ab") {
			for _, purpose := range []string{"session", "other"} {
				plain := fmt.Sprintf("%c %s", id, purpose)
				sealed := sealedApart(t, id, id-'a'+1, name, 5, purpose, plain, "")
				if got, err := k.Open(nil, sealed, purpose, nil); err != nil || string(got) != plain {
					t.Errorf("key %c, purpose %s: %q, %v", id, purpose, got, err)
				}
			}
		}
	}
	if n := keptRuns(k); n != 4 {
		t.Errorf("%d runs are remembered; want 4", n)
	}
}

// I9: what is remembered of runs is bounded, however many there are, in whatever
// order and by however many they are opened.
func TestI9RunsAreOpenedAndForgotten(t *testing.T) {
	t.Parallel()
	const runs, goroutines = 1000, 4
	k := ring(t, "a:"+key(1))
	sealed := make([][]byte, runs)
	for i := range sealed {
		sealed[i] = sealInRun(t, k.Sealer("p"), fmt.Sprint(i), "")
	}
	var done sync.WaitGroup
	for g := range goroutines {
		done.Go(func() {
			for i := range runs {
				i = (i*(2*g+1) + g*runs/goroutines) % runs
				if got, err := k.Open(nil, sealed[i], "p", nil); err != nil || string(got) != fmt.Sprint(i) {
					t.Errorf("open %d: %q, %v", i, got, err)
				}
			}
		})
	}
	done.Wait()
	if n := keptRuns(k); n != runSets*runWays {
		t.Errorf("%d runs are remembered; want %d", n, runSets*runWays)
	}
}

// A run of which records are opened all the time is derived once.
func TestARunIsRememberedOnce(t *testing.T) {
	t.Parallel()
	k := ring(t, "a:"+key(1))
	s := k.Sealer("p")
	var done sync.WaitGroup
	for range 8 {
		sealed := sealInRun(t, s, "v", "")
		done.Go(func() {
			if _, err := k.Open(nil, sealed, "p", nil); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	name, _ := counterOf(sealInRun(t, s, "v", ""))
	again, err := k.keys[0].run(runName([]byte(name)), "p")
	if err != nil {
		t.Fatal(err)
	}
	k.opened.set(again.name).keep(again) // as who opened its first record at the same time
	if n := keptRuns(k); n != 1 {
		t.Errorf("%d runs are remembered; want 1", n)
	}
}

// No other test runs beside it: allocations are counted.
func TestARunCostsNoAllocations(t *testing.T) {
	k := ring(t, "a:"+key(1))
	s, plain, room := k.Sealer("p"), []byte("v"), make([]byte, 0, Overhead+1)
	sealed := sealInRun(t, s, "v", "")
	for name, f := range map[string]func() ([]byte, error){
		"seal": func() ([]byte, error) { return s.Seal(room[:0], plain, nil) },
		"open": func() ([]byte, error) { return k.Open(room[:0], sealed, "p", nil) },
	} {
		if n := testing.AllocsPerRun(100, func() { room, _ = f() }); n != 0 { // the room comes back whole
			t.Errorf("%s: %.0f allocations", name, n)
		}
	}
}

func TestRotationOfRuns(t *testing.T) {
	t.Parallel()
	old := sealInRun(t, ring(t, "a:"+key(1)).Sealer("p"), "v", "")
	rotated := ring(t, "b:"+key(2)+", a:"+key(1))
	if got, err := rotated.Open(nil, old, "p", nil); err != nil || string(got) != "v" {
		t.Fatalf("the old key no longer opens: %q, %v", got, err)
	}
	fresh := sealInRun(t, rotated.Sealer("p"), "v", "")
	if _, err := ring(t, "b:"+key(2)).Open(nil, fresh, "p", nil); err != nil {
		t.Fatalf("the first key is not the one that seals: %v", err)
	}
	if rotated.Current(old) || !rotated.Current(fresh) {
		t.Error("what is sealed under the first key, and that alone, is current")
	}
}

func TestASealerOfAnEmptyRingDoesNotSeal(t *testing.T) {
	t.Parallel()
	if got, err := (&Keyring{}).Sealer("p").Seal([]byte("dst"), []byte("v"), nil); !errors.Is(err, ErrNoKey) || string(got) != "dst" {
		t.Fatalf("%q, %v", got, err)
	}
}

func BenchmarkSealInRun(b *testing.B) {
	s, plain := ring(b, "a:"+key(1)).Sealer("session"), make([]byte, 200)
	dst := make([]byte, 0, 300)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(dst, plain, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenInRun(b *testing.B) {
	k := ring(b, "a:"+key(1))
	sealed, err := k.Sealer("session").Seal(nil, make([]byte, 200), nil)
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

// Sealed apart from this package, by a Python program: HKDF-SHA-256, the counter
// XORed into the nonce, then AES-256-GCM.
const goldenRun = "02016172756e2d6f662d7477656c7601020304eeb34a4e54db91801a165cebe620917a52304d42e6f6b68fd9e8239abe"
