package sinks

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/embedded"
	"doustream/schemas"
)

// until polls a condition with a deadline.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s did not come about", what)
		case <-tick.C:
		}
	}
}

// value is what a counter or gauge shows.
func value(t testing.TB, m prometheus.Metric) float64 {
	t.Helper()
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetCounter().GetValue() + out.GetGauge().GetValue()
}

func (w *world) exec(statement string) {
	w.t.Helper()
	if err := w.rows.Exec(testContext(w.t), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// transact produces records in one transaction, committed or aborted.
func (w *world) transact(end kgo.TransactionEndTry, records ...*kgo.Record) {
	w.t.Helper()
	ctx := testContext(w.t)
	producer := w.newClient(kgo.TransactionalID("t"))
	defer producer.Close()
	if err := producer.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	if err := producer.EndTransaction(ctx, end); err != nil {
		w.t.Fatal(err)
	}
}

func TestI5AbortedRecordsAndMarkersAreHoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	for range 4 {
		w.transact(kgo.TryCommit, w.users(30, 0)...)
		w.transact(kgo.TryAbort, w.users(25, 0)...)
	}
	cfg := w.config()
	cfg.BlockRows = 17 // ranges end beside the holes and across them
	w.run(cfg)
	w.once(120)
	w.transact(kgo.TryCommit, w.users(5, 0)...)
	w.once(125)
}

func TestOnePoisonousRowIsDeadLetteredAndTheOthersGoIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.exec("ALTER TABLE user_events ADD CONSTRAINT no_13 CHECK event_id NOT IN ('e-0-13', 'e-0-14', 'e-0-37')")
	w.produce(w.users(60, 0)...)
	cfg, log := w.listen()
	s, _ := w.run(cfg)
	w.once(57)
	w.await(3, "SELECT countIf(reason = 'invalid' AND stage = 'insert' AND role = 'sink' AND source_topic = 'test.users.enriched') FROM dead_letters")
	w.await(3, "SELECT uniqExact(source_offset) FROM dead_letters WHERE source_offset IN (13, 14, 37)")
	w.produce(w.users(10, 0)...)
	w.once(67)
	if n := value(t, s.metrics.rejected.WithLabelValues("user_events", stageInsert)); n != 3 {
		t.Errorf("%v rejected", n)
	}
	// I8: ClickHouse quotes the row at fault; the log names its place and the code.
	if text := log.String(); !strings.Contains(text, "VIOLATED_CONSTRAINT (469)") || !strings.Contains(text, "offset=37") || strings.Contains(text, "e-0-") {
		t.Errorf("I8: the log says\n%s", text)
	}
}

func TestI1WhatCannotBeReadIsADeadLetterBeforeItsOffsetIsCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	bad := &kgo.Record{Topic: "test." + schemas.TopicUsers, Key: []byte("k"), Value: []byte{0xff, 1, 2}}
	w.produce(append(w.users(5, 0), bad)...)
	w.run(w.config())
	w.once(5)
	w.await(1, "SELECT countIf(stage = 'decode' AND source_offset = 5) FROM dead_letters")
	until(t, "the offset", func() bool { return w.committed() == 6 })
}

// A dead letter that cannot be made holds up its partition, and no other: the
// connection to ClickHouse is not kept meanwhile.
func TestADeadLetterThatKafkaRefusesHoldsUpNoOtherPartition(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(testContext(t), embedded.KafkaOptions{Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	w := newWorldOn(t, kafka.Brokers(), 1)
	w.produce(&kgo.Record{Topic: "test." + schemas.TopicUsers, Value: []byte("garbage")})
	refusal := embedded.KafkaFault{
		Topic: "test." + schemas.TopicDeadLetters, Keys: []int16{kmsg.Produce.Int16()}, Code: kerr.TopicAuthorizationFailed.Code, Count: 1 << 30,
	}
	if err := kafka.Fault(refusal); err != nil {
		t.Fatal(err)
	}
	cfg := w.config()
	cfg.Connections, cfg.Metrics = 1, prometheus.NewRegistry()
	s, _ := w.run(cfg)
	until(t, "a refusal", func() bool { return value(t, s.metrics.retries.WithLabelValues("user_events", stepReject)) > 0 })
	result, err := w.topics.Result(&schemas.NotificationResult{NotificationID: "n", Status: schemas.StatusSent})
	if err != nil {
		t.Fatal(err)
	}
	w.produce(result)
	w.await(1, "SELECT count() FROM notifications")
}

// A table that is gone stops the partitions that need it, and no other.
func TestASchemaErrorStopsItsPartitionsAndNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.exec("RENAME TABLE notifications TO elsewhere")
	result, err := w.topics.Result(&schemas.NotificationResult{NotificationID: "n", Status: schemas.StatusSent})
	if err != nil {
		t.Fatal(err)
	}
	w.produce(result)
	w.produce(w.users(40, 0)...)
	cfg := w.config()
	cfg.Metrics = prometheus.NewRegistry()
	s, stop := w.run(cfg)
	w.once(40)
	until(t, "the stop", func() bool {
		return value(t, s.metrics.stopped.WithLabelValues("notifications")) == 1
	})
	if s.Ready() == nil {
		t.Error("ready with a partition that has stopped")
	}
	w.produce(w.users(10, 0)...)
	w.once(50)
	stop()
	w.exec("RENAME TABLE elsewhere TO notifications")
	w.run(w.config())
	w.await(1, "SELECT count() FROM notifications")
}

// ClickHouse away: the sink waits, keeps its partitions, holds no more than its
// share of memory, and goes on.
func TestI9ClickHouseIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	cfg := w.config()
	cfg.BlockRows = 1000
	cfg.SessionTimeout = 20 * time.Second // a slow machine is no reason to lose the membership
	cfg.RebalanceTimeout = 30 * time.Second
	cfg.MemoryBytes = 1 << 20 // the least share is 1 MiB a partition
	cfg.Metrics = prometheus.NewRegistry()
	w.produce(w.users(10, 0)...)
	s, _ := w.run(cfg)
	w.once(10)
	w.engine.Kill()
	large := w.users(8000, 1)
	w.produce(large...)
	var sent int64
	for _, rec := range large {
		sent += weight(rec)
	}
	if sent < 1<<20 {
		t.Fatalf("only %d bytes: the bound is not reached", sent)
	}
	p := s.lookup("test."+schemas.TopicUsers, 1)
	until(t, "the pause", func() bool {
		p.queue.mu.Lock()
		defer p.queue.mu.Unlock()
		return p.queue.paused
	})
	if retries := s.metrics.retries.WithLabelValues("user_events", stepInsert); value(t, retries) == 0 {
		until(t, "a retry", func() bool { return value(t, retries) > 0 })
	}
	member, generation := s.client.GroupMetadata()
	if err := w.engine.Restart(testContext(t)); err != nil {
		t.Fatal(err)
	}
	w.once(8010)
	if m, g := s.client.GroupMetadata(); m != member || g != generation {
		t.Errorf("the membership changed: %s %d, %s %d", member, generation, m, g)
	}
}

