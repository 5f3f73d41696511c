package sinks

import (
	"slices"
	"testing"

	"doustream/schemas"
)

// What an insert that ended between the table and its views has left out.
func TestDerivedTablesAreRightAfterAnInsertThatEndedInBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.produce(w.users(100, 0)...)
	for _, view := range derivations["user_events"] {
		w.exec("DETACH TABLE " + view)
	}
	w.kill("after insert", 1)
	for _, view := range derivations["user_events"] {
		w.exec("ATTACH TABLE " + view)
	}
	if n := count(t, w.rows, "SELECT count() FROM user_facts"); n != 0 {
		t.Fatalf("%d facts: the views were not left out", n)
	}
	w.run(w.config())
	w.once(100)
	w.await(1, "SELECT toUInt64(count() = 7) FROM user_facts FINAL")
	for _, check := range []string{
		"(SELECT uniqExact(version) FROM user_facts) >= 7",
		"(SELECT min(first_seen_at) FROM user_first_seen) = (SELECT min(occurred_at) FROM user_events)",
		"(SELECT count() FROM consent_facts FINAL) = 3",
		"(SELECT argMax(event_id, (occurred_at, _topic, _partition, _offset)) FROM user_events WHERE kind = 'LOGIN') != ''",
	} {
		if count(t, w.rows, "SELECT toUInt64("+check+")") != 1 {
			t.Error(check)
		}
	}
}

func TestDeriveAgainChangesNothing(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	conn := connect(t, engine.DSN())
	users := everyKind()
	b := newBlock(newUserRows(nil))
	for i := range users {
		b.add(userRecord(t, int64(i), &users[i]))
	}
	store := storeFor(t, engine.DSN(), "user_events", schemas.TopicUsers)
	if err := store.insert(testContext(t), b, "token"); err != nil {
		t.Fatal(err)
	}
	sum := "SELECT sum(cityHash64(toString(tuple(*)))) FROM users"
	before := count(t, conn, sum)
	for range 2 {
		if err := store.derive(testContext(t), b); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(t, conn, sum); after != before {
		t.Errorf("users changed: %d, %d", before, after)
	}
}

// Every view of the migrations that reads one of the sink's tables is derived
// again; one that a repeated insert would change must not be there at all.
func TestEveryViewIsDerivedAgain(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	conn := connect(t, engine.DSN())
	found, err := conn.Query(testContext(t), "SELECT name, arrayJoin(dependencies_table) FROM system.tables WHERE database = currentDatabase()")
	if err != nil {
		t.Fatal(err)
	}
	views := 0
	for found.Next() {
		var table, view string
		if err := found.Scan(&table, &view); err != nil {
			t.Fatal(err)
		}
		views++
		if !slices.Contains(derivations[table], view) {
			t.Errorf("%s of %s is not among the derivations", view, table)
		}
	}
	if views != len(derivations["user_events"]) {
		t.Errorf("%d views", views)
	}
}
