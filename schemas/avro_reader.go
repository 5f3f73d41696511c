package schemas

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// avroReader reads Avro's binary encoding. The first fault sticks; after it
// every read answers zero. Texts are cut from one copy of the input, bytes
// alias it.
type avroReader struct {
	in      []byte
	at      int       // what of in has been read; one word to move on, where a slice takes three
	text    string    // the same bytes as in; texts are cut from it
	doubles []float64 // room for optional doubles; grown by a fresh chunk, never moved
	err     error
}

func readAvro(body []byte) avroReader { return avroReader{in: body, text: string(body)} }

func (r *avroReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = len(r.in)
}

// left is how many bytes have not been read.
func (r *avroReader) left() int { return len(r.in) - r.at }

func (r *avroReader) long() int64 {
	if r.at < len(r.in) {
		if b := r.in[r.at]; b < 0x80 {
			r.at++
			return int64(b>>1) ^ -int64(b&1)
		}
	}
	return r.longer()
}

func (r *avroReader) longer() int64 {
	v, n := binary.Varint(r.in[r.at:])
	if n <= 0 {
		if n < 0 {
			r.fail(errVarint)
		} else {
			r.fail(errCutShort)
		}
		return 0
	}
	r.at += n
	return v
}

func (r *avroReader) int() int32 {
	v := r.long()
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail(errOutOfRange)
		return 0
	}
	return int32(v)
}

// take answers the next n bytes.
func (r *avroReader) take(n int64) []byte {
	if n < 0 || n > int64(r.left()) {
		r.fail(errCutShort)
		return nil
	}
	start := r.at
	r.at += int(n)
	return r.in[start:r.at:r.at]
}

func (r *avroReader) str() string {
	n := r.long()
	if n < 0 || n > int64(r.left()) {
		r.fail(errCutShort)
		return ""
	}
	s := r.text[r.at : r.at+int(n)]
	r.at += int(n)
	if !utf8.ValidString(s) {
		r.fail(errNotUTF8)
		return ""
	}
	return s
}

// chars is str as bytes that alias the input.
func (r *avroReader) chars() []byte {
	b := r.take(r.long())
	if !utf8.Valid(b) {
		r.fail(errNotUTF8)
		return nil
	}
	return b
}

func (r *avroReader) bytes() []byte {
	b := r.take(r.long())
	return b
}

func (r *avroReader) double() float64 {
	b := r.take(8)
	if r.err != nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *avroReader) bool() bool {
	b := r.take(1)
	if r.err == nil && b[0] > 1 {
		r.fail(errOutOfRange)
	}
	return r.err == nil && b[0] == 1
}

func (r *avroReader) source() Source {
	return Source{Topic: r.str(), Partition: r.int(), Offset: r.long()}
}

// end answers the first fault, or that bytes are left.
func (r *avroReader) end() error {
	if r.err == nil && r.left() > 0 {
		r.err = errTrailing
	}
	return r.err
}
