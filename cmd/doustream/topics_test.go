package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// fakeKafka starts a cluster in this process without any topic.
func fakeKafka(t *testing.T) (brokers string, admin *kadm.Client) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return strings.Join(cluster.ListenAddrs(), ","), kadm.NewClient(client)
}

// invoke runs the program as main does.
func invoke(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), t.Context(), args, environ, &out, &errs)
	return code, out.String(), errs.String()
}

func TestTopicsMakesWhatIsMissingAndNothingElse(t *testing.T) {
	t.Parallel()
	brokers, admin := fakeKafka(t)
	environ := []string{"DOUSTREAM_KAFKA_BROKERS=" + brokers, "DOUSTREAM_TOPIC_PREFIX=t.", "DOUSTREAM_TOPIC_PARTITIONS=5", "DOUSTREAM_ORDER_TOPICS=a,b"}

	code, out, errs := invoke(t, environ, "topics")
	if code != exitOK || strings.Count(out, " made\n") != 16 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	details, err := admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"t.miniapp.login": 5, "t.doustream.sessions": 5, "t.doustream.tokens": 1, "t.a": 6, "t.b": 6} {
		if got := len(details[name].Partitions); got != want {
			t.Errorf("%s has %d partitions, want %d", name, got, want)
		}
	}
	again, out, errs := invoke(t, environ, "topics")
	if again != exitOK || strings.Contains(out, "made") || strings.Contains(out, "differs") {
		t.Fatalf("again: exit %d\n%s%s", again, out, errs)
	}
}

func TestTopicsSaysWhatDiffersAndLeavesIt(t *testing.T) {
	t.Parallel()
	brokers, admin := fakeKafka(t)
	policy := "delete"
	for _, name := range append(schemas.InputTopics(), schemas.TopicSessions) {
		if _, err := admin.CreateTopic(t.Context(), 3, 1, map[string]*string{"cleanup.policy": &policy}, name); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := invoke(t, []string{"DOUSTREAM_KAFKA_BROKERS=" + brokers}, "topics")
	if code != exitOK || !strings.Contains(out, "cleanup.policy is delete, expected compact,delete") {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	configs, err := admin.DescribeTopicConfigs(t.Context(), schemas.TopicSessions)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := configs.On(schemas.TopicSessions, nil)
	for _, c := range answer.Configs {
		if c.Key == "cleanup.policy" && c.MaybeValue() != "delete" {
			t.Errorf("it altered cleanup.policy to %s", c.MaybeValue())
		}
	}
	details, err := admin.ListTopics(t.Context(), schemas.TopicParked)
	if err != nil || len(details[schemas.TopicParked].Partitions) != 3 {
		t.Errorf("a missing copartitioned topic has %d partitions beside others of 3 (%v)", len(details[schemas.TopicParked].Partitions), err)
	}
}

func TestTopicsRefusesPartitionCountsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	brokers, admin := fakeKafka(t)
	for name, partitions := range map[string]int32{schemas.TopicLogin: 3, schemas.TopicPhone: 4} {
		if _, err := admin.CreateTopic(t.Context(), partitions, 1, nil, name); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs := invoke(t, []string{"DOUSTREAM_KAFKA_BROKERS=" + brokers}, "topics")
	if code != exitFailed || !strings.Contains(errs, "3:[miniapp.login]") || !strings.Contains(errs, "4:[miniapp.phone]") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if details, err := admin.ListTopics(t.Context()); err != nil || len(details) != 2 {
		t.Errorf("%d topics, %v", len(details), err)
	}
}

// I10: a producer that takes less than a topic does would stop at a dead letter
// that the topic has room for.
func TestProducersTakeWhatTheTopicsTake(t *testing.T) {
	t.Parallel()
	sizes := batchBytes(schemas.Topics(schemas.TopicOptions{Prefix: "t."}))
	input := sizes["t."+schemas.TopicLogin]
	for _, topic := range []string{schemas.TopicDeadLetters, schemas.TopicParked} {
		if got := sizes["t."+topic]; got != input+64<<10 {
			t.Errorf("%s: batches of %d bytes, want 64 KiB more than the inputs' %d", topic, got, input)
		}
	}
}
