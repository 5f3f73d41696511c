package stream_test

import (
	"context"
	"net"
	"sync"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// wire is one instance's network. Cut, the instance is as dead as after a kill
// -9: it can neither commit nor leave its group. Frozen, it is as one that was
// stopped and will be continued: what it wrote and had not sent is sent later.
type wire struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	conns  map[net.Conn]bool
	isCut  bool
	frozen chan struct{} // closed when it thaws; nil when it is not frozen
}

func newWire(network *kfake.VirtualNetwork) *wire {
	return &wire{dial: network.DialContext, conns: make(map[net.Conn]bool)}
}

func (w *wire) opt() kgo.Opt { return kgo.Dialer(w.connect) }

func (w *wire) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := w.wait(); err != nil {
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
	return &wiredConn{conn, w}, nil
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

// mend ends a cut: new connections can be made.
func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
	w.conns = make(map[net.Conn]bool)
}

func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen == nil {
		w.frozen = make(chan struct{})
	}
}

func (w *wire) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen != nil {
		close(w.frozen)
		w.frozen = nil
	}
}

func (w *wire) wait() error {
	w.mu.Lock()
	frozen, isCut := w.frozen, w.isCut
	w.mu.Unlock()
	if isCut {
		return errCut
	}
	if frozen != nil {
		<-frozen
	}
	return nil
}

type wiredConn struct {
	net.Conn
	wire *wire
}

func (c *wiredConn) Write(b []byte) (int, error) {
	if err := c.wire.wait(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *wiredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if cut := c.wire.wait(); cut != nil {
		return 0, cut
	}
	return n, err
}
