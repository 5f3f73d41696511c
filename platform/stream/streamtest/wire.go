// Package streamtest is the network of one instance of a role, for tests that
// kill the instance, or pause it, at a step of their choice. What is cut off is
// as dead as after a kill -9: it neither commits nor leaves its group.
package streamtest

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Dial opens connections, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Platform names connections that are not Kafka's in Freeze and Thaw.
const Platform = "platform"

// clients are the runtime's, as their client ids end, and the one beside them.
var clients = []string{"producer", "member", "appender", "tail", "listener", Platform}

// Wire is the network of one instance. Cut, the instance is dead. Frozen, it is
// as one that was stopped and will be continued: what it wrote and had not sent
// is sent later. One of its clients can be frozen or thawed alone, since of a
// continued process any goroutine may run first. Safe for concurrent use.
type Wire struct {
	mu     sync.Mutex
	conns  map[net.Conn]bool
	isCut  bool
	lost   bool
	frozen map[string]chan struct{} // by client; closed when it thaws
	watch  func(Request) Verdict
}

// NewWire is a network that works.
func NewWire() *Wire {
	return &Wire{conns: make(map[net.Conn]bool), frozen: make(map[string]chan struct{})}
}

// Kafka is dial, for the instance's Kafka clients; for kgo.Dialer.
func (w *Wire) Kafka(dial Dial) Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return w.connect(ctx, "", dial, network, addr)
	}
}

// HTTP is dial, for the instance's HTTP transport.
func (w *Wire) HTTP(dial Dial) Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return w.connect(ctx, Platform, dial, network, addr)
	}
}

func (w *Wire) connect(ctx context.Context, client string, dial Dial, network, addr string) (net.Conn, error) {
	if err := w.wait(client); err != nil {
		return nil, err
	}
	conn, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut || w.lost {
		conn.Close() //nolint:errcheck // it was never used
		return nil, errCut
	}
	w.conns[conn] = true
	c := &wiredConn{Conn: conn, wire: w}
	if client != "" {
		c.client.Store(&client)
	}
	return c, nil
}

var errCut error = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// Cut ends the instance's network for good.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for conn := range w.conns {
		conn.Close() //nolint:errcheck // that is the point
	}
}

// Lose ends the instance's connections and refuses new ones, as when a broker
// dies, until Regain.
func (w *Wire) Lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = true
	for conn := range w.conns {
		conn.Close() //nolint:errcheck // that is the point
		delete(w.conns, conn)
	}
}

// Regain takes connections again.
func (w *Wire) Regain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = false
}

// Freeze stops clients, all of them if none is named.
func (w *Wire) Freeze(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range orAll(names) {
		if w.frozen[name] == nil {
			w.frozen[name] = make(chan struct{})
		}
	}
}

// Thaw continues clients, all of them if none is named.
func (w *Wire) Thaw(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range orAll(names) {
		if w.frozen[name] != nil {
			close(w.frozen[name])
			delete(w.frozen, name)
		}
	}
}

func orAll(names []string) []string {
	if len(names) == 0 {
		return clients
	}
	return names
}

func (w *Wire) wait(client string) error {
	w.mu.Lock()
	frozen, isCut := w.frozen[client], w.isCut
	w.mu.Unlock()
	if isCut {
		return errCut
	}
	if frozen != nil {
		<-frozen
	}
	return nil
}
