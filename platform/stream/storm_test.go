package stream_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
)

// testLog is silent unless asked: STREAM_LOG=1 go test -run …
func testLog(instance string) *slog.Logger {
	if os.Getenv("STREAM_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("test", instance)
}

// lazy finishes its inputs late, in any order, and from goroutines of its own.
type lazy struct {
	loop *stream.Loop
	out  string
}

func (*lazy) Restore(*stream.Record) {}
func (*lazy) Open()                  {}
func (*lazy) Close()                 {}

func (z *lazy) Handle(in *stream.Input) {
	finish := func() {
		in.Done([]*stream.Record{{Topic: z.out, Key: in.Record.Key, Value: in.Record.Value}}, nil)
	}
	switch rand.IntN(3) {
	case 0:
		finish()
	case 1:
		z.loop.Work(func() {}, finish)
	case 2:
		z.loop.After(time.Duration(rand.IntN(3000))*time.Microsecond, finish)
	}
}

// member is one instance in a storm.
type member struct {
	wire *streamtest.Wire
	stop func() error
}

func launch(t *testing.T, k *fakeKafka, instance string) *member {
	t.Helper()
	return launchTask(t, k, instance, nil, func(l *stream.Loop) stream.Task { return &lazy{l, "out"} })
}

func launchTask(t *testing.T, k *fakeKafka, instance string, change func(*stream.Config), task func(*stream.Loop) stream.Task) *member {
	t.Helper()
	w := streamtest.NewWire()
	cfg := config([]kgo.Opt{k.connect[0], kgo.Dialer(w.Kafka(k.network.DialContext))}, instance)
	cfg.SessionTimeout, cfg.DrainTimeout, cfg.TxnTimeout = 3*time.Second, time.Second, 2*time.Second
	cfg.RebalanceTimeout = 5 * time.Second
	cfg.Logger = testLog(instance)
	if change != nil {
		change(&cfg)
	}
	r, err := stream.New(cfg, task)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	m := &member{wire: w}
	m.stop = func() (err error) {
		once.Do(func() {
			w.Thaw()
			cancel()
			err = <-done
		})
		return err
	}
	t.Cleanup(func() { m.stop() })
	return m
}

// audit reads the outputs and checks them: each input once, in the order of its
// partition (I1, I5).
func audit(t *testing.T, connect []kgo.Opt, n int) {
	t.Helper()
	last := make(map[int32]int)
	seen := make(map[int]bool)
	for _, rec := range readAll(t, connect, "out", n) {
		i, _ := strconv.Atoi(string(rec.Value))
		if seen[i] {
			t.Fatalf("I5: %d was put out twice (second at %d/%d)", i, rec.Partition, rec.Offset)
		}
		seen[i] = true
		if before, ok := last[rec.Partition]; ok && i < before {
			t.Fatalf("partition %d: %d after %d", rec.Partition, i, before)
		}
		last[rec.Partition] = i
	}
	if len(seen) != n {
		t.Fatalf("%d of %d", len(seen), n)
	}
}

// feed produces n numbered records over a time.
func feed(t *testing.T, connect []kgo.Opt, n int, during time.Duration) (done chan struct{}) {
	done = make(chan struct{})
	cl, err := kgo.NewClient(append(connect, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerLinger(time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		defer cl.Close()
		tick := time.NewTicker(during / 100)
		defer tick.Stop()
		for i := range n {
			if i%(n/100) == 0 {
				<-tick.C
			}
			cl.Produce(context.Background(), &kgo.Record{Topic: "in", Key: fmt.Appendf(nil, "k%d", i%97), Value: strconv.AppendInt(nil, int64(i), 10)}, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		cl.Flush(context.Background())
	}()
	return done
}

func TestStorm(t *testing.T) {
	faults := map[string]kfake.Fault{
		"none":                          {},
		"produce refused":               {Keys: []kmsg.Key{kmsg.Produce}, Topic: "out", Err: kerr.InvalidRecord},
		"coordinator loads":             {Keys: []kmsg.Key{kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn}, Err: kerr.CoordinatorLoadInProgress, TopLevel: true},
		"transactions are concurrent":   {Keys: []kmsg.Key{kmsg.AddOffsetsToTxn, kmsg.EndTxn}, Err: kerr.ConcurrentTransactions, TopLevel: true},
		"offsets refused by generation": {Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration},
		"the end's outcome is unknown":  {Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, TopLevel: true},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				storm(t, func(c *fakeKafka) (stop func()) {
					if fault.Keys == nil {
						return func() {}
					}
					fault.Count = -1
					fault.When = func(kmsg.Request) bool { return now() }
					return c.Fault(fault).Remove
				})
			})
		})
	}
	t.Run("ends are carried out and not heard of", func(t *testing.T) {
		virtually(t, func(t *testing.T) {
			storm(t, func(c *fakeKafka) (stop func()) { return c.endsUnheard(now, math.MaxInt) })
		})
	})
}

// now says when a storm's fault strikes.
func now() bool { return rand.IntN(20) == 0 }

func storm(t *testing.T, strike func(*fakeKafka) (stop func())) {
	const n = 20_000
	c := cluster(t, 8, "in", "out")
	connect := c.connect
	fed := feed(t, connect, n, 6*time.Second)
	stop := strike(c)
	defer stop()
	time.AfterFunc(6*time.Second, stop)
	a := launch(t, c, "a")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	wait := func() { <-tick.C }
	wait()
	launch(t, c, "b")
	wait()
	c1 := launch(t, c, "c")
	wait()
	a.stop() // in good order
	wait()
	c1.wire.Cut() // and this one is killed, and started again
	launch(t, c, "c")
	wait()
	launch(t, c, "d")
	<-fed
	audit(t, connect, n)
}
