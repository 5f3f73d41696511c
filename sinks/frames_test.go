package sinks

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/compress"
)

// Whatever is written in whatever pieces, a reader of ClickHouse's frames reads the
// same bytes, and no others.
func TestFramesHoldWhatWasWritten(t *testing.T) {
	t.Parallel()
	for _, method := range []ch.Compression{ch.CompressionLZ4, ch.CompressionZSTD, ch.CompressionNone} {
		rng := rand.New(rand.NewPCG(uint64(method), 1))
		var sent, want bytes.Buffer
		f := newFrames(&sent, method)
		for range 40 {
			size := []int{rng.IntN(100), rng.IntN(2 * trialBytes), trialBytes, frameBytes + rng.IntN(3*frameBytes)}[rng.IntN(4)]
			piece := make([]byte, size)
			if rng.IntN(2) == 0 {
				for i := range piece {
					piece[i] = byte(rng.Uint32())
				}
			}
			want.Write(piece)
			if _, err := f.Write(piece); err != nil {
				t.Fatal(err)
			}
			clear(piece) // it is the writer's again
		}
		if err := f.flush(); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, want.Len())
		if n, err := io.ReadFull(compress.NewReader(&sent), got); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%v: %d bytes of %d: %v", method, n, want.Len(), err)
		}
		if sent.Len() > 0 {
			t.Errorf("%v: %d bytes too many", method, sent.Len())
		}
	}
}

func TestFramesPackWhatIsWorthIt(t *testing.T) {
	t.Parallel()
	cipher := make([]byte, 4*frameBytes)
	for i, rng := 0, rand.New(rand.NewPCG(1, 1)); i < len(cipher); i++ {
		cipher[i] = byte(rng.Uint32())
	}
	for name, tc := range map[string]struct {
		method  ch.Compression
		column  []byte
		longest int
	}{
		"zeros are packed":               {ch.CompressionLZ4, make([]byte, 4*frameBytes), frameBytes / 16},
		"a ciphertext goes as it is":     {ch.CompressionLZ4, cipher, len(cipher) + 5*25},
		"what is asked for is done":      {ch.CompressionZSTD, make([]byte, 4*frameBytes), frameBytes / 16},
		"without frames nothing is done": {ch.CompressionDisabled, cipher, len(cipher)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent bytes.Buffer
			f := newFrames(&sent, tc.method)
			if _, err := f.Write(tc.column); err != nil {
				t.Fatal(err)
			}
			if err := f.flush(); err != nil {
				t.Fatal(err)
			}
			if sent.Len() > tc.longest {
				t.Errorf("%d bytes became %d", len(tc.column), sent.Len())
			}
		})
	}
}