func TestALogThatBeginsAfterTheNextOffsetIsALoudLoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.produce(w.users(20, 0)...)
	_, stop := w.run(w.config())
	w.once(20)
	stop()
	w.produce(w.users(30, 0)...)
	if _, err := kadm.NewClient(w.client).DeleteRecords(testContext(t), kadm.Offsets{"test." + schemas.TopicUsers: {0: {Topic: "test." + schemas.TopicUsers, Partition: 0, At: 35}}}); err != nil {
		t.Fatal(err)
	}
	cfg := w.config()
	cfg.Metrics = prometheus.NewRegistry()
	s, _ := w.run(cfg)
	w.once(35)
	if n := value(t, s.metrics.lost.WithLabelValues("user_events")); n != 15 {
		t.Fatalf("%v offsets reported lost, want 15", n)
	}
}

// A range that was announced and never inserted, part of which the log no longer
// has: what is there goes in, what is not is reported.
func TestAnAnnouncedRangeThatCannotBeRebuilt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.produce(w.users(100, 0)...)
	w.kill("before insert", 1)
	if _, err := kadm.NewClient(w.client).DeleteRecords(testContext(t), kadm.Offsets{"test." + schemas.TopicUsers: {0: {Topic: "test." + schemas.TopicUsers, Partition: 0, At: 7}}}); err != nil {
		t.Fatal(err)
	}
	cfg := w.config()
	cfg.Metrics = prometheus.NewRegistry()
	s, _ := w.run(cfg)
	w.once(93)
	if n := value(t, s.metrics.lost.WithLabelValues("user_events")); n < 7 {
		t.Fatalf("%v offsets reported lost, want at least 7", n)
	}
}

// The range that a predecessor announced is larger than what this instance may
// hold of one partition: it is rebuilt all the same.
func TestAnAnnouncedRangeIsLargerThanTheMemoryOfWhoTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.victimsAge = time.Minute // the block is full first, however slow the machine
	u := everyKind()[1]
	noise := make([]byte, 300_000) // what compresses well is one fetch, however long
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	u.Profile.NickName = hex.EncodeToString(noise)
	for range 40 {
		rec, err := w.topics.Enriched(&u)
		if err != nil {
			t.Fatal(err)
		}
		w.produce(rec)
	}
	w.kill("before insert", 1)
	if s := w.announced(); s.Count < 15 {
		t.Fatalf("a range of %d records is rebuilt from one fetch", s.Count)
	}
	cfg := w.config()
	cfg.MemoryBytes = 1 << 20
	w.run(cfg)
	w.once(40)
}

// announced is the range in the group's metadata of users.enriched, partition 0.
func (w *world) announced() span {
	w.t.Helper()
	offsets, err := kadm.NewClient(w.client).FetchOffsets(testContext(w.t), testGroup)
	if err != nil {
		w.t.Fatal(err)
	}
	at, _ := offsets.Lookup("test."+schemas.TopicUsers, 0)
	s, _ := parseSpan(at.Metadata)
	return s
}

func TestABlockNeverSpansTwoMonths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	records := w.users(40, 0)
	for i, rec := range records {
		rec.Timestamp = time.Date(2025, 10, 31, 23, 59, 59, 0, time.UTC).Add(time.Duration(i/10) * 30 * time.Hour * 24)
	}
	w.produce(records...)
	w.run(w.config())
	w.once(40)
	if n := count(t, w.rows, "SELECT uniqExact(_partition_id) FROM user_events"); n < 3 {
		t.Fatalf("%d months", n)
	}
	tokens := "SELECT count() FROM system.parts WHERE table = 'user_events' AND level = 0 AND rows > 10 AND database = currentDatabase()"
	if n := count(t, w.rows, tokens); n != 0 {
		t.Fatalf("%d parts of more rows than their month's block has", n)
	}
}
