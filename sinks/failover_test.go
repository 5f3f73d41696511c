package sinks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"doustream/platform/embedded"
	"doustream/schemas"
)

// relay is a second address of a server. It can die in the middle of what it
// carries, and stays dead.
type relay struct {
	listener net.Listener
	to       string
	// breaks, if not nil, is called with how many bytes came from clients so far, all
	// connections together, and with the next of them; true ends the relay there.
	breaks func(sent int64, part []byte) bool

	sent atomic.Int64
	died atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

func startRelay(t *testing.T, to string, encryption *tls.Config, breaks func(int64, []byte) bool) *relay {
	t.Helper()
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if encryption != nil {
		listener = tls.NewListener(listener, encryption)
	}
	r := &relay{listener: listener, to: to, breaks: breaks}
	t.Cleanup(r.die)
	go r.serve()
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

func (r *relay) serve() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		r.mu.Lock()
		r.conns = append(r.conns, client, server)
		r.mu.Unlock()
		go func() { _, _ = io.Copy(counted{server, r}, client); _ = server.Close(); _ = client.Close() }()
		go func() { _, _ = io.Copy(client, server); _ = server.Close(); _ = client.Close() }()
	}
}

var errDied = errors.New("the relay died")

// counted passes bytes on until its relay breaks.
type counted struct {
	net.Conn
	relay *relay
}

func (c counted) Write(p []byte) (int, error) {
	for part := range slices.Chunk(p, 512) { // so that a break lies inside a block
		if c.relay.breaks != nil && c.relay.breaks(c.relay.sent.Add(int64(len(part))), part) {
			c.relay.die()
			return 0, errDied
		}
		if _, err := c.Conn.Write(part); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// die ends the relay as a machine does that loses its power.
func (r *relay) die() {
	r.died.Store(true)
	_ = r.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
}

// I5: the address that the sink writes to dies in the middle of a block, the next
// one of the DSN takes over.
func TestI5AnAddressThatDiesInTheMiddleOfAnInsertIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.produce(w.users(200, 0)...)
	var inserting atomic.Bool
	var after atomic.Int64
	first := startRelay(t, w.engine.Addr(), nil, func(sent int64, _ []byte) bool {
		if !inserting.Load() {
			after.Store(sent)
			return false
		}
		return sent > after.Load()+4096 // in the block's bytes
	})
	second := startRelay(t, w.engine.Addr(), nil, nil)
	cfg := w.config()
	cfg.Connections = 1
	cfg.Tables.DSN = strings.Replace(cfg.Tables.DSN, w.engine.Addr(), first.addr()+","+second.addr(), 1)
	passed := 0
	w.run(cfg, func(s *ClickHouse) {
		s.passes = func(point string) {
			if point == "before "+stepInsert {
				if passed++; passed == 2 {
					inserting.Store(true)
				}
			}
		}
	})
	w.once(200)
	if !first.died.Load() {
		t.Error("the first address never died")
	}
}

// selfSigned is a certificate for 127.0.0.1 and the pool that trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clickhouse"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// insertOne inserts a row over a connection of its own.
func insertOne(t *testing.T, tables Tables) error {
	t.Helper()
	s, err := parseServer(tables)
	if err != nil {
		t.Fatal(err)
	}
	store := &tableStore{place: place{schemas.TopicUsers, 4, "user_events"}, on: &connection{server: s}, sent: func(int, time.Duration) {}}
	defer store.on.close()
	b := newBlock(newUserRows(nil))
	u := everyKind()[0]
	b.add(userRecord(t, 1, &u))
	return store.insert(testContext(t), b, "token")
}

// A server that asks who we are is shown the client's certificate, by the sink and
// by migrate; without it, or with another's, it lets nobody in, which passes: a
// certificate that is renewed is picked up without anybody's help.
func TestTLSWithAClientCertificate(t *testing.T) {
	t.Parallel()
	engine := startClickHouse(t, "")
	certificate, pool := selfSigned(t)
	client, known := selfSigned(t)
	stranger, _ := selfSigned(t)
	front := startRelay(t, engine.Addr(), &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known,
	}, nil)
	as := func(shown ...tls.Certificate) Tables {
		return Tables{
			DSN: strings.Replace(engine.DSN(), engine.Addr(), front.addr(), 1),
			TLS: &tls.Config{RootCAs: pool, Certificates: shown, MinVersion: tls.VersionTLS12},
		}
	}
	if _, err := Migrate(testContext(t), as(client)); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	if err := insertOne(t, as(client)); err != nil {
		t.Fatalf("insert: %v", err)
	}
	for name, tables := range map[string]Tables{"none": as(), "another's": as(stranger)} {
		if err := insertOne(t, tables); err == nil || fateOf(err) != fatePasses {
			t.Errorf("a client with %s certificate: %v", name, err)
		}
	}
	if n := count(t, connect(t, engine.DSN()), "SELECT count() FROM user_events"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// The sink and migrate speak TLS and log in; who is not trusted, or not known, is
// refused, and the error does not repeat the password.
func TestTLSUserAndPassword(t *testing.T) {
	t.Parallel()
	engine, err := embedded.StartClickHouse(testContext(t), embedded.ClickHouseOptions{Dir: t.TempDir(), User: "sink", Password: "hunter2", Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	certificate, pool := selfSigned(t)
	front := startRelay(t, engine.Addr(), &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil)
	secure := strings.Replace(engine.DSN(), engine.Addr(), front.addr(), 1)
	trusting := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}

	insert := func(tables Tables) error { return insertOne(t, tables) }
	good := Tables{DSN: secure, TLS: trusting}
	if _, err := Migrate(testContext(t), good); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	if err := insert(good); err != nil {
		t.Fatalf("insert: %v", err)
	}
	if err := insert(Tables{DSN: secure + "?secure=true&skip_verify=true"}); err != nil {
		t.Errorf("as the DSN says: %v", err)
	}
	for name, tables := range map[string]Tables{
		"an authority that is not trusted": {DSN: secure + "?secure=true"},
		"no TLS where there must be":       {DSN: secure},
		"a wrong password":                 {DSN: strings.Replace(secure, "hunter2", "hunter3", 1), TLS: trusting},
	} {
		t.Run(name, func(t *testing.T) {
			_, migrated := Migrate(testContext(t), tables)
			for _, err := range []error{insert(tables), migrated} {
				if err == nil || strings.Contains(err.Error(), "hunter") {
					t.Errorf("I8: %v", err)
				}
			}
		})
	}
	t.Run("the fate of a wrong password is an operator's", func(t *testing.T) {
		err := insert(Tables{DSN: strings.Replace(secure, "hunter2", "hunter3", 1), TLS: trusting})
		var exception *clickhouse.Exception
		if fateOf(err) != fateStops || errors.As(err, &exception) {
			t.Errorf("%v", err)
		}
	})
}
