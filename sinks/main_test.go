package sinks

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"doustream/platform/embedded"
)

func TestMain(m *testing.M) {
	embedded.Main()
	runVictim()
	runMeasured()
	os.Exit(m.Run())
}

// testContext bounds what waits on another process.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// startClickHouse gives a real engine on a directory of the test's own.
func startClickHouse(t testing.TB, database string) *embedded.ClickHouse {
	t.Helper()
	engine, err := embedded.StartClickHouse(testContext(t), embedded.ClickHouseOptions{Dir: t.TempDir(), Database: database, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}

// migrated is an engine with the tables in it.
func migrated(t testing.TB) *embedded.ClickHouse {
	t.Helper()
	engine := startClickHouse(t, "")
	if _, err := Migrate(testContext(t), Tables{DSN: engine.DSN()}); err != nil {
		t.Fatal(err)
	}
	return engine
}

func connect(t testing.TB, dsn string) driver.Conn {
	t.Helper()
	options, err := Tables{DSN: dsn}.options()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// count runs a query that answers one number.
func count(t testing.TB, conn driver.Conn, query string, args ...any) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(testContext(t), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
