package sinks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go"
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
	server *server
	client *ch.Client
	at     int // the address to try first
}

// do runs one query. A refusal of the server's does not repeat the rows.
func (c *connection) do(ctx context.Context, q ch.Query) error {
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	if err := client.Do(ctx, q); err != nil {
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
func (c *connection) connect(ctx context.Context) (*ch.Client, error) {
	if c.client != nil && !c.client.IsClosed() {
		return c.client, nil
	}
	var faults []error
	for i := range c.server.addresses {
		at := (c.at + i) % len(c.server.addresses)
		client, err := c.server.connect(ctx, c.server.addresses[at])
		if err == nil {
			c.client, c.at = client, at
			return client, nil
		}
		faults = append(faults, err)
	}
	c.at++
	return nil, fmt.Errorf("connect to ClickHouse: %w", errors.Join(faults...))
}

func (c *connection) close() {
	if c.client != nil {
		_ = c.client.Close()
		c.client = nil
	}
}

func (s *server) connect(ctx context.Context, address string) (*ch.Client, error) {
	options := s.options
	options.Address = address
	client, err := ch.Dial(ctx, options)
	if err != nil {
		return nil, scrub(err)
	}
	return client, nil
}
