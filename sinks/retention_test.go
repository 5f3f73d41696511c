package sinks

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// migrateTo migrates to a retention and answers what was applied by name.
func (w *world) migrateTo(keep Retention) string {
	w.t.Helper()
	applied, err := Migrate(testContext(w.t), Tables{DSN: w.engine.DSN(), Retention: keep})
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, m := range applied {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}

func TestRetentionIsSetChangedAndTakenAway(t *testing.T) {
	t.Parallel()
	dsn := inDatabase(t, startClickHouse(t, "").DSN(), "kept")
	ctx := testContext(t)
	migrate := func(keep Retention) string {
		t.Helper()
		tables := Tables{DSN: dsn, Retention: keep}
		planned, err := Migrations(ctx, tables)
		if err != nil {
			t.Fatal(err)
		}
		applied, err := Migrate(ctx, tables)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		pending := 0
		for _, m := range planned {
			if m.Pending() {
				pending++
			}
		}
		for _, m := range applied {
			if m.Version == 0 {
				names = append(names, m.Name)
			}
		}
		if pending != len(applied) {
			t.Errorf("%d planned, %d applied", pending, len(applied))
		}
		return strings.Join(names, ", ")
	}
	for _, step := range []struct {
		keep Retention
		want string
	}{
		{Retention{"user_events": 30, "users": 400}, "keep rows of user_events for 30 days, keep rows of users for 400 days"},
		{Retention{"user_events": 30, "users": 400}, ""},
		{Retention{}, ""}, // not asked for: as it is
		{Retention{"user_events": 60}, "keep rows of user_events for 60 days"},
		{Retention{"user_events": 0, "notifications": 0}, "keep rows of user_events for ever"},
		{Retention{"user_events": 0}, ""},
	} {
		if got := migrate(step.keep); got != step.want {
			t.Errorf("%v: applied %q, want %q", step.keep, got, step.want)
		}
	}
}

// A backlog older than rows are kept goes through: its rows may be gone before they
// are looked up, and neither the sink nor verify takes that for a loss.
func TestABacklogOlderThanItsRetentionIsNoLoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	if got := w.migrateTo(Retention{"user_events": 10}); got == "" {
		t.Fatal("no retention")
	}
	records := w.users(60, 0)
	for i, rec := range records {
		rec.Timestamp = time.Now()
		if i < 40 {
			rec.Timestamp = rec.Timestamp.AddDate(0, 0, -30)
		}
	}
	w.produce(records...)
	cfg := w.config()
	cfg.Metrics = prometheus.NewRegistry()
	s, stop := w.run(cfg, func(s *ClickHouse) {
		s.passes = func(point string) {
			if point == "after "+stepInsert {
				_ = w.rows.Exec(testContext(t), "OPTIMIZE TABLE user_events FINAL") // what merges do sooner or later
			}
		}
	})
	until(t, "the last commit", func() bool { return w.committed() == 60 })
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	stop()
	w.exec("OPTIMIZE TABLE user_events FINAL")
	w.once(20)
	found := w.verify()["user_events"]
	if !found.OK() || found.Expired != 40 || found.Records != 60 {
		t.Errorf("%+v", found)
	}
	w.exec("ALTER TABLE user_events DELETE WHERE _offset = 50 SETTINGS mutations_sync = 2")
	if found := w.verify()["user_events"]; found.OK() || found.Missing.Count != 1 {
		t.Errorf("a loss is not seen: %+v", found)
	}
}

func TestRowsThatTheTTLTakesAtOnceAreNotInsertedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.migrateTo(Retention{"user_events": 10})
	store := storeFor(t, w.engine.DSN(), "user_events", "test.users.enriched")
	b := newBlock(newUserRows(nil))
	for _, rec := range w.users(3, 0) {
		rec.Offset, rec.Timestamp = int64(len(b.at)), time.Now().AddDate(0, 0, -30)
		b.add(rec)
	}
	if there, err := store.present(testContext(t), b); err != nil || there[0] {
		t.Fatalf("before the insert: %v, %v", there, err)
	}
	if err := store.insert(testContext(t), b, "token"); err != nil {
		t.Fatal(err)
	}
	w.exec("TRUNCATE TABLE user_events") // as the TTL does
	if there, err := store.present(testContext(t), b); err != nil || !there[0] || !there[2] {
		t.Fatalf("after the insert: %v, %v", there, err)
	}
	w.migrateTo(Retention{"user_events": 0})
	if there, err := store.present(testContext(t), b); err != nil || there[0] {
		t.Fatalf("rows that are kept for ever are gone: %v, %v", there, err)
	}
}
