package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/embedded"
	"doustream/schemas"
)

// TestATransactionThatDoesNotEndIsNamed, in a state's topic too: nobody reads it but
// the next owner, who then stands before it. One that ends in time is none.
func TestATransactionThatDoesNotEndIsNamed(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	env := environment{brokersVariable: strings.Join(kafka.Brokers(), ",")}
	client, err := kgo.NewClient(append(kafkaOptions(env), kgo.TransactionalID("t"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	topics := slices.Concat(outputTopics(env), []string{
		schemas.TopicConsents, schemas.TopicSessions, schemas.TopicParked, schemas.TopicNotifications, schemas.TopicTokens,
	})
	if _, err := kadm.NewClient(client).CreateTopics(t.Context(), 1, 1, nil, topics...); err != nil {
		t.Fatal(err)
	}
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: schemas.TopicParked, Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	open, err := awaitTransactions(t.Context(), env, time.Millisecond)
	if err != nil || len(open) != 1 || !strings.HasPrefix(open[0], schemas.TopicParked+"/0") {
		t.Errorf("open: %q, %v", open, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- client.EndTransaction(t.Context(), kgo.TryCommit) }()
	if open, err = awaitTransactions(t.Context(), env, time.Minute); err != nil || len(open) > 0 {
		t.Errorf("still open: %q, %v", open, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
