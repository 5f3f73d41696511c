package sinks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/embedded"
	"doustream/schemas"
)

const testGroup = "test.sink"

// world is a Kafka with the sink's topics and a ClickHouse with its tables.
type world struct {
	t          testing.TB
	brokers    []string
	engine     *embedded.ClickHouse
	client     *kgo.Client // produces
	rows       driver.Conn
	topics     *Topics
	victimsAge time.Duration // of a block; 0: half a second
}

func newWorld(t testing.TB, partitions int32) *world {
	t.Helper()
	kafka, err := embedded.StartKafka(testContext(t), embedded.KafkaOptions{Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	return newWorldOn(t, kafka.Brokers(), partitions)
}

func newWorldOn(t testing.TB, brokers []string, partitions int32) *world {
	t.Helper()
	w := &world{t: t, brokers: brokers, engine: migrated(t), topics: testTopics(t, 0)}
	w.rows = connect(t, w.engine.DSN())
	w.client = w.newClient()
	for _, topic := range []string{schemas.TopicUsers, schemas.TopicResults, schemas.TopicDeadLetters} {
		if _, err := kadm.NewClient(w.client).CreateTopic(testContext(t), partitions, 1, nil, "test."+topic); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) newClient(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(w.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

// users are n records of users.enriched for one partition.
func (w *world) users(n int, partition int32) []*kgo.Record {
	w.t.Helper()
	kinds := everyKind()
	records := make([]*kgo.Record, n)
	for i := range records {
		u := kinds[i%len(kinds)]
		u.EventID = fmt.Sprintf("e-%d-%d", partition, i)
		rec, err := w.topics.Enriched(&u)
		if err != nil {
			w.t.Fatal(err)
		}
		rec.Partition = partition
		records[i] = rec
	}
	return records
}

func (w *world) produce(records ...*kgo.Record) {
	w.t.Helper()
	if err := w.client.ProduceSync(testContext(w.t), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) config() ClickHouseConfig {
	return ClickHouseConfig{
		Connect: []kgo.Opt{kgo.SeedBrokers(w.brokers...)}, Group: testGroup, Prefix: "test.", Topics: w.topics, Tables: Tables{DSN: w.engine.DSN()},
		BlockRows: 50, BlockAge: 50 * time.Millisecond, InsertsPerSecond: 200,
		SessionTimeout: 3 * time.Second, RebalanceTimeout: 10 * time.Second, DrainTimeout: 5 * time.Second,
		Logger: slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// run runs a sink until the answer is called, which returns when it has ended.
func (w *world) run(cfg ClickHouseConfig, adjust ...func(*ClickHouse)) (s *ClickHouse, stop func()) {
	w.t.Helper()
	s, err := NewClickHouse(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range adjust {
		f(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(stop)
	return s, stop
}

// await polls until the query answers want.
func (w *world) await(want uint64, query string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	var got uint64
	for {
		if err := w.rows.QueryRow(ctx, query).Scan(&got); err == nil && got == want {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("%s: %d, want %d", query, got, want)
		case <-tick.C:
		}
	}
}

// once asserts I5 for user_events: each of the expected records is one row.
func (w *world) once(want int) {
	w.t.Helper()
	w.await(uint64(want), "SELECT uniqExact(_topic, _partition, _offset) FROM user_events")
	if n := count(w.t, w.rows, "SELECT count() FROM user_events"); n != uint64(want) {
		w.t.Fatalf("I5: %d rows of %d records", n, want)
	}
}

// committed is the group's offset of each partition of users.enriched, summed.
func (w *world) committed() (sum int64) {
	offsets, err := kadm.NewClient(w.client).FetchOffsets(testContext(w.t), testGroup)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		w.t.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == "test."+schemas.TopicUsers {
			sum += max(0, o.At)
		}
	})
	return sum
}

func TestI5EveryRecordIsOneRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	for p := range int32(3) {
		w.produce(w.users(333, p)...)
	}
	cfg := w.config()
	cfg.Metrics = prometheus.NewRegistry()
	s, stop := w.run(cfg)
	w.once(999)
	w.produce(w.users(1, 0)...)
	w.once(1000)
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	stop()
	if got := w.committed(); got != 1000 {
		t.Fatalf("committed %d", got)
	}
	t.Run("and none again after a restart", func(t *testing.T) {
		w.produce(w.users(10, 1)...)
		w.run(w.config())
		w.once(1010)
	})
}
