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

// Two versions run while a table gains a column: the one that does not know it goes
// on filling the table, derives what it derived, and finds nothing to migrate.
func TestTwoVersionsRunWhileATableGainsAColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.produce(w.users(50, 0)...)
	_, stop := w.run(w.config())
	w.once(50)
	for _, statement := range []string{ // what the next version's migration does
		"ALTER TABLE user_events ADD COLUMN IF NOT EXISTS device_theme LowCardinality(String) DEFAULT 'light' COMMENT 'theme' AFTER device_language",
		"ALTER TABLE user_facts ADD COLUMN IF NOT EXISTS device_theme LowCardinality(String) COMMENT 'theme'",
		"INSERT INTO " + versionTable + " (version_id, is_applied) VALUES (1000, 1)",
	} {
		w.exec(statement)
	}
	w.produce(w.users(50, 0)...)
	w.once(100) // the sink that was there before
	if applied, err := Migrate(testContext(t), Tables{DSN: w.engine.DSN()}); err != nil || len(applied) != 0 {
		t.Errorf("the version before migrates %v: %v", applied, err)
	}
	stop()
	w.produce(w.users(50, 1)...)
	w.kill("after insert", 1)
	w.run(w.config()) // one that starts with the column there, and takes a range over
	w.once(150)
	w.await(150, "SELECT countIf(device_theme = 'light') FROM user_events")
	w.await(7, "SELECT uniqExact(app_id, open_id, kind) FROM user_facts")
	// And the other way: what the next version writes the version before leaves alone.
	w.exec("INSERT INTO user_events (_topic, _partition, _offset, device_theme) SELECT 'next', 0, 0, 'dark'")
	w.await(1, "SELECT countIf(device_theme = 'dark') FROM user_events")
}
