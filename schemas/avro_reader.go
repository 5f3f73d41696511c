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
	rest    []byte
	text    string    // the same bytes as rest's whole input; texts are cut from it
	doubles []float64 // room for optional doubles; grown by a fresh chunk, never moved
	err     error
}

func readAvro(body []byte) avroReader { return avroReader{rest: body, text: string(body)} }

func (r *avroReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *avroReader) long() int64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		u := uint64(r.rest[0])
		r.rest = r.rest[1:]
		return int64(u>>1) ^ -int64(u&1)
	}
	return r.longer()
}

func (r *avroReader) longer() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		if n < 0 {
			r.fail(errVarint)
		} else {
			r.fail(errCutShort)
		}
		return 0
	}
	r.rest = r.rest[n:]
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

// take answers the next n bytes and where in text they begin.
func (r *avroReader) take(n int64) (b []byte, at int) {
	if n < 0 || n > int64(len(r.rest)) {
		r.fail(errCutShort)
		return nil, 0
	}
	b = r.rest[:n:n]
	at = len(r.text) - len(r.rest)
	r.rest = r.rest[n:]
	return b, at
}

func (r *avroReader) str() string {
	b, at := r.take(r.long())
	if r.err != nil {
		return ""
	}
	s := r.text[at : at+len(b)]
	if !utf8.ValidString(s) {
		r.fail(errNotUTF8)
		return ""
	}
	return s
}

// chars is str as bytes that alias the input.
func (r *avroReader) chars() []byte {
	b, _ := r.take(r.long())
	if !utf8.Valid(b) {
		r.fail(errNotUTF8)
		return nil
	}
	return b
}

func (r *avroReader) bytes() []byte {
	b, _ := r.take(r.long())
	return b
}

func (r *avroReader) double() float64 {
	b, _ := r.take(8)
	if r.err != nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *avroReader) bool() bool {
	b, _ := r.take(1)
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
	if r.err == nil && len(r.rest) > 0 {
		r.err = errTrailing
	}
	return r.err
}
