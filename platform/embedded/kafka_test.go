package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/embedded"
)

// kafkaEngine is a Kafka as the conformance suite sees it.
type kafkaEngine struct {
	brokers []string
	crash   func(t *testing.T) // kills one node with -9 and starts it again
}

func TestKafkaInABox(t *testing.T) {
	t.Parallel()
	k, err := embedded.StartKafkaProcess(testContext(t), embedded.KafkaOptions{Dir: t.TempDir(), Brokers: 2, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	conformKafka(t, kafkaEngine{k.Brokers(), func(t *testing.T) {
		k.Kill()
		if err := k.Restart(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}})
}

func TestKafkaInThisProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	brokers := k.Brokers()
	var port int
	if _, err := fmt.Sscanf(brokers[0], "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	conformKafka(t, kafkaEngine{brokers, func(t *testing.T) {
		_ = k.Close()
		if k, err = embedded.StartKafka(t.Context(), embedded.KafkaOptions{Dir: dir, Ports: []int{port}}); err != nil {
			t.Fatal(err)
		}
	}})
}

// TestApacheKafka runs when DOUSTREAM_TEST_KAFKA says how many nodes: make test-kafka does.
func TestApacheKafka(t *testing.T) {
	nodes := map[string]int{"1": 1, "3": 3}[os.Getenv("DOUSTREAM_TEST_KAFKA")]
	if nodes == 0 {
		t.Skip("set DOUSTREAM_TEST_KAFKA to 1 or 3, as make test-kafka does")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	began := time.Now()
	a, err := embedded.StartApache(ctx, embedded.ApacheOptions{Dir: t.TempDir(), Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d nodes up in %s", nodes, time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	conformKafka(t, kafkaEngine{a.Brokers(), func(t *testing.T) {
		a.Kill(nodes)
		if err := a.Restart(testContext(t), nodes); err != nil {
			t.Fatal(err)
		}
	}})
}

