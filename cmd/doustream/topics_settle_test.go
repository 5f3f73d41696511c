package main

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/embedded"
)

// A topic that was made a moment ago is not known to every broker.
func TestTopicsAreWaitedForUntilTheBrokersKnowThem(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		times   int // that a broker does not know the topic
		settles bool
	}{
		"known at once":    {0, true},
		"known after some": {2, true},
		"never known":      {-1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = kafka.Close() })
			client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Brokers()...))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			admin := kadm.NewClient(client)
			if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, "new"); err != nil {
				t.Fatal(err)
			}
			if tc.times != 0 {
				kafka.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "new", Err: kerr.UnknownTopicOrPartition, Count: tc.times})
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			if !tc.settles {
				ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			}
			defer cancel()
			if err := settleTopics(ctx, admin, []string{"new"}); (err == nil) != tc.settles {
				t.Errorf("settled: %v", err)
			}
		})
	}
}
