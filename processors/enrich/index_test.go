package enrich

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// hashIn draws hashes that meet: of two pieces, and of few tags.
var hashIn = rapid.Custom(func(t *rapid.T) uint64 {
	piece := rapid.Uint64Range(0, 1).Draw(t, "piece")
	tag := rapid.OneOf(rapid.Uint64Range(0, 7), rapid.Uint64Range(1<<tagBits-8, 1<<tagBits-1)).Draw(t, "tag")
	return piece<<56 | tag<<32 | rapid.Uint64Range(0, 1).Draw(t, "rest")
})

func TestIndexAgainstMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var x index
		model := map[uint64][]uint64{} // places by hash
		next := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				next++
				hash := hashIn.Draw(t, "hash")
				x.put(hash, next, 0)
				model[hash] = append(model[hash], next)
			},
			"put in another's stead": func(t *rapid.T) {
				hash := hashIn.Draw(t, "hash")
				if old := model[hash]; len(old) > 0 {
					next++
					x.put(hash, next, old[0])
					model[hash] = append(old[1:], next)
				}
			},
			"take": func(t *rapid.T) {
				hash := hashIn.Draw(t, "hash")
				if old := model[hash]; len(old) > 0 {
					x.take(hash, old[0])
					model[hash] = old[1:]
				}
			},
			"take what is not there": func(t *rapid.T) { x.take(hashIn.Draw(t, "hash"), next+1) },
			"shrink":                 func(*rapid.T) { x.shrink() },
			"": func(t *rapid.T) {
				count := 0
				for hash, places := range model {
					count += len(places)
					for _, place := range places {
						if got := x.find(hash, func(low uint64) bool { return low == place }); got != place {
							t.Fatalf("%#x has no place %d", hash, place)
						}
					}
					x.find(hash, func(low uint64) bool {
						if slices.ContainsFunc([]uint64{0, 1}, func(rest uint64) bool { return slices.Contains(model[hash&^1|rest], low) }) {
							return false
						}
						t.Fatalf("%#x leads to %d, which was taken out", hash, low)
						return false
					})
				}
				if count != x.count {
					t.Fatalf("counts %d; want %d", x.count, count)
				}
			},
		})
	})
}

// The index grows by a quarter of a piece at a time: it never doubles, and never
// takes much more than what is in it.
func TestIndexStaysSmall(t *testing.T) {
	t.Parallel()
	var x index
	random := rand.New(rand.NewPCG(1, 2))
	const all = 200_000
	hashes := make([]uint64, all)
	for i := range hashes {
		hashes[i] = random.Uint64()
		before := x.bytes
		x.put(hashes[i], uint64(i+1), 0)
		if grown := x.bytes - before; grown > 16<<10 {
			t.Fatalf("grew by %d bytes at %d", grown, i)
		}
	}
	if each := float64(x.bytes) / all; each > 12.5 {
		t.Errorf("%.1f bytes an entry; want 12.5 at most", each)
	}
	for i, hash := range hashes[:all-1000] {
		x.take(hash, uint64(i+1))
	}
	x.shrink()
	if x.count != 1000 || x.bytes > 64<<10 {
		t.Errorf("%d entries take %d bytes after most have gone", x.count, x.bytes)
	}
	for i, hash := range hashes[all-1000:] {
		place := uint64(all - 1000 + i + 1)
		if x.find(hash, func(low uint64) bool { return low == place }) != place {
			t.Fatalf("%d is lost", place)
		}
	}
}
