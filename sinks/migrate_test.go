package sinks

import (
	"net/url"
	"strings"
	"sync"
	"testing"
)

// inDatabase is a DSN with another database.
func inDatabase(t *testing.T, dsn, name string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	engine := startClickHouse(t, "")
	dsn := inDatabase(t, engine.DSN(), "analytics")
	ctx := testContext(t)

	before, err := Migrations(ctx, Tables{DSN: dsn})
	if err != nil {
		t.Fatalf("status without a database: %v", err)
	}
	for _, m := range before {
		if !m.Pending() || !strings.Contains(m.SQL, "+goose Up") {
			t.Fatalf("before: %+v", m)
		}
	}
	applied, err := Migrate(ctx, Tables{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	if len(applied) != len(before) || len(applied) < 3 {
		t.Fatalf("applied %d of %d", len(applied), len(before))
	}
	again, err := Migrate(ctx, Tables{DSN: dsn})
	if err != nil || len(again) != 0 {
		t.Fatalf("a second time: %v, %v", again, err)
	}
	after, err := Migrations(ctx, Tables{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range after {
		if m.Pending() {
			t.Fatalf("after: %s is pending", m.Name)
		}
	}
	conn := connect(t, dsn)
	if n := count(t, conn, "SELECT count() FROM user_events"); n != 0 {
		t.Fatalf("%d rows", n)
	}
}

func TestMigrateFromSeveralInstancesAtOnce(t *testing.T) {
	t.Parallel()
	dsn := inDatabase(t, startClickHouse(t, "").DSN(), "together")
	ctx := testContext(t)
	var instances sync.WaitGroup
	for range 4 {
		instances.Go(func() {
			if _, err := Migrate(ctx, Tables{DSN: dsn}); err != nil {
				t.Error(err)
			}
		})
	}
	instances.Wait()
	all, err := Migrations(ctx, Tables{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Pending() {
			t.Errorf("%s is pending", m.Name)
		}
	}
}

func TestMigrateDoesNotRepeatThePassword(t *testing.T) {
	_, err := Migrate(t.Context(), Tables{DSN: "clickhouse://user:hunter2@host:port:x/db"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatal(err)
	}
}
