package douyintest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Local is a Platform behind an HTTP transport over pipes: real HTTP, without a
// socket, so that it also runs in virtual time.
type Local struct {
	server    *http.Server
	transport *http.Transport
}

// NewLocal starts to serve p; inside a testing/synctest bubble call it there.
func NewLocal(p *Platform) *Local {
	pipes := &pipeListener{platform: p, conns: make(chan net.Conn), done: make(chan struct{})}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	l := &Local{server: newHTTPServer(p), transport: &http.Transport{
		DialContext: pipes.dial, MaxIdleConnsPerHost: 4096, IdleConnTimeout: 30 * time.Second, Protocols: protocols,
	}}
	go func() { _ = l.server.Serve(pipes) }()
	return l
}

// Transport is what douyin.Config.Transport takes; any host leads here.
func (l *Local) Transport() *http.Transport { return l.transport }

// Close ends the server and the transport's connections.
func (l *Local) Close() error {
	l.transport.CloseIdleConnections()
	return l.server.Close()
}

// pipeListener is a net.Listener that is dialled in the same process.
type pipeListener struct {
	platform *Platform
	conns    chan net.Conn
	done     chan struct{}
	once     sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: "pipe", Err: syscall.ECONNREFUSED}
	if refuse, _, _ := l.platform.refusing(); refuse {
		return nil, refused
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, refused
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: ctx.Err()}
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
