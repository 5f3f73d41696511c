package sinks

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/embedded"
	"doustream/schemas"
)

func (w *world) verify() map[string]VerifiedPartition {
	w.t.Helper()
	last := int64(-1)
	found, err := Verify(testContext(w.t), VerifyConfig{
		Connect: []kgo.Opt{kgo.SeedBrokers(w.brokers...)}, Group: testGroup, Prefix: "test.", Tables: Tables{DSN: w.engine.DSN()},
		Progress: func(done, total int64) {
			if done < last || done > total {
				w.t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ok := true
	out := make(map[string]VerifiedPartition)
	for _, p := range found.Partitions {
		out[p.Table] = p
		ok = ok && p.OK()
	}
	if ok != found.OK() {
		w.t.Errorf("OK() is %v", found.OK())
	}
	return out
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	if got := w.verify()["user_events"]; !got.OK() || got.Records != 0 {
		t.Fatalf("an empty world: %+v", got)
	}
	w.transact(kgo.TryCommit, w.users(40, 0)...)
	w.transact(kgo.TryAbort, w.users(25, 0)...)
	w.transact(kgo.TryCommit, w.users(40, 0)...)
	bad := &kgo.Record{Topic: "test." + schemas.TopicUsers, Value: []byte("garbage")}
	w.produce(bad)
	_, stop := w.run(w.config())
	w.once(80)
	w.await(1, "SELECT count() FROM dead_letters")
	until(t, "the commit", func() bool { return w.committed() == 109 })

	t.Run("holds while the sink runs, markers and aborted records being none", func(t *testing.T) {
		got := w.verify()["user_events"]
		if !got.OK() || got.Records != 81 || got.DeadLettered != 1 || got.To != 109 {
			t.Fatalf("%+v", got)
		}
	})
	stop()
	t.Run("rows that were deleted by hand are missing", func(t *testing.T) {
		w.exec("ALTER TABLE user_events DELETE WHERE _offset IN (3, 4, 5, 70) SETTINGS mutations_sync = 2")
		got := w.verify()["user_events"]
		if got.OK() || got.Missing.Count != 4 || !slices.Equal(got.Missing.Ranges, [][2]int64{{3, 5}, {70, 70}}) {
			t.Fatalf("%+v", got)
		}
	})
	t.Run("a row that was inserted twice is repeated", func(t *testing.T) {
		w.exec("INSERT INTO user_events SELECT * FROM user_events WHERE _offset = 10")
		got := w.verify()["user_events"]
		if got.Repeated.Count != 1 || got.Repeated.Ranges[0] != [2]int64{10, 10} {
			t.Fatalf("%+v", got)
		}
	})
	t.Run("a row of an aborted record is surplus", func(t *testing.T) {
		w.exec("INSERT INTO user_events (_topic, _partition, _offset) SELECT 'test.users.enriched', 0, 50")
		got := w.verify()["user_events"]
		if got.Surplus.Count != 1 || got.Surplus.Ranges[0] != [2]int64{50, 50} {
			t.Fatalf("%+v", got)
		}
	})
	t.Run("a row beyond the log's end is surplus", func(t *testing.T) {
		w.exec("INSERT INTO user_events (_topic, _partition, _offset) SELECT 'test.users.enriched', 0, 1000000")
		if got := w.verify()["user_events"]; got.Surplus.Count != 2 {
			t.Fatalf("%+v", got)
		}
	})
	t.Run("the other tables are compared too", func(t *testing.T) {
		if got := w.verify()["dead_letters"]; !got.OK() || got.Records != 1 {
			t.Fatalf("%+v", got)
		}
	})
}

// A sink that works may have made a dead letter that is no row yet.
// A log that does not answer was not compared: its rows are no surplus.
func TestVerifyOfALogThatGivesNothingIsAnError(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(testContext(t), embedded.KafkaOptions{Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	w := newWorldOn(t, kafka.Brokers(), 1)
	w.produce(w.users(20, 0)...)
	_, stop := w.run(w.config())
	w.once(20)
	until(t, "the commit", func() bool { return w.committed() == 20 })
	stop()
	refusal := embedded.KafkaFault{
		Topic: "test." + schemas.TopicUsers, Keys: []int16{kmsg.Fetch.Int16()}, Code: kerr.NotLeaderForPartition.Code, Count: 1 << 30,
	}
	if err := kafka.Fault(refusal); err != nil {
		t.Fatal(err)
	}
	found, err := Verify(testContext(t), VerifyConfig{
		Connect: []kgo.Opt{kgo.SeedBrokers(w.brokers...)}, Group: testGroup, Prefix: "test.", Tables: Tables{DSN: w.engine.DSN()}, silence: time.Second,
	})
	if err == nil || !strings.Contains(err.Error(), "offsets 0 to 19") {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestVerifyBesideASinkThatHasNotComeToItsDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.exec("RENAME TABLE dead_letters TO later") // their partition stops
	garbage := &kgo.Record{Topic: "test." + schemas.TopicUsers, Value: []byte("garbage")}
	w.produce(append(w.users(10, 0), garbage)...)
	_, stop := w.run(w.config())
	w.once(10)
	until(t, "the commit", func() bool { return w.committed() == 11 })
	stop()
	w.exec("RENAME TABLE later TO dead_letters")
	if got := w.verify()["user_events"]; !got.OK() || got.DeadLettered != 1 || got.Records != 11 {
		t.Errorf("%+v", got)
	}
}

func TestVerifySince(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	records := w.users(20, 0)
	for i, rec := range records {
		rec.Timestamp = time.Now().Add(time.Duration(i-20) * time.Hour)
	}
	w.produce(records...)
	_, stop := w.run(w.config())
	w.once(20)
	until(t, "the commit", func() bool { return w.committed() == 20 })
	stop()
	w.exec("ALTER TABLE user_events DELETE WHERE _offset IN (3, 17) SETTINGS mutations_sync = 2")
	found, err := Verify(testContext(t), VerifyConfig{
		Connect: []kgo.Opt{kgo.SeedBrokers(w.brokers...)}, Group: testGroup, Prefix: "test.", Tables: Tables{DSN: w.engine.DSN()},
		Since: time.Now().Add(-10*time.Hour - 30*time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found.Partitions {
		if p.Table == "user_events" && (p.From != 10 || p.Records != 10 || !slices.Equal(p.Missing.Ranges, [][2]int64{{17, 17}})) {
			t.Errorf("%+v", p)
		}
	}
}

func TestGaps(t *testing.T) {
	var g Gaps
	for _, offset := range []int64{1, 2, 3, 7, 9, 10} {
		g.add(offset)
	}
	if g.Count != 6 || !slices.Equal(g.Ranges, [][2]int64{{1, 3}, {7, 7}, {9, 10}}) {
		t.Fatalf("%+v", g)
	}
}
