package embedded_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"doustream/platform/embedded"
)

// startClickHouse gives a server on a directory of the test's own.
func startClickHouse(t *testing.T, o embedded.ClickHouseOptions) *embedded.ClickHouse {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Log = t.Output()
	ch, err := embedded.StartClickHouse(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ch.Close(); err != nil {
			t.Error(err)
		}
	})
	return ch
}

// testContext bounds what waits on another process.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, dsn string, compression clickhouse.CompressionMethod) driver.Conn {
	t.Helper()
	o, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	o.Compression = &clickhouse.Compression{Method: compression}
	conn, err := clickhouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func run(t *testing.T, conn driver.Conn, statement string, args ...any) {
	t.Helper()
	if err := conn.Exec(testContext(t), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t *testing.T, conn driver.Conn, query string, args ...any) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(testContext(t), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestClickHouseCarriesEveryTypeBothWays(t *testing.T) {
	t.Parallel()
	ch := startClickHouse(t, embedded.ClickHouseOptions{})
	for name, method := range map[string]clickhouse.CompressionMethod{"plain": clickhouse.CompressionNone, "lz4": clickhouse.CompressionLZ4, "zstd": clickhouse.CompressionZSTD} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, ch.DSN(), method)
			table := "types_" + name
			run(t, conn, "CREATE TABLE "+table+` (n UInt64, i Int32, s String, f FixedString(3), e Enum8('LOGIN' = 1, 'PHO\'NE' = 2),
				lc LowCardinality(String), lcn LowCardinality(Nullable(String)), ns Nullable(Float64), d Date, dt DateTime64(3, 'UTC'), u UUID, b Bool,
				a Array(String), aa Array(Array(UInt16)), alc Array(LowCardinality(String)), m Map(String, UInt8), tu Tuple(x UInt8, y String), dec Decimal(18, 4))
				ENGINE = MergeTree ORDER BY n`)
			batch, err := conn.PrepareBatch(testContext(t), "INSERT INTO "+table)
			if err != nil {
				t.Fatal(err)
			}
			at := time.UnixMilli(1763800000123).UTC()
			for n := range 3000 {
				var lcn *string
				var ns *float64
				if n%2 == 0 {
					v, x := fmt.Sprint("v", n%7), float64(n)/2
					lcn, ns = &v, &x
				}
				err := batch.Append(uint64(n), int32(-n), strings.Repeat("é\x00\n;'", n%50), "abc", []string{"LOGIN", "PHO'NE"}[n%2], fmt.Sprint("k", n%300), lcn, ns, at, at,
					fmt.Sprintf("%08x-0000-4000-8000-000000000000", n), n%3 == 0, make([]string, n%4), [][]uint16{{1, 2}, {}, {uint16(n)}}, []string{"p", fmt.Sprint(n % 9)}[:n%3],
					map[string]uint8{"k": uint8(n)}, []any{uint8(n), "y"}, "12.3400")
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			rows, err := conn.Query(testContext(t), "SELECT n, s, e, lcn, ns, dt, length(alc), aa, alc, m, tu, lc FROM "+table+" ORDER BY n SETTINGS max_block_size = 700")
			if err != nil {
				t.Fatal(err)
			}
			seen := 0
			for rows.Next() {
				var (
					n, inner   uint64
					s, e, lc   string
					lcn        *string
					ns         *float64
					dt         time.Time
					aa         [][]uint16
					alc        []string
					m          map[string]uint8
					tu         []any
					wantLength = seen % 3
				)
				if err := rows.Scan(&n, &s, &e, &lcn, &ns, &dt, &inner, &aa, &alc, &m, &tu, &lc); err != nil {
					t.Fatal(err)
				}
				if n != uint64(seen) || s != strings.Repeat("é\x00\n;'", seen%50) || !dt.Equal(at) || (lcn != nil) != (seen%2 == 0) || (ns != nil) != (seen%2 == 0) ||
					int(inner) != wantLength || len(alc) != wantLength || aa[2][0] != uint16(seen) || m["k"] != uint8(seen) || lc != fmt.Sprint("k", seen%300) {
					t.Fatalf("row %d came back as %d %q %q %v %v %v %v %v %v %v %v", seen, n, s, e, lcn, ns, dt, aa, alc, m, tu, lc)
				}
				seen++
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil || seen != 3000 {
				t.Fatalf("%d rows, %v", seen, err)
			}
		})
	}
}

