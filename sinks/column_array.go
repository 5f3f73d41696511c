package sinks

import "github.com/ClickHouse/ch-go/proto"

// arrayColumn is an Array column: where each row's elements end, and the
// elements of all rows one after another in a column of their own. A row is
// appended by appending its elements and then calling end.
type arrayColumn[C column] struct {
	typed
	ends     []uint64
	elements C
}

// end closes a row whose elements have been appended.
func (c *arrayColumn[C]) end() { c.ends = append(c.ends, uint64(c.elements.Rows())) }

func (c *arrayColumn[C]) pad(rows int) {
	for len(c.ends) < rows {
		c.end()
	}
}

func (c *arrayColumn[C]) pick(keep []bool) column {
	inner := make([]bool, c.elements.Rows())
	out := &arrayColumn[C]{typed: c.typed}
	start, kept := uint64(0), uint64(0)
	for i, k := range keep {
		if k {
			for e := start; e < c.ends[i]; e++ {
				inner[e] = true
			}
			kept += c.ends[i] - start
			out.ends = append(out.ends, kept)
		}
		start = c.ends[i]
	}
	out.elements = c.elements.pick(inner).(C)
	return out
}

func (c *arrayColumn[C]) reset()    { c.ends = c.ends[:0]; c.elements.reset() }
func (c *arrayColumn[C]) Rows() int { return len(c.ends) }

// EncodeState writes what the elements want before the column.
func (c *arrayColumn[C]) EncodeState(b *proto.Buffer) {
	if s, ok := any(c.elements).(proto.StateEncoder); ok {
		s.EncodeState(b)
	}
}

// EncodeColumn writes the ends, then the elements.
func (c *arrayColumn[C]) EncodeColumn(b *proto.Buffer) {
	b.Buf = append(b.Buf, wireBytes(c.ends)...)
	c.elements.EncodeColumn(b)
}

// WriteColumn writes what EncodeColumn does.
func (c *arrayColumn[C]) WriteColumn(w *proto.Writer) {
	w.ChainWrite(wireBytes(c.ends))
	c.elements.WriteColumn(w)
}
