package stream_test

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// wire is one instance's network. Cut, the instance is as dead as after a kill
// -9: it can neither commit nor leave its group. Frozen, it is as one that was
// stopped and will be continued: what it wrote and had not sent is sent later.
// One of its clients can be frozen or thawed alone, since of a continued process
// any goroutine may run first.
type wire struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	conns  map[net.Conn]bool
	isCut  bool
	frozen map[string]chan struct{} // by client; closed when it thaws
}

var clients = []string{"producer", "member", "appender", "tail"}

func newWire(network *kfake.VirtualNetwork) *wire {
	return &wire{dial: network.DialContext, conns: make(map[net.Conn]bool), frozen: make(map[string]chan struct{})}
}

func (w *wire) opt() kgo.Opt { return kgo.Dialer(w.connect) }

func (w *wire) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := w.wait(""); err != nil {
		return nil, err
	}
	conn, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		conn.Close()
		return nil, errCut
	}
	w.conns[conn] = true
	return &wiredConn{Conn: conn, wire: w}, nil
}

var errCut error = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for conn := range w.conns {
		conn.Close()
	}
}

func (w *wire) freeze(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range orAll(names) {
		if w.frozen[name] == nil {
			w.frozen[name] = make(chan struct{})
		}
	}
}

func (w *wire) thaw(names ...string) {
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

func (w *wire) wait(client string) error {
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

// wiredConn learns whose connection it is from its first request's header.
type wiredConn struct {
	net.Conn
	wire   *wire
	client atomic.Pointer[string]
}

func (c *wiredConn) name() string {
	if name := c.client.Load(); name != nil {
		return *name
	}
	return ""
}

func (c *wiredConn) Write(b []byte) (int, error) {
	if c.client.Load() == nil && len(b) > 14 {
		n := int(binary.BigEndian.Uint16(b[12:]))
		id := string(b[14 : 14+n])
		name := id[strings.LastIndexByte(id, '-')+1:]
		c.client.Store(&name)
	}
	if err := c.wire.wait(c.name()); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *wiredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if cut := c.wire.wait(c.name()); cut != nil {
		return 0, cut
	}
	return n, err
}
