package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/stream"
)

func withState(c *stream.Config) { c.State = []string{"state"} }

// remembering notes what is restored, and when the task is opened.
func remembering(n *notes) func(*stream.Loop) stream.Task {
	return func(l *stream.Loop) stream.Task {
		return &script{
			loop: l,
			restore: func(rec *stream.Record) {
				switch owner, ok := stream.Marker(rec); {
				case !ok:
					n.add(string(rec.Value))
				case owner == l.Owner():
					n.add("own-marker")
				default:
					n.add("marker")
				}
			},
			open: func() { n.add("open") },
		}
	}
}

func TestRestoreReadsUpToTheOwnMarker(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		put(t, k, record("state", "k", "1"), record("state", "k", "2"))
		var first, second notes
		a := run(t, k, "a", withState, remembering(&first))
		eventually(t, a.Ready)
		put(t, k, record("state", "k", "3"))
		eventually(t, func() bool { return first.has("3") })
		a.stop(t)
		b := run(t, k, "b", withState, remembering(&second))
		eventually(t, b.Ready)
		if got := first.String(); got != "1 2 own-marker open 3" {
			t.Errorf("first owner: %s", got)
		}
		if got := second.String(); got != "1 2 marker 3 own-marker open" {
			t.Errorf("second owner: %s", got)
		}
	})
}

// Bounding a restore by the high watermark waits for a transaction's end mark,
// which no reader is given.
func TestRestoreOfATopicThatEndsWithATransactionsMark(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		cl := transactional(t, k, "other")
		for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
			begin(t, cl, record("state", "k", fmt.Sprint("committed-", end)))
			if err := cl.EndTransaction(t.Context(), end); err != nil {
				t.Fatal(err)
			}
		}
		var n notes
		a := run(t, k, "a", withState, remembering(&n))
		eventually(t, a.Ready)
		if got := n.String(); got != "committed-true own-marker open" {
			t.Errorf("restored: %s", got)
		}
	})
}

// Bounding it by the last stable offset loses what stands behind an open
// transaction, and what that one may still commit.
func TestRestoreWaitsForATransactionThatIsOpen(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		cl := transactional(t, k, "other")
		begin(t, cl, record("state", "k", "in doubt"))
		put(t, k, record("state", "k", "behind"))
		var n notes
		a := run(t, k, "a", withState, remembering(&n))
		<-time.After(3 * time.Second)
		if a.Ready() {
			t.Fatalf("opened before the transaction ended: %s", &n)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		eventually(t, a.Ready)
		if got := n.String(); got != "in doubt behind own-marker open" {
			t.Errorf("restored: %s", got)
		}
	})
}

func transactional(t *testing.T, k *fakeKafka, id string) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(k.connect[:len(k.connect):len(k.connect)], kgo.TransactionalID(id), kgo.TransactionTimeout(time.Minute))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func begin(t *testing.T, cl *kgo.Client, rec *kgo.Record) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(context.Background(), rec).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// A paused predecessor's late Append is seen by its successor, after Open, in
// log order, behind the successor's marker.
func TestALateAppendOfAPredecessorIsSeen(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var old *stream.Loop
		opened := make(chan struct{}, 1)
		a := run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
			old = l
			return &script{open: func() { opened <- struct{}{} }}
		})
		<-opened
		a.wire.Freeze()
		var n notes
		b := run(t, k, "b", withState, remembering(&n))
		eventually(t, func() bool { return b.Ready() && n.has("open") })
		old.Append(record("state", "k", "late"), func(error) {})
		a.wire.Thaw()
		eventually(t, func() bool { return n.has("late") })
		if got := n.String(); got != "marker own-marker open late" {
			t.Errorf("restored: %s", got)
		}
	})
}

// A read back comes after everything before it in the log.
func TestAppendsAreReadBackInLogOrder(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		var n notes
		run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
			return &script{
				restore: func(rec *stream.Record) {
					if _, ok := stream.Marker(rec); !ok {
						n.add("+" + string(rec.Value))
					}
				},
				open: func() {
					for i := range 3 {
						l.Append(record("state", "k", fmt.Sprint(i)), func(err error) { n.add(fmt.Sprint("back-", i)) })
					}
				},
			}
		})
		eventually(t, func() bool { return n.has("back-2") })
		got := n.String()
		for i := range 3 {
			if strings.Index(got, fmt.Sprint("+", i)) > strings.Index(got, fmt.Sprint("back-", i)) {
				t.Errorf("read back before it was restored: %s", got)
			}
		}
	})
}

