package stream_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
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
