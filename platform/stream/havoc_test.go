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
)

var seeds = flag.Int("stream.seeds", 6, "how many random plans TestHavoc tries")

// TestHavoc does to a group of instances what a seed says: starts, orderly
// ends, kills, pauses beyond the session time-out, and broker faults of all
// kinds at once. Whatever happens, I1, I2 and I5 hold, and a partition's order.
func TestHavoc(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			virtually(t, func(t *testing.T) { havoc(t, uint64(seed)) })
		})
	}
}

func havoc(t *testing.T, seed uint64) {
	const n = 10_000
	dice := rand.New(rand.NewPCG(seed, 7))
	c := cluster(t, 6, "in", "out")
	fed := feed(t, c.connect, n, 20*time.Second)
	any := func(kmsg.Request) bool { return rand.IntN(60) == 0 }
	faults := c.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.InvalidRecord, When: any, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.AddOffsetsToTxn, kmsg.EndTxn}, Err: kerr.ConcurrentTransactions, TopLevel: true, When: any, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.CoordinatorLoadInProgress, When: any, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.RequestTimedOut, TopLevel: true, When: any, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, TopLevel: true, When: any, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.UnstableOffsetCommit, When: any, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, TopLevel: true, When: any, Count: -1},
	)
	live := make(map[string]*member)
	names := []string{"a", "b", "c", "d"}
	for range 20 {
		name := names[dice.IntN(len(names))]
		m := live[name]
		switch act := dice.IntN(4); {
		case m == nil:
			live[name] = launch(t, c, name, nil)
		case act == 0:
			m.stop()
			delete(live, name)
		case act == 1:
			m.wire.cut()
			delete(live, name)
		case act == 2:
			m.wire.freeze()
			time.AfterFunc(time.Duration(dice.IntN(8000))*time.Millisecond, func() { m.wire.thaw() })
		}
		<-time.After(time.Duration(200+dice.IntN(1800)) * time.Millisecond)
	}
	<-fed
	faults.Remove()
	launch(t, c, "last", nil)
	audit(t, c.connect, n)
}
