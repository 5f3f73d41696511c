package sinks

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"doustream/schemas"
)

// eventRow is one row of user_events as far as a test of a view cares.
type eventRow struct {
	offset  int
	kind    string
	openID  string
	session string
	at      string // of 2025-11-22 UTC
	set     string // further columns
	to      string // and their values
}

// insertEvents inserts rows in one statement, as they come.
func insertEvents(t *testing.T, conn driver.Conn, rows ...eventRow) {
	t.Helper()
	for _, r := range rows {
		columns, values := "", ""
		if r.set != "" {
			columns, values = ", "+r.set, ", "+r.to
		}
		query := fmt.Sprintf(`INSERT INTO user_events (_topic, _partition, _offset, _timestamp, event_id, kind, app_id, session_id, open_id, occurred_at, enriched_at%s)
			SELECT 'users.enriched', 0, %d, toDateTime64('2025-11-22 08:00:00', 3, 'UTC'), 'e%d', '%s', 'tt1', '%s', '%s', toDateTime64('2025-11-22 %s', 3, 'UTC'), toDateTime64('2025-11-22 %s', 3, 'UTC')%s`,
			columns, r.offset, r.offset, r.kind, r.session, r.openID, r.at, r.at, values)
		if err := conn.Exec(testContext(t), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

// lines answers a query's rows as text, a line each.
func lines(t *testing.T, conn driver.Conn, columns, rest string) string {
	t.Helper()
	query := "SELECT concatWithSeparator('|', " + columns + ") " + rest
	rows, err := conn.Query(testContext(t), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// visits are two users' events: one who gives everything and whose device
// changes, one who only logs in, and somebody anonymous.
var visits = []eventRow{
	{offset: 0, kind: "LOGIN", openID: "u1", session: "s1", at: "08:00:00", set: "union_id", to: "'union1'"},
	{offset: 1, kind: "PROFILE", openID: "u1", session: "s1", at: "08:00:10", set: "profile_nick_name, profile_gender", to: "'old', 1"},
	{offset: 2, kind: "PHONE", openID: "u1", session: "s1", at: "08:00:40", set: "phone_masked, phone_hash", to: "'138****0000', 'h'"},
	{offset: 3, kind: "DEVICE", openID: "u1", session: "s1", at: "08:00:01", set: "device_brand, device_battery", to: "'A', 50"},
	{offset: 4, kind: "PROFILE", openID: "u1", session: "s1", at: "08:00:20", set: "profile_nick_name", to: "'new'"},
	{offset: 5, kind: "DEVICE", openID: "u1", session: "s2", at: "09:00:00", set: "device_brand", to: "'B'"}, // its battery is not known
	{offset: 6, kind: "SUBSCRIPTION", openID: "u1", session: "s1", at: "08:01:00", set: "subscription_template_id, subscription_status, subscription_always", to: "['T1', 'T2'], ['ACCEPT', 'REJECT'], [true, false]"},
	{offset: 7, kind: "SUBSCRIPTION", openID: "u1", session: "s1", at: "08:02:00", set: "subscription_template_id, subscription_status, subscription_always", to: "['T1'], ['REJECT'], [false]"},
	{offset: 8, kind: "LOGIN", openID: "u2", session: "s3", at: "16:30:00"}, // tomorrow in Shanghai
	{offset: 9, kind: "LOGIN", openID: "", session: "s4", at: "08:00:00"},
	{offset: 10, kind: "PROFILE", openID: "u1", session: "s1", at: "08:00:20", set: "profile_nick_name", to: "'newest'"}, // same time, later in Kafka
}

// I5, derived: whatever the order in which rows arrive, and arrive they twice,
// before and after merges, the users' newest facts are the same.
func TestUsersViewIsRightInAnyOrderAndTwice(t *testing.T) {
	t.Parallel()
	engine := startClickHouse(t, "")
	const user = "open_id, toString(first_seen_at), toString(last_seen_at), toString(assumeNotNull(last_login_at)), session_id, union_id, nick_name, toString(gender), phone_masked, toString(profile_at IS NULL), toString(device_brand), toString(device_battery IS NULL)"
	want := "u1|2025-11-22 08:00:00.000|2025-11-22 09:00:00.000|2025-11-22 08:00:00.000|s2|union1|newest|0|138****0000|0|B|1\n" +
		"u2|2025-11-22 16:30:00.000|2025-11-22 16:30:00.000|2025-11-22 16:30:00.000|s3|||0||1||1"
	for round := range 3 {
		dsn := inDatabase(t, engine.DSN(), fmt.Sprintf("round%d", round))
		if _, err := Migrate(testContext(t), Tables{DSN: dsn}); err != nil {
			t.Fatal(err)
		}
		conn := connect(t, dsn)
		rows := append(slices.Clone(visits), visits[round:]...) // most of them twice
		rand.New(rand.NewPCG(1, uint64(round))).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		insertEvents(t, conn, rows...)
		check := func(when string) {
			if got := lines(t, conn, user, "FROM users ORDER BY open_id"); got != want {
				t.Errorf("round %d, %s:\n%s\nwant\n%s", round, when, got, want)
			}
			if got, want := lines(t, conn, "open_id, template_id, toString(status), toString(always)", "FROM consents ORDER BY template_id"), "u1|T1|REJECT|false\nu1|T2|REJECT|false"; got != want {
				t.Errorf("round %d, %s: consents\n%s\nwant\n%s", round, when, got, want)
			}
		}
		check("before merges")
		for _, table := range []string{"user_facts", "user_first_seen", "consent_facts"} {
			if err := conn.Exec(testContext(t), "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
				t.Fatal(err)
			}
		}
		check("after merges")
	}
}

// insertALittleOfEverything is visits, a position, notifications and dead letters.
func insertALittleOfEverything(t *testing.T, conn driver.Conn) {
	t.Helper()
	insertEvents(t, conn, visits...)
	insertEvents(t, conn, eventRow{offset: 11, kind: "LOCATION", openID: "u2", session: "s3", at: "08:00:00", set: "location_longitude, location_latitude, location_city, location_province", to: "116.4, 39.9, '北京市', '北京'"})
	for _, query := range []string{
		`INSERT INTO notifications (_topic, _partition, _offset, _timestamp, notification_id, app_id, open_id, template_id, status, reason, attempts, finished_at)
		 SELECT 'notifications.results', 0, number, toDateTime64('2025-11-22 08:00:00', 3, 'UTC'), toString(number), 'tt1', 'u1', 'T1', number = 0 ? 'SENT' : 'REFUSED', number = 0 ? '' : 'not_subscribed', 1, toDateTime64('2025-11-22 08:00:00', 3, 'UTC') FROM numbers(3)`,
		`INSERT INTO dead_letters (_topic, _partition, _offset, _timestamp, reason, stage, role, source_topic, failed_at)
		 SELECT 'dead-letters', 0, number, toDateTime64('2025-11-22 08:00:00', 3, 'UTC'), 'invalid', 'decode', 'enrich', 'miniapp.login', toDateTime64('2025-11-22 08:00:00', 3, 'UTC') FROM numbers(2)`,
	} {
		if err := conn.Exec(testContext(t), query); err != nil {
			t.Fatal(err)
		}
	}
}

func TestViewsAnswerTheStandingQuestions(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	conn := connect(t, engine.DSN())
	insertALittleOfEverything(t, conn)
	for _, row := range []struct{ view, columns, want string }{
		{"logins_daily", "toString(day), app_id, toString(logins), toString(users), toString(new_users), toString(anonymous_logins)", "2025-11-22|tt1|2|1|2|1\n2025-11-23|tt1|1|1|0|0"},
		{"funnel_daily", "toString(day), toString(visits), toString(with_profile), toString(with_phone), toString(with_profile_then_phone), toString(median_seconds_to_profile), toString(median_seconds_to_phone)", "2025-11-22|2|1|1|1|10|40\n2025-11-23|1|0|0|0|nan|nan"},
		{"devices", "app_id, brand, toString(users)", "tt1|B|1"},
		{"locations_by_city", "toString(day), province, city, toString(fixes), toString(users)", "2025-11-22|北京|北京市|1|1"},
		{"notification_outcomes", "toString(day), template_id, toString(status), reason, toString(notifications), toString(users)", "2025-11-22|T1|REFUSED|not_subscribed|2|1\n2025-11-22|T1|SENT||1|1"},
		{"dead_letter_reasons", "toString(day), source_topic, reason, stage, toString(dead_letters)", "2025-11-22|miniapp.login|invalid|decode|2"},
	} {
		if got := lines(t, conn, row.columns, "FROM "+row.view); got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.view, got, row.want)
		}
	}
	if n := count(t, conn, "SELECT count() FROM freshness"); n != 0 {
		t.Errorf("freshness of events from another year: %d rows", n)
	}
}

// The tables and views are what analysts read: each column says what it holds.
func TestEveryColumnHasAComment(t *testing.T) {
	t.Parallel()
	conn := connect(t, migrated(t).DSN())
	const tables = "database = currentDatabase() AND table NOT IN (SELECT name FROM system.tables WHERE engine = 'MaterializedView')"
	if got := lines(t, conn, "table, name", "FROM system.columns WHERE comment = '' AND "+tables); got != "" {
		t.Errorf("columns without a comment:\n%s", got)
	}
	if n := count(t, conn, "SELECT count() FROM system.columns WHERE "+tables); n < 300 {
		t.Errorf("%d columns: these are not the tables", n)
	}
	if got := lines(t, conn, "name, ''", "FROM system.tables WHERE comment = '' AND engine NOT IN ('MaterializedView') AND database = currentDatabase()"); got != "" {
		t.Errorf("tables and views without a comment:\n%s", got)
	}
}

// Whatever an enriched record holds, user_events has a column for.
func TestEveryFieldOfEnrichedUserHasAColumn(t *testing.T) {
	t.Parallel()
	conn := connect(t, migrated(t).DSN())
	columns := strings.Split(lines(t, conn, "name, ''", "FROM system.columns WHERE database = currentDatabase() AND table = 'user_events'")+"\n", "|\n")
	var schema map[string]any
	if err := json.Unmarshal([]byte(schemas.EnrichedUserSchema().Text), &schema); err != nil {
		t.Fatal(err)
	}
	named := make(map[string]any)
	var leaves func(prefix string, node any)
	leaves = func(prefix string, node any) {
		switch v := node.(type) {
		case []any: // a union of null and something else
			leaves(prefix, v[1])
			return
		case string:
			if record, ok := named[v]; ok {
				leaves(prefix, record)
				return
			}
		case map[string]any:
			switch v["type"] {
			case "record":
				name, _ := v["name"].(string)
				named[name] = v
				fields, _ := v["fields"].([]any)
				for _, member := range fields {
					field, _ := member.(map[string]any)
					name, _ := field["name"].(string)
					leaves(strings.TrimPrefix(prefix+"_"+name, "_"), field["type"])
				}
				return
			case "array":
				leaves(strings.TrimSuffix(prefix, "_templates"), v["items"])
				return
			}
		}
		if !slices.Contains(columns, prefix) {
			t.Errorf("no column %s", prefix)
		}
	}
	leaves("", schema)
}
