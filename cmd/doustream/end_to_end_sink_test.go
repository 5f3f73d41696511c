package main

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"doustream/platform/douyin/douyintest"
	"doustream/platform/embedded"
	"doustream/schemas"
)

func startClickHouse(t *testing.T) *embedded.ClickHouse {
	t.Helper()
	house, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseOptions{Dir: t.TempDir(), Database: "doustream"})
	if errors.Is(err, embedded.ErrNoEngine) {
		t.Fatalf("make engines installs it: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = house.Close() })
	return house
}

func openDatabase(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// count answers a query of one number; -1 while it cannot be asked.
func count(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n uint64
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		return -1
	}
	return int(n)
}

// The whole program in one process: events and orders in, rows in ClickHouse,
// each once (I5), and the commands that an operator has.
func TestEndToEndRun(t *testing.T) {
	t.Parallel()
	house := startClickHouse(t)
	w := newWorld(t, "DOUSTREAM_CLICKHOUSE_DSN="+house.DSN(), "DOUSTREAM_SINK_BLOCK_AGE=50ms", "DOUSTREAM_SESSION_WAIT=2s")
	if code, out, _ := invoke(t, w.environ, "check"); code != exitFailed || !strings.Contains(out, "migrations of") {
		t.Errorf("check before migrate: exit %d\n%s", code, out)
	}
	if code, out, errs := invoke(t, w.environ, "migrate", "--dry-run"); code != exitOK || !strings.Contains(out, "CREATE TABLE") {
		t.Errorf("migrate --dry-run: exit %d\n%s%s", code, out, errs)
	}
	if code, out, errs := invoke(t, w.environ, "migrate", "up"); code != exitOK || !strings.Contains(out, "applied ") {
		t.Errorf("migrate up: exit %d\n%s%s", code, out, errs)
	}
	if code, out, _ := invoke(t, w.environ, "migrate", "status"); code != exitOK || strings.Contains(out, "pending") || !strings.Contains(out, "applied") {
		t.Errorf("migrate status: exit %d\n%s", code, out)
	}
	if code, out, errs := invoke(t, w.environ, "check"); code != exitOK {
		t.Errorf("check: exit %d\n%s%s", code, out, errs)
	}

	all := w.role("run")
	const visits = 3
	for i := range visits {
		login := w.visit("s-"+strconv.Itoa(i), "user-"+strconv.Itoa(i))
		w.platform.Grant(douyintest.Grant{AppID: testApp, OpenID: login.OpenID, Template: "MSG1", Credits: 1})
		w.produce(schemas.TopicOrders, login.OpenID, asJSON(t, map[string]any{
			"notification_id": "n-" + strconv.Itoa(i), "app_id": testApp, "open_id": login.OpenID, "template_id": "MSG1", "data": map[string]any{"k": "v"},
		}))
	}
	w.publish(schemas.TopicLogin, "bad", "s-bad", map[string]any{"code": "no-such-code"})

	db := openDatabase(t, house.DSN())
	for query, want := range map[string]int{
		"SELECT count() FROM user_events":                                7 * visits,
		"SELECT uniqExact(_topic, _partition, _offset) FROM user_events": 7 * visits,
		"SELECT count() FROM users":                                      visits,
		"SELECT count() FROM notifications":                              visits,
		"SELECT count() FROM dead_letters":                               1,
	} {
		eventually(t, func() bool { return count(t, db, query) == want }, func() string {
			return query + " answers " + strconv.Itoa(count(t, db, query)) + ", want " + strconv.Itoa(want) + "\n" + all.log.String()
		})
	}
	checkDashboards(t, w.get(all, "/metrics"))
	w.stop(all)
	if code, out, errs := invoke(t, w.environ, "verify"); code != exitOK || !strings.Contains(out, "user_events") {
		t.Errorf("verify: exit %d\n%s%s", code, out, errs)
	}
	if _, err := db.ExecContext(t.Context(), "ALTER TABLE notifications DELETE WHERE 1 SETTINGS mutations_sync = 2"); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := invoke(t, w.environ, "verify", "--quiet"); code != exitFailed || !strings.Contains(out, "missing, among them") {
		t.Errorf("verify after a loss: exit %d\n%s", code, out)
	}
	code, out, errs := invoke(t, w.environ, "dead-letters", "ls")
	if code != exitOK || !strings.Contains(out, "code_refused") || !strings.Contains(out, `"bad"`) {
		t.Errorf("dead-letters ls: exit %d\n%s%s", code, out, errs)
	}
}

// ClickHouse out of reach holds up the sink and nothing else.
func TestEndToEndWithoutClickHouse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "DOUSTREAM_CLICKHOUSE_DSN=clickhouse://127.0.0.1:1/doustream")
	all := start(t, w.environ, "run")
	all.log.await(t, "waiting_for=clickhouse")
	w.visit("s", "u")
	collect(w, schemas.TopicUsers, 7, decodeUser)
	status, body := all.readyz(t)
	if status != 503 || !strings.Contains(body, "sink: not ready") || !strings.Contains(body, "enrich: ready") {
		t.Errorf("/readyz: %d\n%s", status, body)
	}
	w.stop(all)
}
