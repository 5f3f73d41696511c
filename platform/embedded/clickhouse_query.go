package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// query reads a query and answers it. An error is the connection's end; what the engine says goes to the client.
func (c *conn) query() error {
	var q proto.Query
	if err := q.DecodeAware(c.reader, c.revision); err != nil {
		return fmt.Errorf("read query: %w", err)
	}
	c.compressed = q.Compression == proto.CompressionEnabled
	if err := c.expectEmptyBlock(); err != nil {
		return c.answer(err)
	}
	if err := c.apply(q); err != nil {
		return c.answer(err)
	}
	if insert, ok := parseInsert(q.Body); ok {
		return c.answer(c.insert(insert))
	}
	return c.answer(c.execute(q.Body))
}

// answer ends a query: with the exception, or with the end of the stream. An error of the connection passes through.
func (c *conn) answer(err error) error {
	var e *exception
	switch {
	case errors.As(err, &e):
		return c.sendException(e)
	case err != nil:
		return err
	}
	var b proto.Buffer
	proto.ServerCodeEndOfStream.Encode(&b)
	return c.send(&b)
}

// expectEmptyBlock reads the blocks of external tables, which end with an empty one; there must be none.
func (c *conn) expectEmptyBlock() error {
	var refused error
	for {
		code, err := c.reader.UVarInt()
		if err != nil {
			return err
		}
		if proto.ClientCode(code) != proto.ClientCodeData {
			return fmt.Errorf("packet %d where a block was due", code)
		}
		b, err := c.receive(io.Discard)
		if err != nil {
			return err
		}
		if len(b.columns) == 0 {
			return refused
		}
		refused = &exception{notImplemented, "External tables are not supported. (NOT_IMPLEMENTED)"}
	}
}

// receive moves one block of the client's, without what frames it, to out.
func (c *conn) receive(out io.Writer) (block, error) {
	if _, err := c.reader.Str(); err != nil { // the table's name
		return block{}, fmt.Errorf("read block: %w", err)
	}
	in := c.raw
	if c.compressed {
		in = c.unpacked
	}
	if err := skipBlockInfo(in); err != nil {
		return block{}, fmt.Errorf("read block: %w", err)
	}
	cp := copier{in: in, out: out, inFlags: proto.FeatureCustomSerialization.In(c.revision)}
	b, err := cp.copyBlock()
	if err != nil {
		return b, fmt.Errorf("read block: %w", err)
	}
	return b, nil
}

func (c *conn) skipBlock() error {
	_, err := c.receive(io.Discard)
	return err
}

// skipBlockInfo reads the numbered fields before a block: 1 is a bool, 2 an int32, 0 the end.
func skipBlockInfo(in *bufio.Reader) error {
	for {
		field, err := in.ReadByte()
		if err != nil {
			return err
		}
		switch field {
		case 0:
			return nil
		case 1:
			_, err = in.Discard(1)
		case 2:
			_, err = in.Discard(4)
		default:
			return fmt.Errorf("unknown field %d of block info", field)
		}
		if err != nil {
			return err
		}
	}
}

