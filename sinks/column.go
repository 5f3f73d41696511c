package sinks

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"
)

// column is one column of a block, kept in the very bytes that the native
// protocol sends, so that a block costs nothing more to build once its rows are
// in. A column may lag behind the block: pad fills rows that have no value of
// theirs with the column's empty value (an empty string, 0, null, no elements).
type column interface {
	proto.ColInput
	// pad appends empty values until the column has rows of them.
	pad(rows int)
	// pick answers a new column with the rows that keep marks.
	pick(keep []bool) column
	// reset empties the column and keeps its memory.
	reset()
}

// typed is the type that the server's table has for the column. The server says
// it before a block is sent; sending it back spares a conversion, and an enum
// that has gained values since keeps them.
type typed struct{ name proto.ColumnType }

// Infer takes the server's type.
func (t *typed) Infer(name proto.ColumnType) error { t.name = name; return nil }

// Type is the server's type.
func (t *typed) Type() proto.ColumnType { return t.name }

// strings is a String column: each value with its length before it.
type stringColumn struct {
	typed
	data []byte
	rows int
}

func (c *stringColumn) append(v string) {
	c.data = binary.AppendUvarint(c.data, uint64(len(v)))
	c.data = append(c.data, v...)
	c.rows++
}

func (c *stringColumn) appendBytes(v []byte) {
	c.data = binary.AppendUvarint(c.data, uint64(len(v)))
	c.data = append(c.data, v...)
	c.rows++
}

func (c *stringColumn) pad(rows int) {
	if missing := rows - c.rows; missing > 0 {
		c.data = append(c.data, make([]byte, missing)...) // a length of 0 is one zero byte
		c.rows = rows
	}
}

func (c *stringColumn) pick(keep []bool) column {
	out := &stringColumn{typed: c.typed}
	rest := c.data
	for _, k := range keep {
		size, n := binary.Uvarint(rest)
		value := rest[n : n+int(size)]
		rest = rest[n+int(size):]
		if k {
			out.appendBytes(value)
		}
	}
	return out
}

func (c *stringColumn) reset()                       { c.data, c.rows = c.data[:0], 0 }
func (c *stringColumn) Rows() int                    { return c.rows }
func (c *stringColumn) EncodeColumn(b *proto.Buffer) { b.Buf = append(b.Buf, c.data...) }
func (c *stringColumn) WriteColumn(w *proto.Writer)  { w.ChainWrite(c.data) }

// number is what a fixed-size column holds.
type number interface {
	~int8 | ~int32 | ~int64 | ~uint8 | ~uint64 | ~float64
}

// numberColumn is a column of fixed-size numbers; also of Enum8 (int8), Bool
// (uint8) and DateTime64(3) (int64, milliseconds).
type numberColumn[T number] struct {
	typed
	data []T
}

func (c *numberColumn[T]) append(v T) { c.data = append(c.data, v) }

func (c *numberColumn[T]) pad(rows int) {
	if missing := rows - len(c.data); missing > 0 {
		c.data = append(c.data, make([]T, missing)...)
	}
}

func (c *numberColumn[T]) pick(keep []bool) column {
	out := &numberColumn[T]{typed: c.typed}
	for i, k := range keep {
		if k {
			out.append(c.data[i])
		}
	}
	return out
}

func (c *numberColumn[T]) reset()                       { c.data = c.data[:0] }
func (c *numberColumn[T]) Rows() int                    { return len(c.data) }
func (c *numberColumn[T]) EncodeColumn(b *proto.Buffer) { b.Buf = append(b.Buf, wireBytes(c.data)...) }
func (c *numberColumn[T]) WriteColumn(w *proto.Writer)  { w.ChainWrite(wireBytes(c.data)) }

// wireBytes are numbers as ClickHouse sends them: little-endian, which is how
// every machine that this builds for holds them.
func wireBytes[T number](data []T) []byte {
	if len(data) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), len(data)*int(unsafe.Sizeof(data[0])))
}

// absent is the mask of rows that are null.
var absent = bytes.Repeat([]byte{1}, 4096)

// nullableColumn is a Nullable column of numbers: a mask, then the values.
type nullableColumn[T number] struct {
	typed
	nulls  []byte
	values numberColumn[T]
}

func (c *nullableColumn[T]) append(v *T) {
	if v == nil {
		c.pad(len(c.nulls) + 1)
		return
	}
	c.nulls = append(c.nulls, 0)
	c.values.append(*v)
}

func (c *nullableColumn[T]) pad(rows int) {
	for missing := rows - len(c.nulls); missing > 0; missing = rows - len(c.nulls) {
		c.nulls = append(c.nulls, absent[:min(missing, len(absent))]...)
	}
	c.values.pad(rows)
}