func client(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// conformKafka is what doustream needs of any Kafka.
func conformKafka(t *testing.T, k kafkaEngine) {
	ctx := testContext(t)
	adm := kadm.NewClient(client(t, k.brokers))
	if _, err := adm.CreateTopic(ctx, 2, -1, nil, "events"); err != nil {
		t.Fatal(err)
	}
	compact := "compact"
	if _, err := adm.CreateTopic(ctx, 1, -1, map[string]*string{"cleanup.policy": &compact}, "state"); err != nil {
		t.Fatal(err)
	}

	t.Run("a topic is not made by asking for it", func(t *testing.T) {
		req := kmsg.NewPtrMetadataRequest()
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr("typo")
		req.Topics, req.AllowAutoTopicCreation = append(req.Topics, topic), true
		resp, err := req.RequestWith(ctx, client(t, k.brokers))
		if err != nil || len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != 3 {
			t.Errorf("%+v, %v", resp, err)
		}
	})
	produce := func(t *testing.T, cl *kgo.Client, commit bool, values ...string) {
		t.Helper()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "events", Key: []byte("k"), Value: []byte(v)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cl.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
			t.Fatal(err)
		}
	}
	transactional := client(t, k.brokers, kgo.TransactionalID("producer"), kgo.DefaultProduceTopic("events"))
	produce(t, transactional, true, "1", "2")
	produce(t, transactional, false, "aborted")

	t.Run("what was committed survives a kill -9, what was aborted is never seen", func(t *testing.T) {
		offsets := kadm.Offsets{}
		offsets.AddOffset("events", 0, 1, -1)
		if err := adm.CommitAllOffsets(ctx, "group", offsets); err != nil {
			t.Fatal(err)
		}
		k.crash(t)
		produce(t, client(t, k.brokers, kgo.TransactionalID("producer")), true, "3")
		cl := client(t, k.brokers, kgo.ConsumeTopics("events"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		var got []string
		for len(got) < 3 {
			fetches := cl.PollFetches(ctx)
			if err := ctx.Err(); err != nil {
				t.Fatalf("read %q: %v", got, err)
			}
			fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
		}
		if fmt.Sprint(got) != "[1 2 3]" {
			t.Errorf("read %q", got)
		}
		fetched, err := kadm.NewClient(client(t, k.brokers)).FetchOffsets(ctx, "group")
		if err != nil || fetched["events"][0].At != 1 {
			t.Errorf("committed offset: %+v, %v", fetched, err)
		}
	})
	t.Run("a producer of the same name fences the one before", func(t *testing.T) {
		first, second := client(t, k.brokers, kgo.TransactionalID("fenced")), client(t, k.brokers, kgo.TransactionalID("fenced"))
		produce(t, first, true, "4")
		produce(t, second, true, "5")
		if err := first.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := first.ProduceSync(ctx, &kgo.Record{Topic: "events", Value: []byte("zombie")}).FirstErr(); err == nil {
			t.Error("the fenced one still writes")
		}
	})
	t.Run("a compacted topic keeps its policy", func(t *testing.T) {
		configs, err := adm.DescribeTopicConfigs(ctx, "state")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range configs[0].Configs {
			if c.Key == "cleanup.policy" && c.MaybeValue() != "compact" {
				t.Errorf("cleanup.policy is %q", c.MaybeValue())
			}
		}
	})
}

func TestKafkaInABoxCompacts(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	k, err := embedded.StartKafka(ctx, embedded.KafkaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	if err := k.Cluster.CreateTopic("state", 1, map[string]string{"cleanup.policy": "compact", "segment.bytes": "1024", "min.cleanable.dirty.ratio": "0"}); err != nil {
		t.Fatal(err)
	}
	cl := client(t, k.Brokers(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	for n := range 200 {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "state", Key: []byte(fmt.Sprint(n % 4)), Value: fmt.Appendf(nil, "%064d", n)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	k.Cluster.Compact()
	reader := client(t, k.Brokers(), kgo.ConsumeTopics("state"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	latest, seen := map[string]string{}, 0
	for latest["3"] != fmt.Sprintf("%064d", 199) {
		fetches := reader.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { latest[string(r.Key)] = string(r.Value); seen++ })
	}
	if len(latest) != 4 || latest["0"] != fmt.Sprintf("%064d", 196) || seen >= 150 {
		t.Errorf("%d records left, newest %v", seen, latest)
	}
}

func TestKafkaInABoxHasBadMoments(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	k, err := embedded.StartKafkaProcess(ctx, embedded.KafkaOptions{Brokers: 3, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	cl := client(t, k.Brokers(), kgo.RequestRetries(0), kgo.RecordRetries(0))
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(ctx, 3, 1, nil, "events"); err != nil {
		t.Fatal(err)
	}
	if err := k.Fault(embedded.KafkaFault{Keys: []int16{kmsg.Produce.Int16()}, Code: kerr.InvalidRecord.Code, Count: 1}); err != nil {
		t.Fatal(err)
	}
	until(t, "the fault strikes", func() bool {
		return errors.Is(cl.ProduceSync(ctx, &kgo.Record{Topic: "events", Value: []byte("v")}).FirstErr(), kerr.InvalidRecord)
	})
	leaders := func() string {
		topics, err := adm.ListTopics(ctx, "events")
		if err != nil {
			t.Fatal(err)
		}
		var at []int32
		for _, p := range topics["events"].Partitions.Sorted() {
			at = append(at, p.Leader)
		}
		return fmt.Sprint(at)
	}
	before := leaders()
	until(t, "the leaders move", func() bool {
		if err := k.Fault(embedded.KafkaFault{MoveLeaders: true, MoveCoordinators: true}); err != nil {
			t.Fatal(err)
		}
		return leaders() != before
	})
}

// A commit that is carried out and not heard of: the client that is cut off asks
// again and is told, the one that is told nothing cannot know, and readers see
// what was committed once.
func TestKafkaInABoxLosesTheAnswerToACommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cut  bool
		want error
	}{
		"cut off": {true, nil}, "timed out": {false, kerr.RequestTimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			k, err := embedded.StartKafka(ctx, embedded.KafkaOptions{Brokers: 3})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = k.Close() })
			cl := client(t, k.Brokers(), kgo.TransactionalID("ours-1"), kgo.ConsumeTopics("events"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
			other := client(t, k.Brokers(), kgo.TransactionalID("another"))
			if _, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, nil, "events"); err != nil {
				t.Fatal(err)
			}
			if err := k.Fault(embedded.KafkaFault{Unheard: &embedded.KafkaUnheard{TxnPrefix: "ours", CutOff: c.cut, For: time.Minute}}); err != nil {
				t.Fatal(err)
			}
			commit := func(cl *kgo.Client, value string) error {
				err := errors.Join(cl.BeginTransaction(), cl.ProduceSync(ctx, &kgo.Record{Topic: "events", Value: []byte(value)}).FirstErr())
				if err != nil {
					t.Fatal(err)
				}
				return cl.EndTransaction(ctx, kgo.TryCommit)
			}
			if err := commit(other, "another's"); err != nil {
				t.Errorf("another's commit: %v", err)
			}
			if err := commit(cl, "unheard"); !errors.Is(err, c.want) {
				t.Errorf("commit: %v, want %v", err, c.want)
			}
			if err := commit(other, "the last"); err != nil {
				t.Errorf("another's commit: %v", err)
			}
			var seen []string
			for !slices.Contains(seen, "the last") {
				fetches := cl.PollFetches(ctx)
				if err := fetches.Err0(); err != nil {
					t.Fatal(err)
				}
				fetches.EachRecord(func(r *kgo.Record) { seen = append(seen, string(r.Value)) })
			}
			if want := []string{"another's", "unheard", "the last"}; !slices.Equal(seen, want) {
				t.Errorf("readers see %q, want %q", seen, want)
			}
		})
	}
}

// The client's own word counts where a commit cannot be carried out for it.
func TestKafkaInABoxThatAsksForAPasswordHearsEveryCommit(t *testing.T) {
	t.Parallel()
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{Users: []embedded.KafkaUser{{Mechanism: "PLAIN", Name: "u", Password: "p", Super: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	if k.Fault(embedded.KafkaFault{Unheard: &embedded.KafkaUnheard{}}) == nil {
		t.Error("the fault was taken")
	}
}
