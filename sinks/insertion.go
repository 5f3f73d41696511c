package sinks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// inserter sends blocks over a connection that ch-go has opened, while ch-go has
// nothing under way on it. It does what ch-go's own insert does, but encodes and
// compresses a column at a time: a block in memory a second and a third time, raw
// and compressed, is slower than the processor's cache, and costs as much memory
// again as the columns do.
type inserter struct {
	conn     net.Conn
	revision int // of the protocol, as both sides speak it
	settings []ch.Setting
	framed   bool // whether blocks are compressed, both ways
	frames   *frames
	writer   *proto.Writer // over frames
	reader   *proto.Reader
	head     proto.Buffer
}

func newInserter(conn net.Conn, hello proto.ServerHello, options ch.Options) *inserter {
	frames := newFrames(conn, options.Compression)
	return &inserter{
		conn: conn, revision: min(proto.Version, hello.Revision), settings: options.Settings,
		framed: options.Compression != ch.CompressionDisabled,
		frames: frames, writer: proto.NewWriter(frames, new(proto.Buffer)), reader: proto.NewReader(conn),
	}
}

// insert runs one INSERT with one block. After an error the connection is of no
// use any more; the server's refusal is a *ch.Exception.
func (i *inserter) insert(ctx context.Context, statement string, settings []ch.Setting, block proto.Input) error {
	stop := context.AfterFunc(ctx, func() { _ = i.conn.SetDeadline(time.Unix(1, 0)) })
	columns, ended := make(chan proto.ColInfoInput, 1), make(chan error, 1)
	go func() { ended <- i.listen(columns) }()
	err := i.ask(statement, settings)
	if err == nil {
		select {
		case types := <-columns:
			err = i.send(types, block)
		case refusal := <-ended:
			ended <- refusal
		}
	}
	if err != nil { // the server may have said why it reads no more
		_ = i.conn.SetReadDeadline(time.Now().Add(packetTimeout))
	}
	if refusal := <-ended; err == nil || ch.IsException(refusal) {
		err = refusal
	}
	if !stop() {
		err = errors.Join(context.Cause(ctx), err) // and the deadline stands
	}
	return err
}

// ask sends the statement.
func (i *inserter) ask(statement string, settings []ch.Setting) error {
	query := proto.Query{
		Body: statement, Stage: proto.StageComplete,
		Info: proto.ClientInfo{
			ProtocolVersion: i.revision, Interface: proto.InterfaceTCP, Query: proto.ClientQueryInitial,
			InitialAddress: i.conn.LocalAddr().String(), ClientName: clientName,
		},
	}
	if i.framed {
		query.Compression = proto.CompressionEnabled
	}
	for _, set := range [][]ch.Setting{i.settings, settings} {
		for _, s := range set {
			query.Settings = append(query.Settings, proto.Setting{Key: s.Key, Value: s.Value, Important: s.Important, Custom: s.Custom})
		}
	}
	i.head.Reset()
	query.EncodeAware(&i.head, i.revision)
	if err := i.frames.plain(i.head.Buf); err != nil {
		return fmt.Errorf("send statement: %w", err)
	}
	if err := i.block(nil); err != nil { // no table comes with it
		return fmt.Errorf("send statement: %w", err)
	}
	if err := i.frames.flush(); err != nil {
		return fmt.Errorf("send statement: %w", err)
	}
	return nil
}

// send sends the block, and the empty one after the last.
func (i *inserter) send(types proto.ColInfoInput, block proto.Input) error {
	for _, column := range block {
		for _, t := range types {
			if t.Name != column.Name {
				continue
			}
			if err := column.Data.(proto.Inferable).Infer(t.Type); err != nil {
				return fmt.Errorf("take %s for %s: %w", column.Name, t.Type, err)
			}
		}
	}
	for _, b := range []proto.Input{block, nil} {
		if err := i.block(b); err != nil {
			return fmt.Errorf("send block: %w", err)
		}
	}
	if err := i.frames.flush(); err != nil {
		return fmt.Errorf("send block: %w", err)
	}
	return nil
}

// block sends one block, column by column; nil is the empty one.
func (i *inserter) block(block proto.Input) error {
	i.head.Reset()
	proto.ClientCodeData.Encode(&i.head)
	proto.ClientData{}.EncodeAware(&i.head, i.revision)
	if err := i.frames.plain(i.head.Buf); err != nil {
		return err
	}
	head := proto.Block{Columns: len(block)}
	if len(block) > 0 {
		head.Rows, head.Info.BucketNum = block[0].Data.Rows(), -1
	}
	i.writer.ChainBuffer(func(b *proto.Buffer) { head.EncodeAware(b, i.revision) })
	for _, column := range block {
		if rows := column.Data.Rows(); rows != head.Rows {
			return fmt.Errorf("column %s has %d rows of %d", column.Name, rows, head.Rows)
		}
		i.writer.ChainBuffer(func(b *proto.Buffer) {
			column.EncodeStart(b, i.revision)
			if s, ok := column.Data.(proto.StateEncoder); ok {
				s.EncodeState(b)
			}
		})
		column.Data.WriteColumn(i.writer)
		if _, err := i.writer.Flush(); err != nil {
			return err
		}
	}
	if _, err := i.writer.Flush(); err != nil {
		return err
	}
	return i.frames.cut()
}

// listen reads what the server says until the statement has ended, and hands on
// the columns that it wants.
func (i *inserter) listen(columns chan<- proto.ColInfoInput) error {
	for {
		packet, err := i.reader.UVarInt()
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		switch code := proto.ServerCode(packet); code {
		case proto.ServerCodeEndOfStream:
			return nil
		case proto.ServerCodeData:
			var types proto.ColInfoInput
			if err := i.receive(&types, i.framed); err != nil {
				return fmt.Errorf("read columns: %w", err)
			}
			select {
			case columns <- types:
			default: // only the first are asked for
			}
		default:
			if err := i.aside(code); err != nil {
				return err
			}
		}
	}
}

// aside reads a packet that does not belong to the exchange, or ends it.
func (i *inserter) aside(code proto.ServerCode) error {
	var err error
	switch code {
	case proto.ServerCodeException:
		var e proto.Exception
		if err = e.DecodeAware(i.reader, i.revision); err == nil {
			return &ch.Exception{Code: e.Code, Name: e.Name, Message: e.Message, Stack: e.Stack}
		}
	case proto.ServerCodeProgress:
		err = new(proto.Progress).DecodeAware(i.reader, i.revision)
	case proto.ServerCodeProfile:
		err = new(proto.Profile).DecodeAware(i.reader, i.revision)
	case proto.ServerCodeTableColumns:
		err = new(proto.TableColumns).DecodeAware(i.reader, i.revision)
	case proto.ServerProfileEvents:
		err = i.receive(new(proto.ProfileEvents).Result(), false)
	case proto.ServerCodeLog:
		err = i.receive(new(proto.Logs).Result(), false)
	default:
		return fmt.Errorf("read answer: packet %d is not one of an INSERT's", code)
	}
	if err != nil {
		return fmt.Errorf("read packet %d: %w", code, err)
	}
	return nil
}

// receive reads one block.
func (i *inserter) receive(into proto.Result, framed bool) error {
	if proto.FeatureTempTables.In(i.revision) {
		if _, err := i.reader.Str(); err != nil {
			return err
		}
	}
	if framed {
		i.reader.EnableCompression()
		defer i.reader.DisableCompression()
	}
	var block proto.Block
	return block.DecodeBlock(i.reader, i.revision, into)
}
