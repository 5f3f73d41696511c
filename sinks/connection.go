package sinks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

const (
	// packetTimeout is how often a connection that waits for the server looks
	// whether its context has ended.
	packetTimeout = 500 * time.Millisecond
	dialTimeout   = 5 * time.Second
	// clientName is what system.processes and system.query_log show.
	clientName = "doustream-sink"
)

// server is where a DSN leads: one or more addresses of one ClickHouse.
type server struct {
	addresses  []string
	options    ch.Options
	replicated bool // the tables have replicas
}

// parseServer reads clickhouse-go's DSN. Its errors do not repeat the DSN, which
// holds a password.
func parseServer(t Tables) (*server, error) {
	parsed, err := t.options()
	if err != nil {
		return nil, err
	}
	if parsed.Protocol != clickhouse.Native {
		return nil, errors.New("parse ClickHouse DSN: the sink speaks the native protocol only (clickhouse://)")
	}
	s := &server{
		addresses:  parsed.Addr,
		replicated: t.Layout.Replicated(),
		options: ch.Options{
			Database: parsed.Auth.Database, User: parsed.Auth.Username, Password: parsed.Auth.Password,
			Compression: compressionOf(parsed), ClientName: clientName,
			ReadTimeout: packetTimeout, DialTimeout: dialTimeout, HandshakeTimeout: dialTimeout,
			TLS: parsed.TLS,
		},
	}
	if parsed.DialTimeout > 0 {
		s.options.DialTimeout, s.options.HandshakeTimeout = parsed.DialTimeout, parsed.DialTimeout
	}
	for name, value := range parsed.Settings {
		s.options.Settings = append(s.options.Settings, ch.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	return s, nil
}

// compressionOf is LZ4 unless the DSN asks for another.
func compressionOf(parsed *clickhouse.Options) ch.Compression {
	if parsed.Compression == nil {
		return ch.CompressionLZ4
	}
	switch parsed.Compression.Method {
	case clickhouse.CompressionNone:
		return ch.CompressionDisabled
	case clickhouse.CompressionZSTD:
		return ch.CompressionZSTD
	default:
		return ch.CompressionLZ4
	}
}

// connection is one connection to whichever address answers. It is made when it
// is first used, and again after an error: what the other side has read of a
// block that failed is not known. One goroutine at a time uses it.
//
// A context that ends closes the connection within packetTimeout.
type connection struct {
	server   *server
	client   *ch.Client
	inserter *inserter // beside client, on the same connection
	at       int       // the address to try first
}

// do runs one query that sends no rows.
func (c *connection) do(ctx context.Context, q ch.Query) error {
	return c.use(ctx, func() error { return c.client.Do(ctx, q) })
}

// insert runs an INSERT with one block of rows. A refusal of the server's does not
// repeat them.
func (c *connection) insert(ctx context.Context, statement string, settings []ch.Setting, block proto.Input) error {
	return c.use(ctx, func() error { return c.inserter.insert(ctx, statement, settings, block) })
}

func (c *connection) use(ctx context.Context, run func() error) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	if err := run(); err != nil {
		c.close()
		err = scrub(err)
		if fateOf(err) == fatePasses {
			c.at++ // what passes may have passed already at another address
		}
		return err
	}
	return nil
}

// connect dials the addresses in turn, the one that answered last first, unless it
// then failed.
func (c *connection) connect(ctx context.Context) error {
	if c.client != nil && !c.client.IsClosed() {
		return nil
	}
	var faults []error
	for i := range c.server.addresses {
		at := (c.at + i) % len(c.server.addresses)
		client, inserter, err := c.server.connect(ctx, c.server.addresses[at])
		if err == nil {
			c.client, c.inserter, c.at = client, inserter, at
			return nil
		}
		faults = append(faults, err)
	}
	c.at++
	return fmt.Errorf("connect to ClickHouse: %w", errors.Join(faults...))
}

func (c *connection) close() {
	if c.client != nil {
		_ = c.client.Close()
		c.client, c.inserter = nil, nil
	}
}

func (s *server) connect(ctx context.Context, address string) (*ch.Client, *inserter, error) {
	conn, err := s.dial(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	client, err := ch.Connect(ctx, conn, s.options)
	if err != nil {
		_ = conn.Close()
		return nil, nil, scrub(err)
	}
	return client, newInserter(conn, client.ServerInfo(), s.options), nil
}

func (s *server) dial(ctx context.Context, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: s.options.DialTimeout} // the handshake of TLS included
	if s.options.TLS == nil {
		return dialer.DialContext(ctx, "tcp", address)
	}
	return (&tls.Dialer{NetDialer: dialer, Config: s.options.TLS}).DialContext(ctx, "tcp", address)
}
