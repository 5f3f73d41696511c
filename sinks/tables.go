package sinks

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"doustream/schemas"
)

// Tables says where ClickHouse's tables are, how they are made and how long they
// are kept.
type Tables struct {
	DSN       string         // clickhouse-go's; one or more addresses of one ClickHouse
	TLS       *tls.Config    // nil: as the DSN says
	Layout    schemas.Layout // how they are made: with or without replicas
	Retention Retention      // what migrations set; nil leaves all as it is
}

// options reads the DSN. Its error does not repeat it: it holds a password.
func (t Tables) options() (*clickhouse.Options, error) {
	options, err := clickhouse.ParseDSN(t.DSN)
	if err != nil {
		return nil, errors.New("parse ClickHouse DSN: not of the form clickhouse://user:password@host:port/database")
	}
	if t.TLS != nil {
		options.TLS = t.TLS.Clone()
	}
	return options, nil
}

func (t Tables) open() (*sql.DB, error) {
	options, err := t.options()
	if err != nil {
		return nil, err
	}
	return clickhouse.OpenDB(options), nil
}

// createDatabase makes the DSN's database where it is missing; a user who may not
// make one needs it made before. A Replicated database is made on every address,
// for nothing else would.
func (t Tables) createDatabase(ctx context.Context) error {
	options, err := t.options()
	if err != nil {
		return err
	}
	if options.Auth.Database == "" || options.Auth.Database == "default" {
		return nil
	}
	if t.Layout.Replication != schemas.ReplicationDatabase {
		return t.createDatabaseAt(ctx, options)
	}
	for _, address := range options.Addr {
		one := *options
		one.Addr = []string{address}
		if err := t.createDatabaseAt(ctx, &one); err != nil {
			return fmt.Errorf("at %s: %w", address, err)
		}
	}
	return nil
}

func (t Tables) createDatabaseAt(ctx context.Context, options *clickhouse.Options) error {
	name := options.Auth.Database
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if err := db.PingContext(ctx); !isMissing(err) {
		return nil // there, or out of reach, which the next step says better
	}
	elsewhere := *options
	elsewhere.Auth.Database = "default"
	anywhere := clickhouse.OpenDB(&elsewhere)
	defer anywhere.Close()
	if _, err := anywhere.ExecContext(ctx, t.Layout.CreateDatabase(quoteName(name), name)); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

// checkLayout refuses tables that were made another way than the layout says:
// CREATE … IF NOT EXISTS would leave them, and the others would be made beside.
func (t Tables) checkLayout(ctx context.Context, db *sql.DB) error {
	var database string
	if err := db.QueryRowContext(ctx, "SELECT engine FROM system.databases WHERE name = currentDatabase()").Scan(&database); err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if database == "Shared" {
		return nil // ClickHouse's own cloud sees to copies itself
	}
	if (database == "Replicated") != (t.Layout.Replication == schemas.ReplicationDatabase) {
		return fmt.Errorf("the database's engine is %s, which is not what replication %q stands for", database, t.Layout.Replication)
	}
	var table string
	err := db.QueryRowContext(ctx, "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = 'user_events'").Scan(&table)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look at the tables: %w", err)
	case strings.HasPrefix(table, "Replicated") != t.Layout.Replicated():
		return fmt.Errorf("the tables that are there have the engine %s, which is not what replication %q stands for: copy them into new ones, or set it back", table, t.Layout.Replication)
	}
	return nil
}
