package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"doustream/schemas"
)

// warehouse is ClickHouse, as an analyst reads it.
type warehouse struct{ conn driver.Conn }

func openWarehouse(env environment) (*warehouse, error) {
	options, err := clickhouse.ParseDSN(env[dsnVariable])
	if err != nil {
		return nil, fmt.Errorf("read ClickHouse address: %w", err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("connect to ClickHouse: %w", err)
	}
	return &warehouse{conn}, nil
}

// rowsOf are the tables that hold what came of the input, the column that says
// it, and others that are held against the record, in the order of sighting.row.
var rowsOf = []struct{ table, what, says string }{
	{
		"user_events", "kind", "event_id, app_id, session_id, open_id, toUnixTimestamp64Milli(occurred_at), profile_nick_name, phone_masked, location_city, " +
			"device_brand, device_model, address_city, address_phone_masked",
	},
	{"notifications", "status", "notification_id, app_id, open_id"},
	{"dead_letters", "reason", "''"},
}

// count answers how many rows the three tables hold.
func (w *warehouse) count(ctx context.Context) (total uint64, err error) {
	for _, t := range rowsOf {
		var n uint64
		if err := w.conn.QueryRow(ctx, "SELECT count() FROM "+t.table).Scan(&n); err != nil {
			return 0, fmt.Errorf("count %s: %w", t.table, err)
		}
		total += n
	}
	return total, nil
}

// outcomes reads every row of the three tables.
func (w *warehouse) outcomes(ctx context.Context) ([]outcome, error) {
	var all []outcome
	for _, t := range rowsOf {
		rows, err := w.conn.Query(ctx, fmt.Sprintf(
			"SELECT toString(source_topic), source_partition, source_offset, toString(%s), `_inserted_at`, concatWithSeparator('|', '', %s) FROM %s", t.what, t.says, t.table))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", t.table, err)
		}
		for rows.Next() {
			var o outcome
			var source schemas.Source
			if err := rows.Scan(&source.Topic, &source.Partition, &source.Offset, &o.what, &o.at, &o.says); err != nil {
				return nil, fmt.Errorf("read %s: %w", t.table, err)
			}
			o.source = source
			all = append(all, o)
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", t.table, err)
		}
	}
	return all, nil
}

// users reads the view users, in part.
func (w *warehouse) users(ctx context.Context) ([]userRow, error) {
	rows, err := w.conn.Query(ctx, "SELECT toString(app_id), open_id, first_seen_at, last_seen_at, nick_name, phone_masked, toString(city) FROM users")
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	var all []userRow
	for rows.Next() {
		var u userRow
		if err := rows.Scan(&u.app, &u.openID, &u.firstSeen, &u.lastSeen, &u.nick, &u.phone, &u.city); err != nil {
			return nil, fmt.Errorf("read users: %w", err)
		}
		all = append(all, u)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return all, nil
}

// eachText shows every row of every table to see, as text.
func (w *warehouse) eachText(ctx context.Context, see func(where string, text []byte)) error {
	for _, table := range []string{"user_events", "user_facts", "notifications", "dead_letters", "consents"} {
		rows, err := w.conn.Query(ctx, "SELECT toString(tuple(*)) FROM "+table)
		if err != nil {
			return fmt.Errorf("read %s: %w", table, err)
		}
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return fmt.Errorf("read %s: %w", table, err)
			}
			see("table "+table, []byte(text))
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read %s: %w", table, err)
		}
	}
	return nil
}

// question is something that an analyst asks.
type question struct{ asked, sql string }

var questions = []question{
	{
		"How many visits gave a profile and a phone number?",
		`SELECT toString(day) AS day, app_id AS app, toString(visits) AS visits, toString(with_profile) AS profile, toString(with_phone) AS phone,
			concat(toString(round(profile_rate * 100, 1)), '%') AS to_profile, concat(toString(round(phone_rate * 100, 1)), '%') AS to_phone
		FROM funnel_daily ORDER BY day, app`,
	},
	{
		"Which devices do users have?",
		`SELECT brand, model, system, toString(sum(users)) AS users FROM devices GROUP BY brand, model, system ORDER BY sum(devices.users) DESC, model LIMIT 6`,
	},
	{
		"What became of the notifications, by template?",
		`SELECT template_id AS template, toString(status) AS status, reason, toString(sum(notifications)) AS count
		FROM notification_outcomes GROUP BY template, status, reason ORDER BY template, sum(notification_outcomes.notifications) DESC, status LIMIT 12`,
	},
}

// ask answers a question as a table, its first row the columns' names.
func (w *warehouse) ask(ctx context.Context, q question) ([][]string, error) {
	rows, err := w.conn.Query(ctx, q.sql)
	if err != nil {
		return nil, fmt.Errorf("ask %q: %w", q.asked, err)
	}
	table := [][]string{rows.Columns()}
	for rows.Next() {
		line, into := make([]string, len(rows.Columns())), make([]any, len(rows.Columns()))
		for i := range line {
			into[i] = &line[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("read answer to %q: %w", q.asked, err)
		}
		for i, cell := range line {
			line[i] = strings.ReplaceAll(cell, "\n", " ")
		}
		table = append(table, line)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read answer to %q: %w", q.asked, err)
	}
	return table, nil
}

func (w *warehouse) close() error { return w.conn.Close() }

// await polls ClickHouse until it holds want rows, or ctx ends.
func (w *warehouse) await(ctx context.Context, want uint64) (have uint64, err error) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		if have, err = w.count(ctx); err == nil && have >= want {
			return have, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return have, err
		}
	}
}
