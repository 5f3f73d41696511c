package sinks

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/embedded"
)

// A record that is kept, as one that the table refuses is until its dead letter
// stands, holds its bytes while the memory of others is lent again and again.
func TestARecordThatIsKeptHoldsItsBytes(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(testContext(t), embedded.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	const rounds, batch = 60, 50
	value := func(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%06d.", n), 30) }
	producer, err := kgo.NewClient(kgo.SeedBrokers(kafka.Brokers()...), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.DefaultProduceTopic("kept"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	if _, err := kadm.NewClient(producer).CreateTopic(testContext(t), 1, 1, nil, "kept"); err != nil {
		t.Fatal(err)
	}
	lender := newRecycler()
	consumer, err := kgo.NewClient(append(lender.options(), kgo.SeedBrokers(kafka.Brokers()...), kgo.ConsumeTopics("kept"),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(consumer.Close)

	kept := make(map[int]*kgo.Record)
	for n := 0; n < rounds*batch; {
		records := make([]*kgo.Record, batch)
		for i := range records {
			records[i] = &kgo.Record{Value: value(n + i)}
		}
		if err := producer.ProduceSync(testContext(t), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < batch; {
			fetches := consumer.PollFetches(testContext(t))
			if err := fetches.Err(); err != nil {
				t.Fatal(err)
			}
			fetches.EachRecord(func(rec *kgo.Record) {
				if !bytes.Equal(rec.Value, value(n)) {
					t.Fatalf("record %d reads %.20q", n, rec.Value)
				}
				if n%97 == 0 {
					kept[n] = rec
				} else {
					rec.Recycle()
				}
				n++
				got++
			})
		}
	}
	for n, rec := range kept {
		if !bytes.Equal(rec.Value, value(n)) {
			t.Errorf("record %d, kept, reads %.20q", n, rec.Value)
		}
	}
	if b := lender.GetDecompressBytes(make([]byte, 1<<20), 3); cap(b) < 2<<20 {
		t.Errorf("room of %d bytes for a batch of 1 MiB, where batches grow more than twofold", cap(b))
	}
}