func (c *nullableColumn[T]) pick(keep []bool) column {
	out := &nullableColumn[T]{typed: c.typed}
	for i, k := range keep {
		if k {
			out.nulls = append(out.nulls, c.nulls[i])
			out.values.append(c.values.data[i])
		}
	}
	return out
}

func (c *nullableColumn[T]) reset()    { c.nulls = c.nulls[:0]; c.values.reset() }
func (c *nullableColumn[T]) Rows() int { return len(c.nulls) }

func (c *nullableColumn[T]) EncodeColumn(b *proto.Buffer) {
	b.Buf = append(b.Buf, c.nulls...)
	c.values.EncodeColumn(b)
}

func (c *nullableColumn[T]) WriteColumn(w *proto.Writer) {
	w.ChainWrite(c.nulls)
	c.values.WriteColumn(w)
}

// dictionaryColumn is a LowCardinality(String) column: each distinct value once,
// and for each row the number of its value. Number 0 is the empty string.
type dictionaryColumn struct {
	typed
	numbers map[string]uint32
	texts   []string // by number; the map's own keys
	values  stringColumn
	keys    []uint32
	last    uint32 // the number that was appended last: often it comes again
}

func newDictionary() *dictionaryColumn {
	c := &dictionaryColumn{numbers: make(map[string]uint32)}
	c.reset()
	return c
}

func (c *dictionaryColumn) append(v string) {
	if v != c.texts[c.last] {
		number, ok := c.numbers[v]
		if !ok {
			number = c.learn(v)
		}
		c.last = number
	}
	c.keys = append(c.keys, c.last)
}

// learn takes a copy: the value may be a piece of a record.
func (c *dictionaryColumn) learn(v string) uint32 {
	v = strings.Clone(v)
	number := uint32(c.values.rows)
	c.numbers[v] = number
	c.texts = append(c.texts, v)
	c.values.append(v)
	return number
}

func (c *dictionaryColumn) pad(rows int) {
	if missing := rows - len(c.keys); missing > 0 {
		c.keys = append(c.keys, make([]uint32, missing)...)
	}
}

func (c *dictionaryColumn) pick(keep []bool) column {
	out := newDictionary()
	out.typed = c.typed
	for i, k := range keep {
		if k {
			out.append(c.texts[c.keys[i]])
		}
	}
	return out
}

func (c *dictionaryColumn) reset() {
	clear(c.numbers)
	clear(c.texts)
	c.values.reset()
	c.texts, c.keys, c.last = c.texts[:0], c.keys[:0], 0
	c.learn("")
}

func (c *dictionaryColumn) Rows() int { return len(c.keys) }

const (
	dictionaryVersion = 1        // keys come with the dictionary they belong to
	dictionaryUpdate  = 3 << 9   // additional keys, replacing what was known
	keyWidth8         = int64(0) // UInt8, UInt16, UInt32
	keyWidth16        = int64(1)
	keyWidth32        = int64(2)
)

// EncodeState writes what stands before the column, arrays' offsets included.
func (c *dictionaryColumn) EncodeState(b *proto.Buffer) { b.PutInt64(dictionaryVersion) }

// EncodeColumn writes dictionary and keys, the keys as narrow as they can be.
func (c *dictionaryColumn) EncodeColumn(b *proto.Buffer) {
	if len(c.keys) == 0 {
		return
	}
	size := c.encodeValues(b, len(c.keys))
	out := extend(b, len(c.keys)*size)
	for i, k := range c.keys {
		putKey(out[i*size:], k, size)
	}
}

// encodeValues writes what stands before the keys of so many rows, and answers
// the size of a key.
func (c *dictionaryColumn) encodeValues(b *proto.Buffer, rows int) (size int) {
	width := keyWidth32
	switch {
	case c.values.rows <= math.MaxUint8:
		width = keyWidth8
	case c.values.rows <= math.MaxUint16:
		width = keyWidth16
	}
	b.PutInt64(dictionaryUpdate | width)
	b.PutInt64(int64(c.values.rows))
	c.values.EncodeColumn(b)
	b.PutInt64(int64(rows))
	return 1 << width
}

func putKey(to []byte, key uint32, size int) {
	switch size {
	case 1:
		to[0] = byte(key)
	case 2:
		binary.LittleEndian.PutUint16(to, uint16(key))
	default:
		binary.LittleEndian.PutUint32(to, key)
	}
}

// WriteColumn writes what EncodeColumn does.
func (c *dictionaryColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }
