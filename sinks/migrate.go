package sinks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"doustream/schemas"
)

// versionTable is where ClickHouse keeps which migrations it has had.
const versionTable = "goose_db_version"

// Migration is one step of the tables' history.
type Migration struct {
	Version   int64     // 0: not a file, but how long rows are kept
	Name      string    // of its file, or what it does
	AppliedAt time.Time // zero: pending
	SQL       string    // what it does
}

// Pending reports whether ClickHouse has yet to have it.
func (m Migration) Pending() bool { return m.AppliedAt.IsZero() }

// Migrate brings the tables of a database up to date, making the database where it
// is missing, and answers what it applied, oldest first. Migrations only add, and
// each may run twice, so that several instances may start at once and a binary of
// the version before goes on working. How long rows are kept comes last; taking
// days away deletes rows.
func Migrate(ctx context.Context, t Tables) ([]Migration, error) {
	pending, err := pendingMigrations(ctx, t)
	if err != nil || len(pending) == 0 {
		return nil, err
	}
	if err := t.createDatabase(ctx); err != nil {
		return nil, err
	}
	db, err := t.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := t.checkLayout(ctx, db); err != nil {
		return nil, fmt.Errorf("migrate ClickHouse: %w", err)
	}
	provider, err := t.migrations(db)
	if err != nil {
		return nil, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return nil, fmt.Errorf("migrate ClickHouse: %w", err)
	}
	for _, m := range pending {
		if m.Version > 0 {
			continue
		}
		if _, err := db.ExecContext(ctx, m.SQL); err != nil {
			return nil, fmt.Errorf("migrate ClickHouse: %s: %w", m.Name, err)
		}
	}
	now := time.Now()
	for i := range pending {
		pending[i].AppliedAt = now
	}
	return pending, nil
}

func pendingMigrations(ctx context.Context, t Tables) ([]Migration, error) {
	all, err := Migrations(ctx, t)
	if err != nil {
		return nil, err
	}
	var pending []Migration
	for _, m := range all {
		if m.Pending() {
			pending = append(pending, m)
		}
	}
	return pending, nil
}

// Migrations lists every migration of this binary, oldest first, with whether and
// when ClickHouse has had it. It changes nothing there: with a database that is
// missing, all are pending. What the retention asked for still wants done stands
// at the end.
func Migrations(ctx context.Context, t Tables) ([]Migration, error) {
	db, err := t.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	applied, err := appliedMigrations(ctx, db)
	if err != nil {
		return nil, err
	}
	provider, err := t.migrations(db)
	if err != nil {
		return nil, err
	}
	files, err := t.Layout.Migrations()
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, source := range provider.ListSources() {
		text, err := fs.ReadFile(files, source.Path)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		out = append(out, Migration{
			Version: source.Version, Name: source.Path, AppliedAt: applied[source.Version], SQL: string(text),
		})
	}
	kept, err := t.pendingRetention(ctx, db)
	if err != nil {
		return nil, err
	}
	return append(out, kept...), nil
}

// appliedMigrations reads when each version was applied; nothing, where database
// or table are missing.
func appliedMigrations(ctx context.Context, db *sql.DB) (map[int64]time.Time, error) {
	found, err := db.QueryContext(ctx, "SELECT version_id, max(tstamp) FROM "+versionTable+" WHERE is_applied = 1 GROUP BY version_id")
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	defer found.Close()
	applied := make(map[int64]time.Time)
	for found.Next() {
		var version int64
		var at time.Time
		if err := found.Scan(&version, &at); err != nil {
			return nil, fmt.Errorf("read applied migrations: %w", err)
		}
		applied[version] = at
	}
	return applied, found.Err()
}

func (t Tables) migrations(db *sql.DB) (*goose.Provider, error) {
	files, err := t.Layout.Migrations()
	if err != nil {
		return nil, err
	}
	store, err := database.NewStore(goose.DialectClickHouse, versionTable)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	// A store of our own says its dialect itself.
	provider, err := goose.NewProvider("", db, files,
		goose.WithStore(versionStore{store, t.Layout}), goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

// versionStore makes the table of applied migrations as the layout has tables, so
// that every replica knows of them.
type versionStore struct {
	database.Store
	layout schemas.Layout
}

const createVersions = `CREATE TABLE IF NOT EXISTS ` + versionTable + `
(
    version_id Int64    COMMENT 'number of the migration',
    is_applied UInt8    COMMENT 'whether it was applied',
    date       Date     DEFAULT now() COMMENT 'day of it',
    tstamp     DateTime DEFAULT now() COMMENT 'time of it'
)
ENGINE = MergeTree
ORDER BY version_id
COMMENT 'migrations that the tables have had'`

// CreateVersionTable makes the table where it is missing.
func (s versionStore) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	if _, err := db.ExecContext(ctx, s.layout.Render(createVersions)); err != nil {
		return fmt.Errorf("create table %s: %w", versionTable, err)
	}
	return nil
}

// isMissing reports an error about a database or table that is not there.
func isMissing(err error) bool {
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		return false
	}
	code := proto.Error(exception.Code)
	return code == proto.ErrUnknownDatabase || code == proto.ErrUnknownTable
}
