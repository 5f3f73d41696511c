package stream_test

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

// A partition may be without a leader for long: its broker is away, and no other
// has what was acknowledged. Those beside it go on.

// leaderless takes a partition's leader away until Remove, as clients see it that
// have not fetched from it.
func leaderless(k *fakeKafka, topic string, number int32) *kfake.FaultHandle {
	return unled(k, topic, number, kmsg.Metadata, kmsg.ListOffsets, kmsg.Fetch)
}

func unled(k *fakeKafka, topic string, number int32, keys ...kmsg.Key) *kfake.FaultHandle {
	return k.Fault(kfake.Fault{Keys: keys, Topic: topic, Partitions: []int32{number}, Err: kerr.LeaderNotAvailable, Count: -1})
}

// in is a record of an input for the task with that number.
func in(number int32, topic, value string) *stream.Record {
	rec := at(topic, value, time.Now())
	rec.Partition = number
	return rec
}

func TestAPartitionWithoutLeaderHoldsUpNoOtherAssignment(t *testing.T) {
	for name, take := range map[string]func(k *fakeKafka) *kfake.FaultHandle{
		"there is none":             func(k *fakeKafka) *kfake.FaultHandle { return leaderless(k, "in", 1) },
		"its broker is none as yet": func(k *fakeKafka) *kfake.FaultHandle { return unled(k, "in", 1, kmsg.ListOffsets) },
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) { othersGoAhead(t, take) })
		})
	}
}

func othersGoAhead(t *testing.T, take func(k *fakeKafka) *kfake.FaultHandle) {
	k := cluster(t, 3, "in", "out")
	everywhere := func(value string) {
		for i := range int32(3) {
			put(t, k, in(i, "in", value))
		}
	}
	a := run(t, k, "a", nil, copies)
	everywhere("1")
	values(t, k, "out", 3)
	a.stop(t)
	everywhere("2")
	gone := take(k)
	run(t, k, "b", nil, copies)
	values(t, k, "out", 5)
	gone.Remove()
	if got := values(t, k, "out", 6); got != "1 1 1 2 2 2" {
		t.Errorf("I5: out holds %s", got)
	}
}

// Where nothing is committed its start is not known, and others are not held up
// for it: it is looked at when there is somebody to ask.
func TestAPartitionWithoutLeaderOfANewGroupHoldsUpNoOther(t *testing.T) {
	for name, log := range map[string]struct {
		deleted int64
		want    string
	}{"its log is whole": {0, "1 2 3"}, "retention has deleted the first": {1, "1 3"}} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 2, "in", "out")
				put(t, k, in(0, "in", "1"), in(1, "in", "2"), in(1, "in", "3"))
				if err := k.DeleteRecords("in", 1, log.deleted); err != nil {
					t.Fatal(err)
				}
				gone := leaderless(k, "in", 1)
				reg := prometheus.NewRegistry()
				a := run(t, k, "a", func(c *stream.Config) { c.Metrics = reg }, copies)
				values(t, k, "out", 1)
				gone.Remove()
				if got := values(t, k, "out", 3-int(log.deleted)); got != log.want {
					t.Errorf("I5: out holds %s; want %s", got, log.want)
				}
				eventually(t, a.Ready)
				if n := total(t, reg, "doustream_stream_lost_offsets_total"); n != 0 {
					t.Errorf("%v offsets are counted as lost to a group that has read none", n)
				}
			})
		})
	}
}

// I1, I5: what its log lacks is found when there is somebody to ask.
func TestAPartitionThatComesBackCutOffNeedsAnOperator(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 2, "in", "out")
		putThree(t, k)
		commitAt(t, k, 4) // the next record would stand at 3
		gone := leaderless(k, "in", 0)
		a := run(t, k, "a", nil, copies)
		put(t, k, in(1, "in", "other"))
		values(t, k, "out", 1)
		gone.Remove()
		a.failure(t, "in/0", "cut off at 3", "committed 4", "set the group's offset")
		if end := k.PartitionInfo("out", 0).HighWatermark + k.PartitionInfo("out", 1).HighWatermark; end != 2 { // and the end of a transaction
			t.Errorf("out ends at %d: more was read", end)
		}
	})
}

func TestALeadingPartitionWithoutLeaderHoldsUpNoOtherTask(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 2, "login", "phone")
		var n notes
		a := run(t, k, "a", leading, noting(&n))
		eventually(t, a.Ready)
		gone := unled(k, "login", 0, kmsg.Metadata, kmsg.ListOffsets)
		<-time.After(30 * time.Second)
		began := time.Now()
		put(t, k, in(1, "phone", "P1"))
		eventually(t, func() bool { return n.has("P1") })
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it waited %v", took)
		}
		gone.Remove()
	})
}

// mute is a connection to a broker that takes requests of one kind, and answers none
// of them, once told.
type mute struct {
	net.Conn
	key kmsg.Key
	now *atomic.Bool
}

func (m mute) Write(b []byte) (int, error) {
	if m.now.Load() && len(b) > 6 && kmsg.Key(binary.BigEndian.Uint16(b[4:])) == m.key {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

// besideASilentBroker is a cluster of which one broker leads partition 0 of a topic
// and, once told, answers nobody where its logs end; the other leads partition 1.
// A configuration is changed to meet it.
func besideASilentBroker(t *testing.T, topics ...string) (k *fakeKafka, silent *atomic.Bool, meet func(*stream.Config)) {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.Ports(9092, 9093), kfake.SeedTopics(2, topics...), kfake.ListenFn(network.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for i := range int32(2) {
		if err := c.MoveTopicPartition(topics[0], i, i); err != nil {
			t.Fatal(err)
		}
	}
	silent = new(atomic.Bool)
	dial := func(ctx context.Context, kind, address string) (net.Conn, error) {
		conn, err := network.DialContext(ctx, kind, address)
		if err == nil && strings.HasSuffix(address, ":9092") {
			conn = mute{conn, kmsg.ListOffsets, silent}
		}
		return conn, err
	}
	k = &fakeKafka{c, network, []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(network.DialContext)}}
	return k, silent, func(cfg *stream.Config) { cfg.Connect = append(cfg.Connect, kgo.Dialer(dial)) }
}

// One broker does not answer, and its partitions are nobody else's yet: what was
// asked of all is good for those that did.
func TestALeadingPartitionWhoseBrokerIsSilentHoldsUpNoOtherTask(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k, silent, meet := besideASilentBroker(t, "login", "phone")
		var n notes
		a := run(t, k, "a", func(cfg *stream.Config) {
			leading(cfg)
			meet(cfg)
		}, noting(&n))
		eventually(t, a.Ready)
		<-time.After(5 * time.Second)
		silent.Store(true)
		<-time.After(5 * time.Second)
		began := time.Now()
		put(t, k, in(1, "phone", "P1"))
		eventually(t, func() bool { return n.has("P1") })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it waited %v", took)
		}
	})
}

func TestAPartitionWhoseBrokerIsSilentHoldsUpNoOtherAssignment(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k, silent, meet := besideASilentBroker(t, "in", "out")
		put(t, k, in(0, "in", "1"), in(1, "in", "2"))
		silent.Store(true)
		began := time.Now()
		run(t, k, "a", meet, copies)
		values(t, k, "out", 2) // it is silent about where they end alone
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it waited %v", took)
		}
	})
}
