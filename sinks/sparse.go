package sinks

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"
)

// spreadable is a column that can be sent as if its values stood in some of the
// block's rows and the others were empty.
type spreadable interface {
	column
	// spread appends what EncodeColumn would, were value i that of row at[i], the
	// other rows of them empty.
	spread(b *proto.Buffer, at []uint32, rows int)
	// lay answers that column.
	lay(at []uint32, rows int) column
}

// kind is the columns of one kind of record, which most rows of a block are not
// of. They hold the values of those rows that are, and are spread over the block
// only when it is sent: that one reaches for as many places in memory as there are
// columns once for each block, not for each row.
type kind struct {
	at      []uint32 // the rows that are of this kind
	columns group
}

func newKind(columns group) *kind {
	k := &kind{}
	for _, c := range columns {
		k.columns = append(k.columns, namedColumn{c.name, &sparseColumn{spreadable: c.column.(spreadable), at: &k.at}})
	}
	return k
}

// begin says that the row's values are appended next, one to each column.
func (k *kind) begin(row int) { k.at = append(k.at, uint32(row)) }

// sparseColumn is a column of a kind. Its values are appended to the column inside.
type sparseColumn struct {
	spreadable
	at   *[]uint32
	rows int
}

// Rows are the block's, once it is padded; 0 where no row is of the kind.
func (c *sparseColumn) Rows() int {
	if len(*c.at) == 0 {
		return 0
	}
	return max(c.rows, int((*c.at)[len(*c.at)-1])+1)
}

func (c *sparseColumn) pad(rows int) { c.rows = rows }

func (c *sparseColumn) pick(keep []bool) column {
	return c.lay(*c.at, c.Rows()).pick(keep)
}

func (c *sparseColumn) reset() {
	c.spreadable.reset()
	*c.at, c.rows = (*c.at)[:0], 0
}

// Infer hands the server's type on.
func (c *sparseColumn) Infer(name proto.ColumnType) error {
	return c.spreadable.(proto.Inferable).Infer(name)
}

// EncodeState writes what the column inside wants before it, if anything.
func (c *sparseColumn) EncodeState(b *proto.Buffer) {
	if s, ok := c.spreadable.(proto.StateEncoder); ok {
		s.EncodeState(b)
	}
}

// EncodeColumn writes all rows.
func (c *sparseColumn) EncodeColumn(b *proto.Buffer) { c.spread(b, *c.at, c.Rows()) }

// WriteColumn writes what EncodeColumn does.
func (c *sparseColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

// extend appends n zero bytes and answers them.
func extend(b *proto.Buffer, n int) []byte {
	start := len(b.Buf)
	b.Buf = append(b.Buf, make([]byte, n)...)
	return b.Buf[start:]
}

func (c *numberColumn[T]) spread(b *proto.Buffer, at []uint32, rows int) {
	values := wireBytes(c.data)
	size := len(values) / max(1, len(c.data))
	out := extend(b, rows*size)
	for i, row := range at {
		copy(out[int(row)*size:], values[i*size:(i+1)*size])
	}
}

func (c *numberColumn[T]) lay(at []uint32, rows int) column {
	out := &numberColumn[T]{typed: c.typed}
	for i, row := range at {
		out.pad(int(row))
		out.append(c.data[i])
	}
	out.pad(rows)
	return out
}

func (c *nullableColumn[T]) spread(b *proto.Buffer, at []uint32, rows int) {
	nulls := extend(b, rows)
	for rest := nulls; len(rest) > 0; rest = rest[min(len(rest), len(absent)):] {
		copy(rest, absent)
	}
	for i, row := range at {
		nulls[row] = c.nulls[i]
	}
	c.values.spread(b, at, rows)
}

func (c *nullableColumn[T]) lay(at []uint32, rows int) column {
	out := &nullableColumn[T]{typed: c.typed}
	for i, row := range at {
		out.pad(int(row))
		out.nulls = append(out.nulls, c.nulls[i])
		out.values.append(c.values.data[i])
	}
	out.pad(rows)
	return out
}

func (c *stringColumn) spread(b *proto.Buffer, at []uint32, rows int) {
	rest, next := c.data, 0
	for _, row := range at {
		extend(b, int(row)-next) // a length of 0 is one zero byte
		size, n := binary.Uvarint(rest)
		b.Buf = append(b.Buf, rest[:n+int(size)]...)
		rest, next = rest[n+int(size):], int(row)+1
	}
	extend(b, rows-next)
}

func (c *stringColumn) lay(at []uint32, rows int) column {
	var b proto.Buffer
	c.spread(&b, at, rows)
	return &stringColumn{typed: c.typed, data: b.Buf, rows: rows}
}

func (c *dictionaryColumn) spread(b *proto.Buffer, at []uint32, rows int) {
	size := c.encodeValues(b, rows)
	out := extend(b, rows*size)
	for i, row := range at {
		putKey(out[int(row)*size:], c.keys[i], size)
	}
}

func (c *dictionaryColumn) lay(at []uint32, rows int) column {
	out := newDictionary()
	out.typed = c.typed
	for i, row := range at {
		out.pad(int(row))
		out.append(c.texts[c.keys[i]])
	}
	out.pad(rows)
	return out
}

func (c *arrayColumn[C]) spread(b *proto.Buffer, at []uint32, rows int) {
	c.laid(at, rows).EncodeColumn(b)
}

func (c *arrayColumn[C]) lay(at []uint32, rows int) column { return c.laid(at, rows) }

// laid shares the elements: rows without any do not show in them.
func (c *arrayColumn[C]) laid(at []uint32, rows int) *arrayColumn[C] {
	out := &arrayColumn[C]{typed: c.typed, elements: c.elements, ends: make([]uint64, 0, rows)}
	end := uint64(0)
	for i, row := range at {
		for len(out.ends) < int(row) {
			out.ends = append(out.ends, end)
		}
		end = c.ends[i]
		out.ends = append(out.ends, end)
	}
	for len(out.ends) < rows {
		out.ends = append(out.ends, end)
	}
	return out
}
