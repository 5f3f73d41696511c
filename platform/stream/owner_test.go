package stream_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

func single(c *stream.Config) {
	c.Layout, c.TransactionalID = stream.SingleOwner, "copy"
}

func TestAStandbyNeverInitialisesTheProducer(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 2, "in", "out")
		inits := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TxnID: "copy", Observe: true, Count: -1})
		a := run(t, k, "a", single, copies)
		eventually(t, a.Ready)
		b := run(t, k, "b", single, copies)
		eventually(t, b.Ready)
		<-time.After(10 * time.Second)
		if n := inits.Hits(); n != 1 {
			t.Errorf("%d InitProducerID", n)
		}
		put(t, k, record("in", "k", "1"))
		values(t, k, "out", 1)
	})
}

// A zombie that is continued finds itself fenced and without a lease; it stands
// by, its process goes on.
func TestAZombieOwnerStandsBy(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		var zombie atomic.Pointer[stream.Loop]
		a := run(t, k, "a", single, func(l *stream.Loop) stream.Task {
			zombie.CompareAndSwap(nil, l)
			return &script{loop: l}
		})
		put(t, k, record("in", "k", "1"))
		values(t, k, "out", 1)
		a.wire.Freeze()
		b := run(t, k, "b", single, copies)
		put(t, k, record("in", "k", "2"))
		values(t, k, "out", 2)
		if left := time.Until(zombie.Load().Lease()); left > 0 {
			t.Errorf("two own at once: the zombie's lease has %v left", left)
		}
		a.wire.Thaw("producer", "tail", "listener", "appender")
		<-time.After(time.Second)
		a.wire.Thaw()
		eventually(t, func() bool { return a.Ready() && b.Ready() })
		put(t, k, record("in", "k", "3"))
		if got := values(t, k, "out", 3); got != "1 2 3" {
			t.Errorf("I5: out holds %s", got)
		}
		b.stop(t)
		put(t, k, record("in", "k", "4"))
		if got := values(t, k, "out", 4); got != "1 2 3 4" {
			t.Errorf("after the zombie took over, out holds %s", got)
		}
	})
}

func TestTheLeaseEndsBeforeTheSession(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		loops := make(chan *stream.Loop, 1)
		var skew atomic.Int64
		a := run(t, k, "a", func(c *stream.Config) {
			single(c)
			c.Now = func() time.Time {
				if s := time.Duration(skew.Load()); s != 0 {
					return time.Now().Round(0).Add(s) // a wall clock alone
				}
				return time.Now()
			}
		}, func(l *stream.Loop) stream.Task {
			return &script{open: func() { loops <- l }}
		})
		l := <-loops
		eventually(t, func() bool { return time.Until(l.Lease()) > 6*time.Second })
		<-time.After(time.Minute)
		if left := time.Until(l.Lease()); left < 6*time.Second || left > 8*time.Second {
			t.Errorf("a healthy owner's lease has %v left", left)
		}
		skew.Store(int64(time.Hour))
		if l.Lease().After(time.Now().Add(time.Hour)) {
			t.Error("the wall clock went ahead, as after a suspension, and the lease goes on")
		}
		skew.Store(0)
		a.wire.Freeze()
		<-time.After(8 * time.Second)
		if left := time.Until(l.Lease()); left > 0 {
			t.Errorf("8 s without a heartbeat, and the lease has %v left", left)
		}
	})
}

func TestPartitionCountsAreForLife(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 2, "in", "out")
		if err := k.CreateTopic("other", 3, nil); err != nil {
			t.Fatal(err)
		}
		unequal := run(t, k, "b", func(c *stream.Config) { c.Inputs = []string{"in", "other"} }, copies)
		unequal.failure(t, "other", "3", "2")
		a := run(t, k, "a", nil, copies)
		eventually(t, a.Ready)
		req := kmsg.NewPtrCreatePartitionsRequest()
		topic := kmsg.NewCreatePartitionsRequestTopic()
		topic.Topic, topic.Count = "in", 4
		req.Topics = append(req.Topics, topic)
		cl := transactional(t, k, "admin")
		if _, err := req.RequestWith(t.Context(), cl); err != nil {
			t.Fatal(err)
		}
		a.failure(t, "topic in", "4")
	})
}

func TestATopicThatIsMissingIsWaitedFor(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "out")
		a := run(t, k, "a", nil, copies)
		<-time.After(10 * time.Second)
		if a.Ready() {
			t.Error("ready without its input")
		}
		if err := k.CreateTopic("in", 1, nil); err != nil {
			t.Fatal(err)
		}
		eventually(t, a.Ready)
	})
}

func TestConfigurationNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := stream.New(stream.Config{Inputs: []string{"a", "a"}, Leader: "b", Follow: []string{"c"}, SessionTimeout: time.Second}, copies)
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"Role", "Instance", "Group", "TransactionalID", `Leader "b"`, "Follow", "SessionTimeout", `"a" is named twice`} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

func TestMetricsAreThereFromTheStart(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		reg := prometheus.NewRegistry()
		figures := func() map[string]float64 {
			families, err := reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			all := make(map[string]float64)
			for _, f := range families {
				for _, m := range f.Metric {
					all[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
				}
			}
			return all
		}
		run(t, k, "a", func(c *stream.Config) { c.Metrics = reg }, copies)
		names := []string{"retired_records_total", "restored_records_total", "commits_total", "aborted_transactions_total", "commit_seconds", "commit_records", "committed_lag_records", "window_records", "paused_partitions"}
		before := figures()
		for _, name := range names {
			if _, ok := before["doustream_stream_"+name]; !ok {
				t.Errorf("%s is not there", name)
			}
		}
		for i := range 5 {
			put(t, k, record("in", "k", fmt.Sprint(i)))
		}
		values(t, k, "out", 5)
		<-time.After(2 * time.Second)
		after := figures()
		if after["doustream_stream_retired_records_total"] != 5 || after["doustream_stream_commits_total"] == 0 ||
			after["doustream_stream_committed_lag_records"] != 0 || after["doustream_stream_window_records"] != 0 {
			t.Errorf("after 5 records: %v", after)
		}
	})
}

// Of a partition that is paused nothing is fetched, which would say how far its
// log goes.
func TestTheLagOfAPausedPartitionGrows(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out")
		reg := prometheus.NewRegistry()
		gauge := func(name string) (sum float64) {
			families, err := reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				if f.GetName() == "doustream_stream_"+name {
					sum += f.Metric[0].GetGauge().GetValue()
				}
			}
			return sum
		}
		run(t, k, "a", func(c *stream.Config) {
			c.Metrics, c.WindowRecords = reg, 10
		}, func(*stream.Loop) stream.Task {
			return &script{handle: func(*stream.Input) {}} // none ever ends
		})
		produce(t, k.connect, 100, "in")
		eventually(t, func() bool { return gauge("paused_partitions") == 1 })
		produce(t, k.connect, 900, "in")
		<-time.After(time.Minute)
		if lag := gauge("committed_lag_records"); lag != 1000 {
			t.Errorf("the lag is %v; want 1000", lag)
		}
	})
}
