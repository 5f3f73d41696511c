package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// server answers ClickHouse's native protocol from an engine in this process.
type server struct {
	engine  *engine
	dir     string
	scratch string // where blocks are handed over; on tmpfs if there is one
	user    string // empty: anyone may come in
	pass    string
	log     *slog.Logger
	hello   proto.ServerHello

	mu       sync.Mutex
	conns    map[net.Conn]struct{} // guarded by mu
	stopping bool                  // guarded by mu
	wg       sync.WaitGroup
}

// serverRevision is the protocol's revision that the server speaks: with query parameters, without chunked packets.
const serverRevision = 54460

// memoryFS is where Linux keeps files in memory.
const memoryFS = "/dev/shm"

// openServer opens the data directory, which it keeps for the life of the process, and asks the engine who it is.
func openServer(e *engine, o ClickHouseOptions, log *slog.Logger) (*server, *session, error) {
	root, err := e.open(o.Dir)
	if err != nil {
		return nil, nil, err
	}
	s := &server{engine: e, dir: o.Dir, user: o.User, pass: o.Password, log: log, conns: map[net.Conn]struct{}{}}
	if s.hello, err = describeEngine(root); err != nil {
		return nil, nil, err
	}
	if o.Database != "" {
		if err := root.exec("CREATE DATABASE IF NOT EXISTS " + quoteName(o.Database)); err != nil {
			return nil, nil, fmt.Errorf("create database %s: %w", o.Database, err)
		}
	}
	if s.scratch, err = scratchDir(o.Dir); err != nil {
		return nil, nil, err
	}
	return s, root, nil
}

// scratchDir makes the folder for blocks on their way to the engine, named for its owner's data directory so that what
// a killed process left there is found and removed.
func scratchDir(dir string) (string, error) {
	path := scratchPath(dir)
	if err := os.RemoveAll(path); err != nil {
		return "", fmt.Errorf("clear block folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("make block folder: %w", err)
	}
	return path, nil
}

func scratchPath(dir string) string {
	parent := os.TempDir()
	if info, err := os.Stat(memoryFS); err == nil && info.IsDir() {
		parent = memoryFS
	}
	return filepath.Join(parent, fmt.Sprintf("doustream-blocks-%x", hashOf(dir)))
}

func describeEngine(s *session) (proto.ServerHello, error) {
	rows, err := s.texts("SELECT version(), timezone()")
	if err != nil || len(rows) != 1 {
		return proto.ServerHello{}, fmt.Errorf("ask the engine for its version: %w", errors.Join(err, errNoRowIf(len(rows) != 1)))
	}
	hello := proto.ServerHello{Name: "ClickHouse", DisplayName: "doustream sandbox", Revision: serverRevision, Timezone: rows[0][1]}
	if _, err := fmt.Sscanf(rows[0][0], "%d.%d.%d", &hello.Major, &hello.Minor, &hello.Patch); err != nil {
		return hello, fmt.Errorf("read the engine's version %q: %w", rows[0][0], err)
	}
	return hello, nil
}

func errNoRowIf(none bool) error {
	if none {
		return errors.New("not one row")
	}
	return nil
}

// serve answers connections until ctx ends, then lets the running statements finish for as long as grace.
func (s *server) serve(ctx context.Context, ln net.Listener, grace time.Duration) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	for {
		nc, err := ln.Accept()
		if ctx.Err() != nil {
			return s.drain(grace)
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		s.mu.Lock()
		s.conns[nc] = struct{}{}
		s.mu.Unlock()
		s.wg.Go(func() { s.handle(nc) })
	}
}

// drain ends every connection between two statements, and those that take longer than grace in the middle of one.
func (s *server) drain(grace time.Duration) error {
	s.mu.Lock()
	s.stopping = true
	for nc := range s.conns {
		_ = nc.SetReadDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return fmt.Errorf("statements still running after %s", grace)
	}
}

func (s *server) handle(nc net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, nc)
		s.mu.Unlock()
		_ = nc.Close()
	}()
	c, err := s.accept(nc)
	if err == nil {
		defer c.session.close()
		err = c.serve()
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.log.Warn("clickhouse connection ended", "peer", nc.RemoteAddr().String(), "error", err)
	}
}

func hashOf(s string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// texts runs a statement whose answer is of Strings and gives its rows.
func (s *session) texts(statement string) ([][]string, error) {
	r, err := s.run(statement)
	if err != nil {
		return nil, err
	}
	defer r.free()
	return readTexts(r.bytes())
}

// readTexts reads Native blocks whose columns are all String.
func readTexts(raw []byte) ([][]string, error) {
	var rows [][]string
	for r := (textReader{raw: raw}); len(r.raw) > 0; {
		columns, count, at := int(r.uvarint()), int(r.uvarint()), len(rows)
		if columns > maxBlockColumns || count > maxBlockRows {
			return nil, fmt.Errorf("a block of %d columns and %d rows", columns, count)
		}
		for range count {
			rows = append(rows, make([]string, columns))
		}
		for col := range columns {
			name := r.text()
			if kind := r.text(); kind != "String" {
				return nil, fmt.Errorf("column %q is a %s, not a String", name, kind)
			}
			for row := range count {
				rows[at+row][col] = r.text()
			}
		}
		if r.short {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return rows, nil
}

// textReader walks over bytes; short says that they ended too early.
type textReader struct {
	raw   []byte
	short bool
}

func (r *textReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.raw)
	if n <= 0 {
		r.raw, r.short = nil, true
		return 0
	}
	r.raw = r.raw[n:]
	return v
}

func (r *textReader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.raw)) {
		r.raw, r.short = nil, true
		return ""
	}
	s := string(r.raw[:n])
	r.raw = r.raw[n:]
	return s
}
