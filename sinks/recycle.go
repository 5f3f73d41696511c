package sinks

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recycler lends the client memory for what it fetches: a batch's records and
// their decompressed bytes. A record goes back by Recycle, once its row is in a
// block's columns, which hold copies; when the last record of a batch has, the
// batch's memory is lent again. What is never given back (a rejected record, a
// partition that was handed over) is the garbage collector's.
//
// It implements kgo's pools and its Decompressor. Safe for concurrent use.
type recycler struct {
	inner   kgo.Decompressor
	bytes   sync.Pool // of *[]byte
	records sync.Pool // of *[]kgo.Record
	ratio   atomic.Uint64
}

func newRecycler() *recycler {
	r := &recycler{}
	r.inner = kgo.DefaultDecompressor(r)
	return r
}

func (r *recycler) options() []kgo.Opt {
	return []kgo.Opt{kgo.WithPools(r), kgo.WithDecompressor(r)}
}

// Decompress is kgo's own but for LZ4, and learns by how much batches grow.
func (r *recycler) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	out, err := r.unpack(src, codec)
	if err == nil && len(src) > 0 {
		seen := float64(len(out)) / float64(len(src))
		// Decays, so that one batch of zeros does not make every later one large.
		r.ratio.Store(math.Float64bits(max(seen, 0.95*math.Float64frombits(r.ratio.Load()))))
	}
	return out, err
}

func (r *recycler) unpack(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if codec == kgo.CodecLz4 {
		lent := r.GetDecompressBytes(src, codec)
		if out, ok := unpackFrame(lent[:0], src); ok {
			return out, nil
		}
		r.PutDecompressBytes(lent)
	}
	return r.inner.Decompress(src, codec)
}

// GetDecompressBytes answers room for as much as batches of late have grown to.
func (r *recycler) GetDecompressBytes(src []byte, _ kgo.CompressionCodecType) []byte {
	// The decompressor wants 512 bytes free to find the end.
	need := min(int(1.1*math.Float64frombits(r.ratio.Load())*float64(len(src)))+1024, maxLent)
	if b, ok := r.bytes.Get().(*[]byte); ok && cap(*b) >= need {
		return *b
	}
	return make([]byte, 0, need)
}

// PutDecompressBytes takes it back.
func (r *recycler) PutDecompressBytes(b []byte) {
	if cap(b) <= maxLent {
		r.bytes.Put(&b)
	}
}

// GetRecords answers room for a batch's records.
func (r *recycler) GetRecords(n int) []kgo.Record {
	if records, ok := r.records.Get().(*[]kgo.Record); ok && cap(*records) >= n {
		return *records
	}
	return make([]kgo.Record, n)
}

// PutRecords takes it back.
func (r *recycler) PutRecords(records []kgo.Record) { r.records.Put(&records) }

// maxLent bounds what one batch's bytes keep from the garbage collector.
const maxLent = 8 << 20
