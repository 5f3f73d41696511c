package streamtest

import (
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
)

// Request is one that an instance is about to send.
type Request struct {
	Client string // as in Freeze
	Key    int16  // Kafka's number of the request; -1: another protocol's
	Bytes  []byte // as it is written, not to be kept
}

// Verdict is what becomes of a request.
type Verdict int

const (
	Pass       Verdict = iota // it is sent
	KillBefore                // the instance is cut off before it is sent,
	KillAfter                 // or when it was carried out and answered, before the answer is read
	StopBefore                // the instance is frozen before it is sent,
	StopAfter                 // or when it was carried out and answered
	LoseBefore                // the instance's connections end before it is sent,
	LoseAfter                 // or when it was carried out and answered
)

// Watch has f decide on every request from now on. It is called on the
// goroutine that sends, many at a time, and must not block.
func (w *Wire) Watch(f func(Request) Verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch = f
}

func (w *Wire) judge(r Request) Verdict {
	w.mu.Lock()
	f := w.watch
	w.mu.Unlock()
	if f == nil {
		return Pass
	}
	return f(r)
}

// wiredConn learns whose connection it is from its first request's header.
type wiredConn struct {
	net.Conn
	wire   *Wire
	client atomic.Pointer[string]
	next   atomic.Int32 // the Verdict that waits for an answer
}

func (c *wiredConn) name() string {
	if name := c.client.Load(); name != nil {
		return *name
	}
	return ""
}

// Write is given one request at a time by Kafka's client.
func (c *wiredConn) Write(b []byte) (int, error) {
	r := Request{Key: -1, Bytes: b}
	if c.name() != Platform && len(b) > 14 {
		r.Key = int16(binary.BigEndian.Uint16(b[4:])) //nolint:gosec // as the protocol has it
		if c.client.Load() == nil {
			n := int(binary.BigEndian.Uint16(b[12:]))
			id := string(b[14 : 14+n])
			name := id[strings.LastIndexByte(id, '-')+1:]
			c.client.Store(&name)
		}
	}
	r.Client = c.name()
	switch v := c.wire.judge(r); v {
	case KillBefore:
		c.wire.Cut()
	case StopBefore:
		c.wire.Freeze()
	case LoseBefore:
		c.wire.Lose()
	case KillAfter, StopAfter, LoseAfter:
		c.next.Store(int32(v))
	}
	if err := c.wire.wait(c.name()); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *wiredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	switch Verdict(c.next.Swap(int32(Pass))) {
	case KillAfter:
		c.wire.Cut()
	case StopAfter:
		c.wire.Freeze()
	case LoseAfter:
		c.wire.Lose()
		return 0, errCut
	}
	if cut := c.wire.wait(c.name()); cut != nil {
		return 0, cut
	}
	return n, err
}
