package sinks

import (
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"

	"doustream/schemas"
)

func TestConnectionsTakeTheAddressThatAnswers(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	dsn := strings.Replace(engine.DSN(), engine.Addr(), "127.0.0.1:1,"+engine.Addr(), 1)
	b := newBlock(newUserRows(nil))
	u := everyKind()[0]
	b.add(userRecord(t, 1, &u))
	store := storeFor(t, dsn, "user_events", schemas.TopicUsers)
	if err := store.insert(testContext(t), b, "token"); err != nil {
		t.Fatal(err)
	}
	if store.on.at != 1 {
		t.Errorf("address %d", store.on.at)
	}
}

func TestParseServer(t *testing.T) {
	for name, tc := range map[string]struct {
		dsn         string
		addresses   int
		compression ch.Compression
		tls, fails  bool
	}{
		"plain":             {dsn: "clickhouse://u:hunter2@h:9000/db", addresses: 1, compression: ch.CompressionLZ4},
		"several addresses": {dsn: "clickhouse://h1:9000,h2:9000/db", addresses: 2, compression: ch.CompressionLZ4},
		"TLS":               {dsn: "clickhouse://h:9440/db?secure=true", addresses: 1, compression: ch.CompressionLZ4, tls: true},
		"another codec":     {dsn: "clickhouse://h:9000/db?compress=zstd", addresses: 1, compression: ch.CompressionZSTD},
		"no codec":          {dsn: "clickhouse://h:9000/db?compress=none", addresses: 1, compression: ch.CompressionDisabled},
		"HTTP":              {dsn: "http://u:hunter2@h:8123/db", fails: true},
		"no DSN":            {dsn: "://u:hunter2@", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := parseServer(Tables{DSN: tc.dsn})
			if tc.fails {
				if err == nil || strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("I8: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(s.addresses) != tc.addresses || s.options.Compression != tc.compression || (s.options.TLS != nil) != tc.tls {
				t.Fatalf("%d addresses, %v, TLS %v", len(s.addresses), s.options.Compression, s.options.TLS != nil)
			}
		})
	}
}

func TestTheLeaseEndsWhatItHolds(t *testing.T) {
	t.Parallel()
	l := newLease(500*time.Millisecond, time.Now)
	l.extend(time.Now().Add(10 * time.Second))
	held, release, err := l.hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	began := time.Now()
	l.extend(began.Add(150 * time.Millisecond)) // the newest heartbeat counts
	select {
	case <-held.Done():
	case <-testContext(t).Done():
		t.Fatal("still held")
	}
	if took := time.Since(began); took < 140*time.Millisecond {
		t.Errorf("ended after %v, before the lease did", took)
	}
}
