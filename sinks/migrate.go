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

	"doustream/schemas"
)

// versionTable is where ClickHouse keeps which migrations it has had.
const versionTable = "goose_db_version"

// Migration is one step of the tables' history.
type Migration struct {
	Version   int64
	Name      string    // of its file
	AppliedAt time.Time // zero: pending
	SQL       string    // what it does
}

// Pending reports whether ClickHouse has yet to have it.
func (m Migration) Pending() bool { return m.AppliedAt.IsZero() }

// Migrate brings the tables of a DSN's database up to date, making the database
// where it is missing, and answers what it applied, oldest first. Migrations only
// add, and each may run twice, so that several instances may start at once and a
// binary of the version before goes on working.
func Migrate(ctx context.Context, dsn string) ([]Migration, error) {
	pending, err := pendingMigrations(ctx, dsn)
	if err != nil || len(pending) == 0 {
		return nil, err
	}
	if err := createDatabase(ctx, dsn); err != nil {
		return nil, err
	}
	db, err := openDatabase(dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	provider, err := migrations(db)
	if err != nil {
		return nil, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return nil, fmt.Errorf("migrate ClickHouse: %w", err)
	}
	now := time.Now()
	for i := range pending {
		pending[i].AppliedAt = now
	}
	return pending, nil
}

func pendingMigrations(ctx context.Context, dsn string) ([]Migration, error) {
	all, err := Migrations(ctx, dsn)
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
// missing, all are pending.
func Migrations(ctx context.Context, dsn string) ([]Migration, error) {
	db, err := openDatabase(dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	applied, err := appliedMigrations(ctx, db)
	if err != nil {
		return nil, err
	}
	provider, err := migrations(db)
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, source := range provider.ListSources() {
		text, err := fs.ReadFile(schemas.Migrations, "migrations/"+source.Path)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		out = append(out, Migration{
			Version: source.Version, Name: source.Path, AppliedAt: applied[source.Version], SQL: string(text),
		})
	}
	return out, nil
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

func migrations(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(schemas.Migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectClickHouse, db, files,
		goose.WithTableName(versionTable), goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

// createDatabase makes the DSN's database where it is missing; a user who may not
// make one needs it made before.
func createDatabase(ctx context.Context, dsn string) error {
	options, err := parseOptions(dsn)
	if err != nil {
		return err
	}
	name := options.Auth.Database
	if name == "" || name == "default" {
		return nil
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if err := db.PingContext(ctx); !isMissing(err) {
		return nil // there, or out of reach, which the next step says better
	}
	options.Auth.Database = "default"
	anywhere := clickhouse.OpenDB(options)
	defer anywhere.Close()
	if _, err := anywhere.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteName(name)); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

func openDatabase(dsn string) (*sql.DB, error) {
	options, err := parseOptions(dsn)
	if err != nil {
		return nil, err
	}
	return clickhouse.OpenDB(options), nil
}

// parseOptions reads a DSN. Its error does not repeat it: it holds a password.
func parseOptions(dsn string) (*clickhouse.Options, error) {
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("parse ClickHouse DSN: not of the form clickhouse://user:password@host:port/database")
	}
	return options, nil
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