// apply brings the session to the query's settings and parameters, and takes back those of the query before.
func (c *conn) apply(q proto.Query) error {
	wanted := make(map[string]string, len(q.Settings)+len(q.Parameters))
	for _, s := range q.Settings {
		wanted[s.Key] = quoteText(s.Value)
	}
	for _, p := range q.Parameters {
		wanted["param_"+p.Key] = p.Value // it comes as a quoted text
	}
	var changes []string
	for name := range c.settings {
		if _, ok := wanted[name]; !ok && !strings.HasPrefix(name, "param_") {
			changes = append(changes, name+" = DEFAULT")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if !isSettingName(name) {
			return &exception{115, fmt.Sprintf("Setting %q is neither a builtin setting nor started with the prefix 'SQL_' registered for user-defined settings. (UNKNOWN_SETTING)", name)}
		}
		if c.settings[name] != wanted[name] {
			changes = append(changes, name+" = "+wanted[name])
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if err := c.session.exec("SET " + strings.Join(changes, ", ")); err != nil {
		return err
	}
	c.settings = wanted
	return nil
}

func isSettingName(name string) bool {
	for _, r := range name {
		if r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return name != ""
}

// execute runs a statement and sends the answer's blocks as they come.
func (c *conn) execute(statement string) error {
	gone, stop := c.watchCancel()
	defer stop()
	out := answer{conn: c, statement: statement}
	if !mayStream(statement) {
		return out.whole()
	}
	s, err := c.session.start(statement)
	if err != nil {
		if e := (*exception)(nil); errors.As(err, &e) && strings.Contains(e.message, "Streaming query is not supported") {
			return out.whole()
		}
		return err
	}
	defer s.close()
	for {
		part, err := s.next()
		if err != nil {
			return err
		}
		if gone.Load() {
			part.free()
			s.cancel()
			return &exception{queryCancelled, "Query was canceled. (QUERY_WAS_CANCELLED)"}
		}
		more, err := out.part(part)
		if err != nil || !more {
			return errors.Join(err, out.end())
		}
	}
}

// mayStream says whether a statement is one whose answer the engine can give block by block.
func mayStream(statement string) bool {
	word := firstWord(statement)
	return word == "SELECT" || word == "WITH"
}

// answer is a running query's, on its way to the client.
type answer struct {
	conn      *conn
	statement string
	started   bool // the header block has left
	rows      int
	blocks    int
	bytes     int
	read      proto.Progress
}

// whole runs the statement to its end before anything is sent.
func (a *answer) whole() error {
	r, err := a.conn.session.run(a.statement)
	if err != nil {
		return err
	}
	if _, err := a.part(r); err != nil {
		return err
	}
	return a.end()
}

// part sends the blocks of one part and frees it; false means that it was the last.
func (a *answer) part(r result) (more bool, err error) {
	defer r.free()
	a.read.Rows += a.conn.session.engine.rowsRead(r.handle)
	a.read.Bytes += a.conn.session.engine.bytesRead(r.handle)
	raw := r.bytes()
	if len(raw) == 0 {
		return false, nil
	}
	var native bytes.Buffer
	cp := copier{in: bufio.NewReaderSize(bytes.NewReader(raw), 64<<10), out: &native, outFlags: proto.FeatureCustomSerialization.In(a.conn.revision)}
	for {
		native.Reset()
		b, err := cp.copyBlock()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, &exception{notImplemented, fmt.Sprintf("The answer cannot be carried: %v. (NOT_IMPLEMENTED)", err)}
		}
		if err := a.block(b, native.Bytes()); err != nil {
			return false, err
		}
	}
}

func (a *answer) block(b block, native []byte) error {
	if !a.started {
		a.started = true
		if err := a.conn.sendBlock(encodeHeader(b.columns, a.conn.revision)); err != nil {
			return err
		}
	}
	a.rows += b.rows
	a.blocks++
	a.bytes += len(native)
	return a.conn.sendBlock(native)
}

// end sends the header of an answer without rows, and the figures.
func (a *answer) end() error {
	if !a.started && givesRows(a.statement) {
		if err := a.conn.sendBlock(encodeHeader(a.conn.describe(a.statement), a.conn.revision)); err != nil {
			return err
		}
	}
	var b proto.Buffer
	proto.ServerCodeProgress.Encode(&b)
	a.read.EncodeAware(&b, a.conn.revision)
	proto.Profile{Rows: uint64(a.rows), Blocks: uint64(a.blocks), Bytes: uint64(a.bytes)}.EncodeAware(&b, a.conn.revision)
	return a.conn.send(&b)
}

// describe gives the columns of a query that gave no rows; none if it is not one that can be described.
func (c *conn) describe(query string) []column {
	rows, err := c.session.texts("DESCRIBE TABLE (" + strings.TrimRight(strings.TrimSpace(query), ";") + "\n)")
	if err != nil {
		return nil
	}
	columns := make([]column, len(rows))
	for i, r := range rows {
		columns[i] = column{r[0], r[1]}
	}
	return columns
}

// encodeHeader is a block without rows.
func encodeHeader(columns []column, revision int) []byte {
	var b proto.Buffer
	b.PutInt(len(columns))
	b.PutInt(0)
	for _, col := range columns {
		b.PutString(col.name)
		b.PutString(col.kind)
		if proto.FeatureCustomSerialization.In(revision) {
			b.PutBool(false)
		}
	}
	return b.Buf
}

// sendBlock frames a block and sends it, compressed if the query asked for that.
func (c *conn) sendBlock(native []byte) error {
	var head, body proto.Buffer
	proto.ServerCodeData.Encode(&head)
	head.PutString("")
	proto.BlockInfo{BucketNum: -1}.Encode(&body)
	body.PutRaw(native)
	if !c.compressed {
		head.PutRaw(body.Buf)
		return c.send(&head)
	}
	for part := range slices.Chunk(body.Buf, copierChunk) {
		if err := c.compressor.Compress(part); err != nil {
			return fmt.Errorf("compress block: %w", err)
		}
		head.PutRaw(c.compressor.Data)
	}
	return c.send(&head)
}