// What was sent and not answered is sent again, under its sequence number, for
// as long as it takes: it stands in the log once.
func TestAnAppendThatIsNotAnsweredIsRepeated(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		result := make(chan error, 2)
		began := time.Now()
		k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			for _, topic := range r.(*kmsg.ProduceRequest).Topics {
				for _, p := range topic.Partitions {
					if strings.Contains(string(p.Records), "unlucky") && time.Since(began) < 40*time.Second {
						return nil, errors.New("no answer"), true
					}
				}
			}
			return nil, nil, false
		})
		var n notes
		run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
			s := remembering(&n)(l).(*script)
			s.open = func() { l.Append(record("state", "k", "unlucky"), func(err error) { result <- err }) }
			return s
		})
		if err := <-result; err != nil {
			t.Error(err)
		}
		if got := n.String(); got != "own-marker unlucky" {
			t.Errorf("restored: %s", got)
		}
	})
}

func TestAnAppendThatIsRefusedEndsInAnError(t *testing.T) {
	for name, rec := range map[string]*stream.Record{
		"too large":              {Topic: "state", Value: make([]byte, 2<<20)},
		"not a state topic":      {Topic: "out"},
		"another task's to keep": {Topic: "state", Partition: 1},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				k := cluster(t, 1, "in", "out", "state")
				result := make(chan error, 1)
				run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
					return &script{open: func() { l.Append(rec, func(err error) { result <- err }) }}
				})
				if err := <-result; err == nil {
					t.Error("no error")
				}
			})
		})
	}
}

func TestFollowedTopicsAreReadToTheirEndBeforeOpen(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 3, "in", "out", "state", "consents", "empty")
		for p := range int32(2) {
			rec := record("consents", "k", fmt.Sprint("consent-", p))
			rec.Partition = p
			put(t, k, rec)
		}
		cl := transactional(t, k, "enrich")
		begin(t, cl, &kgo.Record{Topic: "consents", Key: []byte("k"), Value: []byte("aborted")})
		if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		var n notes
		a := run(t, k, "a", func(c *stream.Config) {
			withState(c)
			c.Layout, c.Follow = stream.SingleOwner, []string{"consents", "empty"}
		}, remembering(&n))
		eventually(t, a.Ready)
		put(t, k, record("consents", "k", "later"))
		eventually(t, func() bool { return n.has("later") })
		got := n.String()
		for _, must := range []string{"consent-0", "consent-1"} {
			if i := strings.Index(got, must); i < 0 || i > strings.Index(got, "open") {
				t.Errorf("restored: %s", got)
			}
		}
		if n.has("aborted") {
			t.Error("an aborted record was restored")
		}
	})
}

func TestFailRestoresTheTaskAnew(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		put(t, k, record("state", "k", "1"))
		var n notes
		failed := false
		run(t, k, "a", withState, func(l *stream.Loop) stream.Task {
			s := remembering(&n)(l).(*script)
			s.handle = func(in *stream.Input) {
				if !failed {
					failed = true
					l.Fail(errors.New("it cannot be known"))
					return
				}
				in.Done(copyOf(in), nil)
			}
			return s
		})
		put(t, k, record("in", "k", "x"))
		if got := values(t, k, "out", 1); got != "x" {
			t.Errorf("out holds %s", got)
		}
		if got := n.String(); got != "1 own-marker open 1 marker own-marker open" {
			t.Errorf("restored: %s", got)
		}
	})
}

// lockedLog is a log that a test may read while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) lines(with string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, with) {
			lines = append(lines, line)
		}
	}
	return lines
}

// A restore that takes long says how far it is, also while it stands still, and
// no more once it is done.
func TestRestoreShowsItsProgress(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "in", "out", "state")
		for range 9 {
			put(t, k, record("state", "k", "1"))
		}
		cl := transactional(t, k, "other")
		begin(t, cl, record("state", "k", "in doubt"))
		for range 10 {
			put(t, k, record("state", "k", "behind"))
		}
		var n notes
		log := &lockedLog{}
		a := run(t, k, "a", func(c *stream.Config) {
			withState(c)
			c.Logger = slog.New(slog.NewTextHandler(log, nil))
		}, remembering(&n))
		<-time.After(18 * time.Second)
		told := log.lines("restoring state")
		if len(told) != 3 || !strings.Contains(told[2], "records=9 percent=45") {
			t.Errorf("told in 18 s:\n%s", strings.Join(told, ""))
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		eventually(t, a.Ready)
		<-time.After(time.Minute)
		if again := log.lines("restoring state"); len(again) != len(told) || len(log.lines("state restored")) != 1 {
			t.Errorf("told after the restore:\n%s", strings.Join(again[len(told):], ""))
		}
	})
}
