package sinks

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/embedded"
	"doustream/schemas"
)

// loud collects what is logged. Safe for concurrent use.
type loud struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *loud) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *loud) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// listen makes a configuration that logs into the answer and is measured.
func (w *world) listen() (ClickHouseConfig, *loud) {
	l := &loud{}
	cfg := w.config()
	cfg.Logger = slog.New(slog.NewTextHandler(l, nil))
	cfg.Metrics = prometheus.NewRegistry()
	return cfg, l
}

func (w *world) commitAt(offset int64, metadata string) {
	w.t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "test." + schemas.TopicUsers, At: offset, LeaderEpoch: -1, Metadata: metadata})
	if err := kadm.NewClient(w.client).CommitAllOffsets(testContext(w.t), testGroup, offsets); err != nil {
		w.t.Fatal(err)
	}
}

// I5: a log that ends before what was read of it stops its partition: what comes
// next would be taken for what is there, or double what was lost.
func TestALogThatWasCutStopsItsPartitionLoudly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		committed int64
		metadata  string
	}{
		"before the committed offset": {committed: 30},
		"inside the announced range":  {committed: 10, metadata: "v1 10 25 16"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 2)
			w.produce(w.users(20, 0)...)
			w.produce(w.users(20, 1)...)
			w.commitAt(tc.committed, tc.metadata)
			cfg, log := w.listen()
			s, _ := w.run(cfg)
			until(t, "the stop", func() bool { return value(t, s.metrics.stopped.WithLabelValues("user_events")) == 1 })
			w.once(20) // the other partition
			if !errors.Is(s.Ready(), errCut) {
				t.Errorf("ready: %v", s.Ready())
			}
			if !strings.Contains(log.String(), "cut off at 20") || !strings.Contains(log.String(), "delete the rows") {
				t.Errorf("the log does not say what happened and what to do:\n%s", log)
			}
			until(t, "the other partition's commit, and none of this one", func() bool { return w.committed() == tc.committed+20 })
		})
	}
}

// A partition without a leader is waited for, and holds up none of the others.
func TestI5APartitionWithoutLeaderHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w, kafka := newWorldWith(t, 2)
	w.produce(w.users(20, 0)...)
	w.produce(w.users(20, 1)...)
	w.commitAt(10, "")
	gone := kafka.Fault(kfake.Fault{
		Keys:  []kmsg.Key{kmsg.Metadata, kmsg.ListOffsets, kmsg.Fetch},
		Topic: "test." + schemas.TopicUsers, Partitions: []int32{0}, Err: kerr.LeaderNotAvailable, Count: -1,
	})
	w.run(w.config())
	w.once(20)
	gone.Remove()
	w.once(30)
	until(t, "the commit", func() bool { return w.committed() == 40 })
}

// newWorldWith is newWorld with a Kafka that the test can hurt.
func newWorldWith(t *testing.T, partitions int32) (*world, *kfake.Cluster) {
	t.Helper()
	kafka, err := embedded.StartKafka(testContext(t), embedded.KafkaOptions{Config: map[string]string{"group.min.session.timeout.ms": "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	return newWorldOn(t, kafka.Brokers(), partitions), kafka.Cluster
}

// stops waits for the one partition of users.enriched to stop by a cut log.
func (w *world) stops(s *ClickHouse) {
	w.t.Helper()
	until(w.t, "the stop", func() bool { return value(w.t, s.metrics.stopped.WithLabelValues("user_events")) == 1 })
	if !errors.Is(s.Ready(), errCut) {
		w.t.Errorf("ready: %v", s.Ready())
	}
}

// A log that was cut below the committed offset and has grown past it again looks
// whole: what tells is the leader epoch that was committed.
func TestALogThatHasGrownPastItsCutStopsItsPartition(t *testing.T) {
	t.Parallel()
	w, kafka := newWorldWith(t, 1)
	w.produce(w.users(30, 0)...)
	_, stop := w.run(w.config())
	w.once(30)
	until(t, "the commit", func() bool { return w.committed() == 30 })
	stop()
	kafka.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		resp := r.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		topic, part := kmsg.NewOffsetForLeaderEpochResponseTopic(), kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
		topic.Topic, part.LeaderEpoch, part.EndOffset = "test."+schemas.TopicUsers, 0, 20
		topic.Partitions = append(topic.Partitions, part)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	w.produce(w.users(10, 0)...)
	cfg, log := w.listen()
	s, _ := w.run(cfg)
	w.stops(s)
	if !strings.Contains(log.String(), "cut off at 20") {
		t.Errorf("%s", log)
	}
	w.once(30)
}

// The client's own way out of an offset that the log does not have is to read it
// again from its start.
func TestALogThatIsCutWhileItIsReadStopsItsPartition(t *testing.T) {
	t.Parallel()
	w, kafka := newWorldWith(t, 1)
	w.produce(w.users(30, 0)...)
	cfg := w.config()
	cfg.Metrics = prometheus.NewRegistry()
	s, _ := w.run(cfg)
	w.once(30)
	kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "test." + schemas.TopicUsers, Err: kerr.OffsetOutOfRange})
	w.stops(s)
	w.once(30)
}

// I5: a row of another log's record is not taken for this one's.
func TestATopicThatIsMadeAnewStopsItsPartition(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"while it is read": true, "while nobody reads it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := newWorldWith(t, 1)
			w.produce(w.users(30, 0)...)
			cfg, log := w.listen()
			s, stop := w.run(cfg)
			w.once(30)
			if !running {
				stop()
			}
			topic, ctx := "test."+schemas.TopicUsers, testContext(t)
			admin := kadm.NewClient(w.newClient())
			if _, err := admin.DeleteTopic(ctx, topic); err != nil {
				t.Fatal(err)
			}
			if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
				t.Fatal(err)
			}
			anew := w.newClient()
			if err := anew.ProduceSync(ctx, w.users(40, 0)...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if !running {
				if _, err := admin.DeleteOffsets(ctx, testGroup, kadm.TopicsSet{topic: {0: {}}}); err != nil { // as Kafka does itself
					t.Fatal(err)
				}
				cfg, log = w.listen()
				s, _ = w.run(cfg)
			}
			w.stops(s)
			if !strings.Contains(log.String(), "made anew") {
				t.Errorf("%s", log)
			}
			w.once(30)
		})
	}
}
