package sinks

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lz4Frame is text as a producer would send it.
func lz4Frame(t testing.TB, text []byte, options ...lz4.Option) []byte {
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	if err := w.Apply(options...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// records is text that packs by half, and ciphertexts in between that do not.
func lz4Text(size int) []byte {
	rng := rand.New(rand.NewPCG(uint64(size), 7))
	var text []byte
	for len(text) < size {
		text = fmt.Appendf(text, "event %x of %d ", rng.Uint64(), rng.IntN(9))
		for range rng.IntN(2) * rng.IntN(200) {
			text = append(text, byte(rng.Uint32()))
		}
	}
	return text[:size]
}

func TestALZ4FrameHoldsWhatWasPacked(t *testing.T) {
	t.Parallel()
	for _, block := range []lz4.BlockSize{lz4.Block64Kb, lz4.Block256Kb, lz4.Block1Mb, lz4.Block4Mb} {
		for _, sums := range []bool{false, true} {
			for _, size := range []int{1, 100, 70_000, 1_200_000} {
				text := lz4Text(size)
				frame := lz4Frame(t, text, lz4.BlockSizeOption(block), lz4.BlockChecksumOption(sums), lz4.ChecksumOption(sums), lz4.SizeOption(uint64(size*int(block&1))))
				for _, room := range []int{0, size / 2, size + 10} {
					if got, ok := unpackFrame(make([]byte, 0, room), frame); !ok || !bytes.Equal(got, text) {
						t.Fatalf("blocks of %d, checksums %v, room of %d: %d bytes of %d, %v", block, sums, room, len(got), size, ok)
					}
				}
			}
		}
	}
}

// Blocks that refer to those before them are what some producers send.
func TestAnLZ4FrameOfLinkedBlocks(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat(lz4Text(1000), 300)
	const size = 64 << 10
	frame := []byte{0x04, 0x22, 0x4D, 0x18, lz4Version, 4 << 4, 0}
	for at := 0; at < len(text); at += size {
		part := text[at:min(at+size, len(text))]
		// What a window would give is taken by hand: the text repeats each 1,000 bytes.
		// One literal-free sequence of the whole part, five literals at its end.
		var block []byte
		if at == 0 {
			block = make([]byte, lz4.CompressBlockBound(len(part)))
			n, err := lz4.CompressBlock(part, block, nil)
			if err != nil {
				t.Fatal(err)
			}
			block = block[:n]
		} else {
			match := len(part) - 5
			block = append(block, 0x0F, 1000&0xFF, 1000>>8)
			for match -= 4 + 15; match >= 255; match -= 255 {
				block = append(block, 255)
			}
			block = append(block, byte(match), 5<<4)
			block = append(block, part[len(part)-5:]...)
		}
		frame = append(frame, byte(len(block)), byte(len(block)>>8), byte(len(block)>>16), 0)
		frame = append(frame, block...)
	}
	frame = append(frame, 0, 0, 0, 0)
	if got, ok := unpackFrame(nil, frame); !ok || !bytes.Equal(got, text) {
		t.Fatalf("%d bytes of %d, %v", len(got), len(text), ok)
	}
}

// What is cut short or bent is left to the client's own reader, which says so; and
// so is what it can read and we cannot.
func TestABrokenLZ4FrameIsLeftToOthers(t *testing.T) {
	t.Parallel()
	text := lz4Text(3000)
	frame := lz4Frame(t, text, lz4.BlockSizeOption(lz4.Block64Kb))
	for size := range frame {
		if _, ok := unpackFrame(nil, frame[:size]); ok {
			t.Fatalf("%d bytes of %d are a frame", size, len(frame))
		}
	}
	rng := rand.New(rand.NewPCG(1, 7))
	for range 20_000 {
		bent := bytes.Clone(frame)
		bent[rng.IntN(len(bent))] = byte(rng.Uint32())
		_, _ = unpackFrame(nil, bent) // it does not panic; the batch's CRC has said what it is worth
	}
	r := newRecycler()
	if _, err := r.Decompress(frame[:len(frame)/2], kgo.CodecLz4); err == nil {
		t.Error("half a frame is taken for a batch")
	}
	twice := append(bytes.Clone(frame), frame...)
	if _, ok := unpackFrame(nil, twice); ok {
		t.Error("two frames are taken for one")
	}
	got, err := r.Decompress(frame, kgo.CodecLz4)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes of %d: %v", len(got), len(text), err)
	}
}
