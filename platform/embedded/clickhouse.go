package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ClickHouseOptions say where a ClickHouse in a box lives and who may come in.
type ClickHouseOptions struct {
	// Dir is the data directory; it is made if missing, and recovered if not empty. One process at a time may have it.
	Dir string
	// Port is the loopback port; 0 takes a free one, which a Restart keeps.
	Port int
	// Lib is libchdb's file; empty: as FindLibrary says.
	Lib string
	// Database is made if missing, and is the one that DSN names. Empty: default.
	Database string
	// User and Password, if User is set, are asked of every client; else anyone may come in under any name.
	User, Password string
	// Log gets what the process has to say; nil drops it.
	Log io.Writer `json:"-"`
}

// ClickHouse is a ClickHouse server in a process of its own: the real engine behind its native protocol, so that
// clickhouse-go connects to it as to any server. What it does not do: external tables, HTTP, other users' grants,
// values of the types Variant, Dynamic, JSON and AggregateFunction in answers.
type ClickHouse struct {
	*Process
	options ClickHouseOptions
	addr    *partAddr
}

// StartClickHouse starts a server and waits until it answers, about a second once the library is in the file cache.
// Without the library the error wraps [ErrNoEngine]. The caller closes it.
func StartClickHouse(ctx context.Context, options ClickHouseOptions) (*ClickHouse, error) {
	if options.Lib == "" {
		lib, err := FindLibrary()
		if err != nil {
			return nil, err
		}
		options.Lib = lib
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("start clickhouse: %w", err)
	}
	options.Dir = dir
	if options.Port == 0 { // chosen here, so that a restart has the same one
		if options.Port, err = FreePort(); err != nil {
			return nil, fmt.Errorf("start clickhouse: %w", err)
		}
	}
	c := &ClickHouse{options: options, addr: &partAddr{}}
	command, err := partCommand("clickhouse", options, options.Log, c.addr)
	if err != nil {
		return nil, err
	}
	if c.Process, err = StartProcess(ctx, command); err != nil {
		c.addr.release()
		return nil, err
	}
	return c, nil
}

// startTries is how often a server is started on a directory that has tables: libchdb loads them in parallel, and at
// times, on a busy machine, ends over a lock of its own ("recursive_mutex lock failed") before it has them.
const startTries = 3

// Restart starts the server again on its directory and port, killing what still runs of it, and waits until it answers.
func (c *ClickHouse) Restart(ctx context.Context) error {
	for try := 1; ; try++ {
		err := c.Process.Restart(ctx)
		if err == nil || try == startTries || ctx.Err() != nil {
			return err
		}
	}
}

// Addr is the host:port of the native protocol.
func (c *ClickHouse) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.options.Port))
}

// DSN is what clickhouse-go connects with, the password included.
func (c *ClickHouse) DSN() string {
	database := c.options.Database
	if database == "" {
		database = "default"
	}
	u := url.URL{Scheme: "clickhouse", Host: c.Addr(), Path: "/" + database}
	if c.options.User != "" {
		u.User = url.UserPassword(c.options.User, c.options.Password)
	}
	return u.String()
}

// Close ends the server in order: running statements finish, the data directory is closed. It is safe to call twice.
func (c *ClickHouse) Close() error {
	defer c.addr.release()
	if !c.Running() {
		return os.RemoveAll(scratchPath(c.options.Dir)) // a killed one leaves it
	}
	return c.Terminate()
}

// statementGrace is how long a server that is asked to end waits for running statements.
const statementGrace = 10 * time.Second

// serveClickHouse is the part's own process.
func serveClickHouse(ctx context.Context, part started) error {
	go func() { _, _ = io.Copy(io.Discard, part.orders) }()
	var o ClickHouseOptions
	if err := json.Unmarshal(part.options, &o); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	var listen net.ListenConfig
	ln, err := listen.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer ln.Close()
	e, err := loadEngine(o.Lib)
	if err != nil {
		return err
	}
	s, root, err := openServer(e, o, part.log)
	if err != nil {
		return err
	}
	defer os.RemoveAll(s.scratch)
	if err := part.ready(ln.Addr().String()); err != nil {
		return fmt.Errorf("tell the address: %w", err)
	}
	if err := s.serve(ctx, ln, statementGrace); err != nil {
		return err // a statement still runs in the engine: closing it would wait for that
	}
	root.close()
	return nil
}

// FreePort gives a loopback port that nobody listens on now.
func FreePort() (int, error) {
	var listen net.ListenConfig
	ln, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	return port, ln.Close()
}
