package sinks

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Retention is how many days rows are kept, by table: user_events, notifications
// and dead_letters by their Kafka timestamp, users (the newest facts behind the
// view users) by when they happened. 0 keeps them for ever; a table that is not
// named stays as it is.
type Retention map[string]int

// expiring are the tables that rows may leave, by the name that Retention has.
var expiring = []struct{ name, table, column string }{
	{"user_events", "user_events", "_timestamp"},
	{"notifications", "notifications", "_timestamp"},
	{"dead_letters", "dead_letters", "_timestamp"},
	{"users", "user_facts", "occurred_at"},
}

// expiry is the TTL of a column's rows. Days are whole, so that a part is rewritten
// once a day at most. The bound keeps a time that no Date can hold, somebody's
// broken clock, from counting as long past.
func expiry(column string, days int) string {
	return fmt.Sprintf("toDate(least(%s, toDateTime64('2100-01-01 00:00:00', 3, 'UTC'))) + toIntervalDay(%d)", column, days)
}

var expiryDays = regexp.MustCompile(` TTL toDate\(least\(\w+, toDateTime64\('2100-01-01 00:00:00', 3, 'UTC'\)\)\) \+ toIntervalDay\((\d+)\)`)

// daysOf reads from a CREATE statement how many days its rows are kept; 0: for
// ever, or under a TTL that somebody else has set.
func daysOf(create string) int {
	found := expiryDays.FindStringSubmatch(create)
	if found == nil {
		return 0
	}
	days, _ := strconv.Atoi(found[1])
	return days
}

// expiredBefore is the time, in milliseconds, before which rows that are kept for
// so many days may be gone: none where they are kept for ever. Servers' days differ
// by time zone, so it is generous by one.
func expiredBefore(days int, now time.Time) int64 {
	if days == 0 {
		return 0
	}
	return now.AddDate(0, 0, 1-days).UnixMilli()
}

// pendingRetention is what brings the tables to the retention asked for. A table
// that is not there yet is taken for one that keeps its rows for ever, as
// migrations make it.
func (t Tables) pendingRetention(ctx context.Context, db *sql.DB) ([]Migration, error) {
	var out []Migration
	for _, e := range expiring {
		want, asked := t.Retention[e.name]
		if !asked {
			continue
		}
		create, err := createStatement(ctx, db, e.table)
		if err != nil {
			return nil, err
		}
		if daysOf(create) == want {
			continue
		}
		m := Migration{Name: fmt.Sprintf("keep rows of %s for %d days", e.name, want), SQL: fmt.Sprintf("ALTER TABLE %s MODIFY TTL %s", e.table, expiry(e.column, want))}
		if want == 0 {
			m.Name, m.SQL = fmt.Sprintf("keep rows of %s for ever", e.name), fmt.Sprintf("ALTER TABLE %s REMOVE TTL", e.table)
		}
		m.SQL = t.Layout.Render(m.SQL)
		out = append(out, m)
	}
	return out, nil
}

// createStatement is a table's, or empty where the table or its database is not
// there.
func createStatement(ctx context.Context, db *sql.DB, table string) (string, error) {
	var statements []string
	found, err := db.QueryContext(ctx, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = "+quoteText(table))
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at table %s: %w", table, err)
	}
	defer found.Close()
	for found.Next() {
		var s string
		if err := found.Scan(&s); err != nil {
			return "", fmt.Errorf("look at table %s: %w", table, err)
		}
		statements = append(statements, s)
	}
	return slices.Concat(statements, []string{""})[0], found.Err()
}
