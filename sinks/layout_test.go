package sinks

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"doustream/schemas"
)

// upStatements are a layout's statements that make the tables, and the one that
// makes the table of versions.
func upStatements(t *testing.T, l schemas.Layout) []string {
	t.Helper()
	files, err := l.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	statements := []string{l.CreateDatabase("`db`", "db"), l.Render(createVersions)}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		_, up, _ := strings.Cut(string(text), "-- +goose Up")
		up, _, _ = strings.Cut(up, "-- +goose Down")
		for _, s := range strings.Split(up, ";\n") {
			if strings.TrimSpace(s) != "" {
				statements = append(statements, s)
			}
		}
	}
	return statements
}

// The engine in the box has no keeper, so that replicated tables cannot be made in
// it; it reads their statements as any server does.
func TestEveryLayoutIsReadByClickHouse(t *testing.T) {
	t.Parallel()
	conn := connect(t, startClickHouse(t, "").DSN())
	for name, layout := range map[string]schemas.Layout{
		"one server": {},
		"database":   {Replication: schemas.ReplicationDatabase},
		"cluster":    {Replication: schemas.ReplicationCluster, Cluster: "it's a cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			statements := upStatements(t, layout)
			if len(statements) < 15 {
				t.Fatalf("%d statements", len(statements))
			}
			for _, e := range expiring {
				statements = append(statements, layout.Render("ALTER TABLE "+e.table+" MODIFY TTL "+expiry(e.column, 30)))
			}
			for _, s := range statements {
				if tree := parsed(t, conn, s); len(tree) < 2 {
					t.Errorf("%s\nis read as %v", s, tree)
				}
			}
		})
	}
}

func parsed(t *testing.T, conn driver.Conn, statement string) (tree []string) {
	t.Helper()
	rows, err := conn.Query(testContext(t), "EXPLAIN AST "+statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		tree = append(tree, line)
	}
	return tree
}

func TestTablesOfAnotherLayoutAreRefused(t *testing.T) {
	t.Parallel()
	ctx, engine := testContext(t), startClickHouse(t, "")
	conn := connect(t, engine.DSN())
	for _, statement := range []string{
		"CREATE DATABASE plain", "CREATE TABLE plain.user_events (a Int8) ENGINE = MergeTree ORDER BY a",
	} {
		if err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	for name, layout := range map[string]schemas.Layout{
		"tables without replicas":    {Replication: schemas.ReplicationCluster, Cluster: "c"},
		"a database that is not one": {Replication: schemas.ReplicationDatabase},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Migrate(ctx, Tables{DSN: inDatabase(t, engine.DSN(), "plain"), Layout: layout})
			if err == nil || !strings.Contains(err.Error(), "not what replication") {
				t.Errorf("%v", err)
			}
		})
	}
}
