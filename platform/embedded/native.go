package embedded

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Bounds on what a peer may claim; beyond them a block is refused, not allocated.
const (
	maxBlockColumns = 10_000
	maxBlockRows    = 100_000_000
	maxStringBytes  = 1 << 30
	maxNameBytes    = 1 << 20
)

// column is a column's name and ClickHouse type.
type column struct{ name, kind string }

// block is what a copied block said of itself.
type block struct {
	columns []column
	rows    int
}

// copier moves Native blocks from in to out, walking over their values just enough to find where each ends.
// The native protocol carries one byte a column more than the Native file format (whether the column is serialized in a
// custom way: never here); inFlags and outFlags say on which side it stands.
type copier struct {
	in                *bufio.Reader
	out               io.Writer
	inFlags, outFlags bool

	pending []byte // what is not written to out yet
}

const copierChunk = 1 << 20

// copyBlock moves one block. io.EOF means that in ended before it.
func (c *copier) copyBlock() (block, error) {
	if _, err := c.in.Peek(1); err != nil {
		return block{}, err
	}
	var b block
	n, err := c.uvarint(maxBlockColumns)
	if err != nil {
		return b, fmt.Errorf("read columns: %w", err)
	}
	if b.rows, err = c.uvarint(maxBlockRows); err != nil {
		return b, fmt.Errorf("read rows: %w", err)
	}
	for range n {
		col, err := c.column(b.rows)
		if err != nil {
			return b, err
		}
		b.columns = append(b.columns, col)
	}
	return b, c.flush()
}

func (c *copier) column(rows int) (column, error) {
	name, err := c.text()
	if err != nil {
		return column{}, fmt.Errorf("read column name: %w", err)
	}
	kind, err := c.text()
	if err != nil {
		return column{}, fmt.Errorf("read column type: %w", err)
	}
	if err := c.flag(); err != nil {
		return column{}, fmt.Errorf("column %s: %w", name, err)
	}
	if rows == 0 {
		return column{name, kind}, nil
	}
	shape, err := layoutOf(kind)
	if err != nil {
		return column{}, fmt.Errorf("column %s: %w", name, err)
	}
	if err := c.prefix(shape); err != nil {
		return column{}, fmt.Errorf("column %s: %w", name, err)
	}
	if err := c.values(shape, rows); err != nil {
		return column{}, fmt.Errorf("column %s: %w", name, err)
	}
	return column{name, kind}, nil
}

// flag drops or adds the custom-serialization byte.
func (c *copier) flag() error {
	if c.inFlags {
		custom, err := c.in.ReadByte()
		if err != nil {
			return err
		}
		if custom != 0 {
			return fmt.Errorf("custom serialization %d is not supported", custom)
		}
	}
	if c.outFlags {
		c.pending = append(c.pending, 0)
	}
	return nil
}

// prefix moves what stands before the values: the version of each dictionary, in the type's order.
func (c *copier) prefix(l *layout) error {
	if l.kind == lowCardinalityLayout {
		return c.raw(8)
	}
	for _, inner := range l.of {
		if err := c.prefix(inner); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) values(l *layout, rows int) error {
	switch l.kind {
	case fixedLayout:
		return c.raw(l.width * rows)
	case stringLayout:
		return c.strings(rows)
	case nullableLayout:
		if err := c.raw(rows); err != nil {
			return err
		}
		return c.values(l.of[0], rows)
	case arrayLayout:
		return c.array(l.of[0], rows)
	case lowCardinalityLayout:
		return c.lowCardinality(l.of[0], rows)
	}
	for _, element := range l.of {
		if err := c.values(element, rows); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) strings(rows int) error {
	for range rows {
		n, err := c.uvarint(maxStringBytes)
		if err != nil {
			return err
		}
		if err := c.raw(n); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) array(of *layout, rows int) error {
	if rows == 0 {
		return nil
	}
	if err := c.raw(8 * (rows - 1)); err != nil {
		return err
	}
	last, err := c.uint64()
	if err != nil {
		return err
	}
	if last > maxBlockRows {
		return fmt.Errorf("array of %d values in one block", last)
	}
	return c.values(of, int(last))
}

// lowCardinality moves a dictionary and the indexes into it. The low byte of its first word is the width of an index.
func (c *copier) lowCardinality(of *layout, rows int) error {
	if rows == 0 {
		return nil
	}
	const additionalKeys = 1 << 9
	kind, err := c.uint64()
	if err != nil {
		return err
	}
	width := kind & 0xff
	if width > 3 || kind&additionalKeys == 0 {
		return fmt.Errorf("dictionary of kind %#x is not supported", kind)
	}
	keys, err := c.uint64()
	if err != nil {
		return err
	}
	if keys > maxBlockRows {
		return fmt.Errorf("dictionary of %d keys", keys)
	}
	if err := c.values(of, int(keys)); err != nil {
		return err
	}
	indexes, err := c.uint64()
	if err != nil {
		return err
	}
	if indexes != uint64(rows) {
		return fmt.Errorf("dictionary with %d indexes for %d values", indexes, rows)
	}
	return c.raw(rows << width)
}

func (c *copier) uint64() (uint64, error) {
	raw, err := c.in.Peek(8)
	if err != nil {
		return 0, noEOF(err)
	}
	v := binary.LittleEndian.Uint64(raw)
	return v, c.raw(8)
}

func (c *copier) uvarint(limit int) (int, error) {
	v, err := binary.ReadUvarint(c.in)
	if err != nil {
		return 0, noEOF(err)
	}
	if v > uint64(limit) {
		return 0, fmt.Errorf("%d is beyond the limit of %d", v, limit)
	}
	c.pending = binary.AppendUvarint(c.pending, v)
	return int(v), nil
}

func (c *copier) text() (string, error) {
	n, err := c.uvarint(maxNameBytes)
	if err != nil {
		return "", err
	}
	buf := make([]byte, n)
	if _, err := io.ReadFull(c.in, buf); err != nil {
		return "", noEOF(err)
	}
	c.pending = append(c.pending, buf...)
	return string(buf), nil
}

// raw moves n bytes.
func (c *copier) raw(n int) error {
	for n > 0 {
		if len(c.pending) >= copierChunk {
			if err := c.flush(); err != nil {
				return err
			}
		}
		if c.in.Buffered() == 0 {
			if _, err := c.in.Peek(1); err != nil {
				return noEOF(err)
			}
		}
		part, err := c.in.Peek(min(n, c.in.Buffered()))
		if err != nil {
			return noEOF(err)
		}
		c.pending = append(c.pending, part...)
		if _, err := c.in.Discard(len(part)); err != nil {
			return err
		}
		n -= len(part)
	}
	return nil
}

func (c *copier) flush() error {
	_, err := c.out.Write(c.pending)
	c.pending = c.pending[:0]
	return err
}

// noEOF turns an end inside a block into what it is: a block cut short.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// layouts keeps what was parsed: types repeat with every block. Its size is bounded, since a peer chooses the texts.
var layouts = struct {
	sync.Mutex
	known map[string]*layout
}{known: map[string]*layout{}}

const maxKnownLayouts = 4096

func layoutOf(kind string) (*layout, error) {
	layouts.Lock()
	defer layouts.Unlock()
	if l, ok := layouts.known[kind]; ok {
		return l, nil
	}
	l, err := parseLayout(kind)
	if err != nil {
		return nil, err
	}
	if len(layouts.known) >= maxKnownLayouts {
		clear(layouts.known)
	}
	layouts.known[kind] = l
	return l, nil
}
