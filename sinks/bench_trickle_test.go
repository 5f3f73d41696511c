package sinks

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/embedded"
	"doustream/schemas"
)

// BenchmarkTrickle is how long a record takes from Kafka's acknowledgement until a
// query of ClickHouse shows its row, where a few come each second, into every
// partition, and blocks are flushed by age: as configured by default.
func BenchmarkTrickle(b *testing.B) {
	records := 200
	if backlogRows() > 0 {
		records = 2000
	}
	kafka, err := embedded.StartKafkaProcess(testContext(b), embedded.KafkaOptions{Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = kafka.Close() })
	from := newBacklog(b, kafka.Brokers(), benchPartitions)
	engine := migrated(b)
	b.ResetTimer()
	c := measure(b, measured{Does: "sink", Brokers: from.brokers, DSN: engine.DSN(), Group: "bench.trickle"}, func() {
		awaitCommitted(b, from, "bench.trickle")
		seen := trickle(b, from, engine, records)
		slices.Sort(seen)
		b.ReportMetric(float64(seen[len(seen)/2].Milliseconds()), "p50-ms")
		b.ReportMetric(float64(seen[len(seen)*99/100].Milliseconds()), "p99-ms")
		b.ReportMetric(float64(seen[len(seen)-1].Milliseconds()), "max-ms")
	})
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(c.RSS)/(1<<20), "rss-MB")
}

// trickle produces a record each 20 ms, asks ClickHouse all the while how far
// every partition has come, and answers how long each record took.
func trickle(b *testing.B, from *backlog, engine *embedded.ClickHouse, records int) []time.Duration {
	client, err := kgo.NewClient(kgo.SeedBrokers(from.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	type mark struct {
		partition int32
		offset    int64
		at        time.Time
	}
	var waiting []mark
	var seen []time.Duration
	conn, crowd, topics := connect(b, engine.DSN()), newCrowd(), testTopics(b, 0)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for sent := 0; len(seen) < records; <-tick.C {
		if sent < records {
			u := crowd.next()
			rec, err := topics.Enriched(&u)
			if err != nil {
				b.Fatal(err)
			}
			rec.Topic, rec.Partition = "test."+schemas.TopicUsers, int32(sent%benchPartitions)
			if err := client.ProduceSync(testContext(b), rec).FirstErr(); err != nil {
				b.Fatal(err)
			}
			waiting = append(waiting, mark{rec.Partition, rec.Offset, time.Now()})
			sent++
		}
		shown := make(map[int32]int64)
		rows, err := conn.Query(testContext(b), "SELECT _partition, max(_offset) FROM user_events GROUP BY _partition")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			var partition int32
			var offset int64
			if err := rows.Scan(&partition, &offset); err != nil {
				b.Fatal(err)
			}
			shown[partition] = offset
		}
		_ = rows.Close()
		now := time.Now()
		waiting = slices.DeleteFunc(waiting, func(m mark) bool {
			if m.offset > shown[m.partition] {
				return false
			}
			seen = append(seen, now.Sub(m.at))
			return true
		})
	}
	return seen
}
