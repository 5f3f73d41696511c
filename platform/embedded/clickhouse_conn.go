package embedded

import (
	"bufio"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// conn is one client's connection, with its own session of the engine. One goroutine owns it; while a statement runs a
// second one only looks whether the client cancels.
type conn struct {
	server   *server
	net      net.Conn
	raw      *bufio.Reader // what the client sends
	unpacked *bufio.Reader // the same, decompressed
	reader   *proto.Reader // decodes packets from raw
	revision int
	session  *session

	compressed bool // whether the running query's blocks are, both ways
	compressor *compress.Writer
	settings   map[string]string // set on the session for the query before
	files      int               // how many block files were made
}

const connBuffer = 256 << 10

// ClickHouse's numbers for what a server itself refuses.
const (
	unknownDatabase      = 81
	authenticationFailed = 516
	queryCancelled       = 394
	notImplemented       = 48
	unknownPacket        = 99
)

// accept greets a client and opens its session. A client that is refused is told why.
func (s *server) accept(nc net.Conn) (*conn, error) {
	c := &conn{server: s, net: nc, raw: bufio.NewReaderSize(nc, connBuffer), compressor: compress.NewWriter(compress.LevelZero, compress.LZ4)}
	c.reader = proto.NewReader(c.raw) // shares the buffer: it is large enough
	c.unpacked = bufio.NewReaderSize(compress.NewReader(c.raw), connBuffer)
	hello, err := c.readHello()
	if err != nil {
		return nil, err
	}
	if !s.admits(hello.User, hello.Password) {
		return nil, c.refuse(&exception{authenticationFailed, hello.User + ": Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"})
	}
	if c.session, err = s.engine.open(s.dir); err != nil {
		return nil, err
	}
	if err := c.enterDatabase(hello.Database); err != nil {
		c.session.close()
		return nil, c.refuse(err)
	}
	var b proto.Buffer
	s.hello.EncodeAware(&b, c.revision)
	if err := c.send(&b); err != nil {
		c.session.close()
		return nil, err
	}
	return c, nil
}

func (s *server) admits(user, password string) bool {
	return s.user == "" || user == s.user && subtle.ConstantTimeCompare([]byte(password), []byte(s.pass)) == 1
}

func (c *conn) readHello() (proto.ClientHello, error) {
	var hello proto.ClientHello
	code, err := c.reader.UVarInt()
	if err != nil {
		return hello, err
	}
	if proto.ClientCode(code) != proto.ClientCodeHello {
		return hello, fmt.Errorf("read hello: packet %d came first", code)
	}
	if err := hello.Decode(c.reader); err != nil {
		return hello, fmt.Errorf("read hello: %w", err)
	}
	if c.revision = min(hello.ProtocolVersion, serverRevision); !proto.FeatureSettingsSerializedAsStrings.In(c.revision) {
		return hello, fmt.Errorf("client revision %d is too old", c.revision)
	}
	return hello, nil
}

func (c *conn) enterDatabase(name string) error {
	if name == "" || name == "default" {
		return nil
	}
	return c.session.exec("USE " + quoteName(name))
}

// refuse tells the client why, and gives the reason back.
func (c *conn) refuse(reason error) error {
	if err := c.sendException(reason); err != nil {
		return errors.Join(reason, err)
	}
	return reason
}

// serve answers packets until the client leaves.
func (c *conn) serve() error {
	if proto.FeatureAddendum.In(c.revision) {
		if _, err := c.reader.Str(); err != nil { // the quota key
			return fmt.Errorf("read addendum: %w", err)
		}
	}
	for {
		code, err := c.reader.UVarInt()
		if err != nil {
			return err
		}
		switch proto.ClientCode(code) {
		case proto.ClientCodePing:
			var b proto.Buffer
			proto.ServerCodePong.Encode(&b)
			err = c.send(&b)
		case proto.ClientCodeQuery:
			err = c.query()
		case proto.ClientCodeCancel: // it came after the answer's end
		case proto.ClientCodeData:
			err = c.skipBlock()
		default:
			return c.refuse(&exception{unknownPacket, fmt.Sprintf("Unknown packet %d from client. (UNKNOWN_PACKET_FROM_CLIENT)", code)})
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) send(b *proto.Buffer) error {
	_, err := c.net.Write(b.Buf)
	return err
}

// sendException tells the client of an error; what is no exception of the engine's becomes one.
func (c *conn) sendException(err error) error {
	var e *exception
	if !errors.As(err, &e) {
		e = &exception{unknownException, err.Error()}
	}
	var b proto.Buffer
	proto.ServerCodeException.Encode(&b)
	p := e.packet()
	p.EncodeAware(&b, c.revision)
	return c.send(&b)
}

// watchCancel looks for a cancel, or for the client's going, while a statement runs. The stop that it gives must be
// called before anything else is read.
func (c *conn) watchCancel() (gone *atomic.Bool, stop func()) {
	gone = new(atomic.Bool)
	done := make(chan struct{})
	go func() {
		defer close(done)
		next, err := c.raw.Peek(1)
		switch {
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			gone.Store(true)
		case err == nil && proto.ClientCode(next[0]) == proto.ClientCodeCancel:
			gone.Store(true)
		}
	}()
	return gone, func() {
		_ = c.net.SetReadDeadline(time.Unix(1, 0))
		<-done
		c.server.resumeReads(c.net)
	}
}

// resumeReads takes the read deadline away again, unless the server is stopping: then it is what ends the connection.
func (s *server) resumeReads(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		_ = nc.SetReadDeadline(time.Time{})
	}
}