func TestClickHouseStatements(t *testing.T) {
	t.Parallel()
	ch := startClickHouse(t, embedded.ClickHouseOptions{Database: "shop"})
	conn := connect(t, ch.DSN(), clickhouse.CompressionLZ4)
	if err := conn.Ping(testContext(t)); err != nil {
		t.Fatal(err)
	}
	var database string
	if err := conn.QueryRow(testContext(t), "SELECT currentDatabase()").Scan(&database); err != nil || database != "shop" {
		t.Fatalf("the DSN's database: %q, %v", database, err)
	}
	run(t, conn, "CREATE TABLE t (id UInt64, v String DEFAULT 'none') ENGINE = MergeTree ORDER BY id")

	t.Run("an empty answer has its columns and no rows", func(t *testing.T) {
		rows, err := conn.Query(testContext(t), "SELECT id, v FROM t")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(rows.Columns()); got != "[id v]" || rows.Next() {
			t.Errorf("columns %s", got)
		}
		var v string
		if err := conn.QueryRow(testContext(t), "SELECT v FROM t WHERE id = 7").Scan(&v); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("a row that is not there: %v", err)
		}
	})
	t.Run("rows in the text, listed columns, select", func(t *testing.T) {
		run(t, conn, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
		run(t, conn, "INSERT INTO t (id) SELECT number + 10 FROM numbers(5)")
		batch, err := conn.PrepareBatch(testContext(t), "INSERT INTO shop.t (id)")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(batch.Append(uint64(20)), batch.Send()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, conn, "SELECT count() FROM t WHERE v = 'none'"); n != 6 {
			t.Errorf("%d rows with the default", n)
		}
	})
	t.Run("an engine's error has its number, name and words", func(t *testing.T) {
		var e *clickhouse.Exception
		if err := conn.Exec(testContext(t), "SELECT * FROM missing"); !errors.As(err, &e) || e.Code != 60 || e.Name != "DB::Exception" || !strings.Contains(e.Message, "missing") {
			t.Errorf("%+v", err)
		}
		if _, err := conn.PrepareBatch(testContext(t), "INSERT INTO missing"); !errors.As(err, &e) || e.Code != 60 {
			t.Errorf("insert: %v", err)
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
	t.Run("settings hold for their query alone", func(t *testing.T) {
		ctx := clickhouse.Context(testContext(t), clickhouse.WithSettings(clickhouse.Settings{"max_result_rows": 3, "result_overflow_mode": "throw"}))
		var e *clickhouse.Exception
		rows, err := conn.Query(ctx, "SELECT number FROM numbers(10)")
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
		}
		if !errors.As(err, &e) || e.Code != 396 {
			t.Errorf("beyond max_result_rows: %v", err)
		}
		if n := count(t, conn, "SELECT count() FROM (SELECT number FROM numbers(10))"); n != 10 {
			t.Errorf("after it: %d", n)
		}
		bad := clickhouse.Context(testContext(t), clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
		if err := conn.Exec(bad, "SELECT 1"); !errors.As(err, &e) || e.Code != 115 {
			t.Errorf("unknown setting: %v", err)
		}
	})
	t.Run("parameters", func(t *testing.T) {
		ctx := clickhouse.Context(testContext(t), clickhouse.WithParameters(clickhouse.Parameters{"text": "it's", "n": "5"}))
		var text string
		var n uint8
		if err := conn.QueryRow(ctx, "SELECT {text:String}, {n:UInt8}").Scan(&text, &n); err != nil || text != "it's" || n != 5 {
			t.Errorf("%q %d %v", text, n, err)
		}
		if n := count(t, conn, "SELECT count() FROM t WHERE id IN (?)", []uint64{1, 2}); n != 2 {
			t.Errorf("bound: %d", n)
		}
	})
	t.Run("statements that answer without SELECT", func(t *testing.T) {
		rows, err := conn.Query(testContext(t), "SHOW TABLES")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if !rows.Next() {
			t.Error("no table shown")
		}
		var exists uint8
		if err := conn.QueryRow(testContext(t), "EXISTS TABLE t").Scan(&exists); err != nil || exists != 1 {
			t.Errorf("exists: %d %v", exists, err)
		}
	})
	t.Run("an unknown database and a canceled query", func(t *testing.T) {
		other := connect(t, strings.Replace(ch.DSN(), "/shop", "/nowhere", 1), clickhouse.CompressionNone)
		var e *clickhouse.Exception
		if err := other.Ping(testContext(t)); !errors.As(err, &e) || e.Code != 81 {
			t.Errorf("unknown database: %v", err)
		}
		ctx, cancel := context.WithCancel(testContext(t))
		rows, err := conn.Query(ctx, "SELECT number FROM system.numbers")
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		cancel()
		for rows.Next() {
		}
		if err := conn.Ping(testContext(t)); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

func TestClickHouseAsksForThePassword(t *testing.T) {
	t.Parallel()
	ch := startClickHouse(t, embedded.ClickHouseOptions{User: "reader", Password: "s3:/cret@"})
	if err := connect(t, ch.DSN(), clickhouse.CompressionNone).Ping(testContext(t)); err != nil {
		t.Error(err)
	}
	var e *clickhouse.Exception
	if err := connect(t, "clickhouse://reader:wrong@"+ch.Addr(), clickhouse.CompressionNone).Ping(testContext(t)); !errors.As(err, &e) || e.Code != 516 {
		t.Errorf("a wrong password: %v", err)
	}
}

// I5: what the sink relies on, that a repeated token inserts nothing, also over a kill -9.
func TestClickHouseHonoursInsertTokensOverAKill(t *testing.T) {
	t.Parallel()
	ch := startClickHouse(t, embedded.ClickHouseOptions{})
	conn := connect(t, ch.DSN(), clickhouse.CompressionLZ4)
	run(t, conn, "CREATE TABLE events (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100")
	run(t, conn, "CREATE TABLE totals (k UInt8, n UInt64) ENGINE = SummingMergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100")
	run(t, conn, "CREATE MATERIALIZED VIEW to_totals TO totals AS SELECT 1 AS k, count() AS n FROM events")
	insert := func(token string, ids ...uint64) {
		t.Helper()
		ctx := clickhouse.Context(testContext(t), clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplication_token": token, "insert_deduplicate": 1, "async_insert": 0, "deduplicate_blocks_in_dependent_materialized_views": 1,
		}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO events (id)")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if err := batch.Append(id); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	check := func(rows, total uint64) {
		t.Helper()
		if n := count(t, conn, "SELECT count() FROM events"); n != rows {
			t.Errorf("%d rows, want %d", n, rows)
		}
		if n := count(t, conn, "SELECT sum(n) FROM totals"); n != total {
			t.Errorf("the view saw %d rows, want %d", n, total)
		}
	}
	insert("p0-1", 1, 2, 3)
	insert("p0-1", 1, 2, 3)
	check(3, 3)
	insert("p0-2", 1, 2, 3) // the same rows under another token are other rows
	check(6, 6)
	ch.Kill()
	if err := ch.Restart(testContext(t)); err != nil {
		t.Fatal(err)
	}
	insert("p0-2", 1, 2, 3)
	check(6, 6)
	insert("p0-3", 4)
	check(7, 7)
}

func TestClickHouseServesConnectionsInParallel(t *testing.T) {
	t.Parallel()
	ch := startClickHouse(t, embedded.ClickHouseOptions{})
	run(t, connect(t, ch.DSN(), clickhouse.CompressionLZ4), "CREATE TABLE p (id UInt64) ENGINE = MergeTree ORDER BY id")
	var wg sync.WaitGroup
	for worker := range uint64(4) {
		wg.Go(func() {
			conn := connect(t, ch.DSN(), clickhouse.CompressionLZ4)
			for round := range uint64(5) {
				batch, err := conn.PrepareBatch(context.Background(), "INSERT INTO p")
				if err != nil {
					t.Error(err)
					return
				}
				for n := range uint64(1000) {
					_ = batch.Append(worker*100000 + round*1000 + n)
				}
				if err := batch.Send(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := count(t, connect(t, ch.DSN(), clickhouse.CompressionNone), "SELECT uniqExact(id) FROM p"); n != 20000 {
		t.Errorf("%d rows", n)
	}
}
