package sinks

import (
	"bufio"
	"fmt"
	"io"
	"slices"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/compress"
)

const (
	// frameBytes of a block make one frame: as much as a processor's own cache
	// holds, and far more than LZ4 looks back.
	frameBytes = 256 << 10
	// trialBytes of a column are compressed to see whether it is worth it for the
	// rest. Columns that are shorter make frames together.
	trialBytes = 32 << 10
	// worthBytes is what they may come to. Times and offsets that follow each other
	// come to half, for as much work as the rest of the block.
	worthBytes = trialBytes * 2 / 5
	// sendBytes are gathered for one system call.
	sendBytes = 64 << 10
)

// frames writes bytes as the native protocol compresses them: in frames of their
// own length and method each. What LZ4 hardly packs goes as it is: identifiers
// and ciphertexts cost it more time than everything else, for a few bytes.
//
// Long slices are compressed where they lie, as one column each; short ones are
// gathered. It implements io.Writer. One goroutine uses it.
type frames struct {
	to     *bufio.Writer
	packed *compress.Writer
	stored *compress.Writer // nil: everything is packed
	short  []byte
}

// newFrames answers frames of a method; nil where blocks go without any.
func newFrames(to io.Writer, method ch.Compression) *frames {
	f := &frames{to: bufio.NewWriterSize(to, sendBytes)}
	switch method {
	case ch.CompressionDisabled:
	case ch.CompressionZSTD: // who asks for it has less of network than of processor
		f.packed = compress.NewWriter(compress.LevelZero, compress.ZSTD)
	default:
		f.packed = compress.NewWriter(compress.LevelZero, compress.LZ4)
		f.stored = compress.NewWriter(compress.LevelZero, compress.None)
	}
	return f
}

// Write takes p in; it is not needed afterwards.
func (f *frames) Write(p []byte) (int, error) {
	if f.packed == nil {
		return f.to.Write(p)
	}
	var err error
	if len(p) < trialBytes {
		f.short = append(f.short, p...)
		if len(f.short) >= frameBytes {
			err = f.cut()
		}
		return len(p), err
	}
	if err := f.cut(); err != nil {
		return 0, err
	}
	return len(p), f.column(p)
}

// column writes a long slice: as its first part does, so does the rest.
func (f *frames) column(p []byte) error {
	method := f.packed
	if f.stored != nil {
		if err := f.packed.Compress(p[:trialBytes]); err != nil {
			return fmt.Errorf("compress column: %w", err)
		}
		if len(f.packed.Data) > worthBytes {
			method = f.stored
		} else {
			p = p[trialBytes:]
			if _, err := f.to.Write(f.packed.Data); err != nil {
				return err
			}
		}
	}
	for part := range slices.Chunk(p, frameBytes) {
		if err := f.frame(method, part); err != nil {
			return err
		}
	}
	return nil
}

func (f *frames) frame(method *compress.Writer, part []byte) error {
	if err := method.Compress(part); err != nil {
		return fmt.Errorf("compress frame: %w", err)
	}
	_, err := f.to.Write(method.Data)
	return err
}

// cut makes a frame of what is gathered: a frame never goes on in the next packet.
func (f *frames) cut() error {
	if len(f.short) == 0 {
		return nil
	}
	err := f.frame(f.packed, f.short)
	f.short = f.short[:0]
	return err
}

// plain writes bytes that stand outside of frames.
func (f *frames) plain(p []byte) error {
	if err := f.cut(); err != nil {
		return err
	}
	_, err := f.to.Write(p)
	return err
}

// flush sends everything.
func (f *frames) flush() error {
	if err := f.cut(); err != nil {
		return err
	}
	return f.to.Flush()
}
