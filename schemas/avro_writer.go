package schemas

import (
	"encoding/binary"
	"math"
)

// The appenders below write Avro's binary encoding for the records that are
// hot enough to be compiled by hand; goavro is what they are checked against.

func appendLong(dst []byte, v int64) []byte { return binary.AppendVarint(dst, v) }

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendVarint(dst, int64(len(b))), b...)
}

func appendDouble(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// Branches of a union of null and something else, and an enum's number, as
// Avro writes them: zigzag, so 1 is the byte 2.
const (
	branchNull  = 0
	branchValue = 2
)

func appendEnum(dst []byte, n uint8) []byte { return append(dst, n<<1) } // up to 63 symbols

// appendOptionalText writes null for the empty text.
func appendOptionalText(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, branchNull)
	}
	return appendText(append(dst, branchValue), s)
}

// appendOptionalBytes writes null for nil, and keeps empty bytes.
func appendOptionalBytes(dst, b []byte) []byte {
	if b == nil {
		return append(dst, branchNull)
	}
	return appendBytes(append(dst, branchValue), b)
}

func appendOptionalDouble(dst []byte, f *float64) []byte {
	if f == nil {
		return append(dst, branchNull)
	}
	return appendDouble(append(dst, branchValue), *f)
}

func appendOptionalLong(dst []byte, n *int64) []byte {
	if n == nil {
		return append(dst, branchNull)
	}
	return appendLong(append(dst, branchValue), *n)
}

func appendSource(dst []byte, s *Source) []byte {
	dst = appendText(dst, s.Topic)
	dst = appendLong(dst, int64(s.Partition))
	return appendLong(dst, s.Offset)
}
