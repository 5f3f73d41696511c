package stream_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

var seeds = flag.Int("stream.seeds", 2, "how many random plans TestHavoc tries")

// TestHavoc does to a group of instances what a seed says: starts, orderly
// ends, kills, pauses beyond the session time-out, and broker faults of all
// kinds at once. Whatever happens, I1, I2 and I5 hold, and a partition's order.
func TestHavoc(t *testing.T) {
	layouts := map[string]stream.Layout{"copartition": stream.Copartition, "single owner": stream.SingleOwner}
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed, " copy"), func(t *testing.T) {
			virtually(t, func(t *testing.T) { copyHavoc(t, uint64(seed)) })
		})
		for name, layout := range layouts {
			t.Run(fmt.Sprint(seed, " count, ", name), func(t *testing.T) {
				virtually(t, func(t *testing.T) { countHavoc(t, uint64(seed), layout) })
			})
		}
	}
}

func copyHavoc(t *testing.T, seed uint64) {
	h := &havoc{Cluster: cluster(t, 6, "in", "out"), task: func(l *stream.Loop) stream.Task { return &lazy{l, "out"} }}
	n := h.run(t, seed)
	audit(t, h.Cluster.connect, n)
}

// countHavoc counts keys through it all: state, outputs and offsets agree only
// if each transaction is whole, and each owner restores what was committed.
func countHavoc(t *testing.T, seed uint64, layout stream.Layout) {
	h := &havoc{
		Cluster: cluster(t, 6, "in", "out", "state"),
		task:    func(l *stream.Loop) stream.Task { return newCounter(l) },
		change: func(c *stream.Config) {
			c.Layout, c.State = layout, []string{"state"}
			if layout == stream.SingleOwner {
				c.TransactionalID = "copy"
			}
		},
	}
	n := h.run(t, seed)
	next := make(map[string]int)
	for _, rec := range readAll(t, h.Cluster.connect, "out", n) {
		key := string(rec.Key)
		next[key]++
		if got := string(rec.Value); got != fmt.Sprint(next[key]) {
			t.Fatalf("%s: %s came as number %d", key, got, next[key])
		}
	}
}

type havoc struct {
	Cluster *fakeKafka
	task    func(*stream.Loop) stream.Task
	change  func(*stream.Config)
	live    map[string]*member
}

// run feeds records and says how many, when it is over and an instance that
// nobody disturbs is left.
func (h *havoc) run(t *testing.T, seed uint64) int {
	const n = 10_000
	dice := rand.New(rand.NewPCG(seed, 7))
	h.live = make(map[string]*member)
	fed := feed(t, h.Cluster.connect, n, 20*time.Second)
	faults := h.faults()
	for range 20 {
		h.act(t, dice)
		<-time.After(time.Duration(200+dice.IntN(1800)) * time.Millisecond)
	}
	<-fed
	faults.Remove()
	launchTask(t, h.Cluster, "last", h.change, h.task)
	return n
}

// faults makes one request in sixty fail, each kind in its way.
func (h *havoc) faults() *kfake.FaultHandle {
	some := func(kmsg.Request) bool { return rand.IntN(60) == 0 }
	fault := func(err *kerr.Error, keys ...kmsg.Key) kfake.Fault {
		return kfake.Fault{Keys: keys, Err: err, When: some, Count: -1}
	}
	topLevel := func(f kfake.Fault) kfake.Fault {
		f.TopLevel = true
		return f
	}
	refused := fault(kerr.InvalidRecord, kmsg.Produce)
	refused.Topic = "out"
	return h.Cluster.Fault(
		refused,
		fault(kerr.CoordinatorLoadInProgress, kmsg.TxnOffsetCommit),
		fault(kerr.UnstableOffsetCommit, kmsg.OffsetFetch),
		topLevel(fault(kerr.ConcurrentTransactions, kmsg.AddOffsetsToTxn, kmsg.EndTxn)),
		topLevel(fault(kerr.RequestTimedOut, kmsg.EndTxn)),
		topLevel(fault(kerr.UnknownServerError, kmsg.EndTxn)),
		topLevel(fault(kerr.UnknownMemberID, kmsg.Heartbeat)),
	)
}

func (h *havoc) act(t *testing.T, dice *rand.Rand) {
	name := string(rune('a' + dice.IntN(4)))
	m := h.live[name]
	if m == nil {
		h.live[name] = launchTask(t, h.Cluster, name, h.change, h.task)
		return
	}
	switch dice.IntN(4) {
	case 0:
		m.stop()
		delete(h.live, name)
	case 1:
		m.wire.Cut()
		delete(h.live, name)
	case 2:
		m.wire.Freeze()
		time.AfterFunc(time.Duration(dice.IntN(8000))*time.Millisecond, func() { m.wire.Thaw() })
	}
}
