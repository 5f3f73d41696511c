package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// insert sends the client the table's columns, takes its blocks, and hands them to the engine as one file: data in the
// text of an INSERT is cut short at some bytes, a file is not.
func (c *conn) insert(ins insertStatement) error {
	columns, err := c.insertColumns(ins)
	if err != nil {
		return err
	}
	if err := c.sendBlock(encodeHeader(columns, c.revision)); err != nil {
		return err
	}
	c.files++
	path := filepath.Join(c.server.scratch, fmt.Sprintf("%p-%d.native", c, c.files))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make block file: %w", err)
	}
	defer os.Remove(path)
	got, err := c.collect(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got.rows == 0 {
		return nil
	}
	return c.handOver(ins, got, path)
}

// insertColumns asks the engine for the columns that an INSERT fills.
func (c *conn) insertColumns(ins insertStatement) ([]column, error) {
	list := ins.columns
	if list == "" {
		list = "*"
	}
	rows, err := c.session.texts("DESCRIBE TABLE (SELECT " + list + " FROM " + ins.table + ")")
	if err != nil {
		return nil, err
	}
	columns := make([]column, len(rows))
	for i, r := range rows {
		columns[i] = column{r[0], r[1]}
	}
	return columns, nil
}

// collect writes the client's blocks to f until the empty one. What it gives has the columns of the first, and the
// rows of all.
func (c *conn) collect(f *os.File) (block, error) {
	var all block
	for {
		code, err := c.reader.UVarInt()
		if err != nil {
			return all, err
		}
		switch proto.ClientCode(code) {
		case proto.ClientCodeData:
		case proto.ClientCodeCancel:
			return all, &exception{queryCancelled, "Query was canceled. (QUERY_WAS_CANCELLED)"}
		default:
			return all, fmt.Errorf("packet %d where a block was due", code)
		}
		b, err := c.receive(f)
		if err != nil {
			return all, err
		}
		if len(b.columns) == 0 {
			return all, nil
		}
		if all.columns == nil {
			all.columns = b.columns
		}
		all.rows += b.rows
	}
}

// handOver lets the engine insert the file.
func (c *conn) handOver(ins insertStatement, b block, path string) error {
	names, structure := make([]string, len(b.columns)), make([]string, len(b.columns))
	for i, col := range b.columns {
		names[i] = quoteName(col.name)
		structure[i] = names[i] + " " + col.kind
	}
	list := strings.Join(names, ", ")
	var s strings.Builder
	fmt.Fprintf(&s, "INSERT INTO %s (%s) ", ins.table, list)
	if ins.settings != "" {
		fmt.Fprintf(&s, "SETTINGS %s ", ins.settings)
	}
	fmt.Fprintf(&s, "SELECT %s FROM file(%s, Native, %s)", list, quoteText(path), quoteText(strings.Join(structure, ", ")))
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at block file: %w", err)
	}
	if err := c.session.exec(s.String()); err != nil {
		return err
	}
	var out proto.Buffer
	proto.ServerCodeProgress.Encode(&out)
	proto.Progress{WroteRows: uint64(b.rows), WroteBytes: uint64(info.Size())}.EncodeAware(&out, c.revision)
	return c.send(&out)
}
