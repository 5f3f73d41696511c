package enrich

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/platform/stream/streamtest"
	"doustream/schemas"
)

// What becomes of a login's code when instances die, stop and hand over, over
// Kafka and HTTP. The platform's ledger is the witness.

// asks waits until the platform was asked n times with a code.
func (r *rig) asks(code string, n int) {
	r.t.Helper()
	r.until(func() bool {
		h, _ := r.platform.Code(code)
		return len(h.Asks) >= n
	})
}

// wantAsks fails unless the platform was asked exactly n times.
func (r *rig) wantAsks(code string, n int) {
	r.t.Helper()
	if h, _ := r.platform.Code(code); len(h.Asks) != n {
		r.t.Errorf("I3: sent %d times; want %d: %v", len(h.Asks), n, h.Asks)
	}
}

// visitor logs in, and hands over a phone number.
func (r *rig) visitor(session string) (code string, login, phone made) {
	cl := r.producer()
	l := r.platform.Login(testApp, session)
	return l.Code, r.publish(cl, schemas.TopicLogin, testApp, session, loginPayload(l)),
		r.publish(cl, schemas.TopicPhone, testApp, session, r.phonePayload(testApp, l.SessionKey))
}

// Two kills in a row on the same code, each with a request that the platform
// has and does not answer: a third send is never made.
func TestI3TwoKillsInARowOnOneCode(t *testing.T) {
	for name, after := range map[string]bool{"the code is as good as before": false, "the code is used up": true} {
		for restart, names := range map[string][3]string{"restarted": {"a", "a", "a"}, "taken over": {"a", "b", "c"}} {
			t.Run(name+", "+restart, func(t *testing.T) {
				virtually(t, func(t *testing.T) {
					r := newRig(t, 1)
					r.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeHang, After: after})
					code, login, phone := r.visitor("s")
					for i, instance := range names[:2] {
						a := r.launch(instance)
						r.asks(code, i+1)
						a.wire.Cut()
					}
					r.platform.SetFaults()
					r.launch(names[2])
					got := r.read(2)
					r.wantAll([]made{login}, "code_outcome_unknown", got)
					r.wantAll([]made{phone}, "login_failed", got)
					r.wantAsks(code, 2)
				})
			})
		}
	}
}

// One kill alone costs nothing but time.
func TestI3OneKillOnOneCode(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeHang})
		code, login, phone := r.visitor("s")
		a := r.launch("a")
		r.asks(code, 1)
		a.wire.Cut()
		r.platform.SetFaults()
		r.launch("b")
		r.wantAll([]made{login, phone}, "enriched", r.read(2))
		r.wantAsks(code, 2)
	})
}

// An answer that is lost for good ends honestly: the code is used up and nobody
// has its session.
func TestI3UnknownOutcomeEndsHonestly(t *testing.T) {
	for _, mode := range []douyintest.Mode{
		douyintest.ModeReset, douyintest.ModeCut, douyintest.ModeHTML, douyintest.ModeStatus, douyintest.ModeHang,
	} {
		t.Run(string(mode), func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.platform.SetFaults(douyintest.Fault{Mode: mode, After: true, First: true})
				code, login, phone := r.visitor("s")
				r.launch("a")
				got := r.read(2)
				r.wantAll([]made{login}, "code_outcome_unknown", got)
				r.wantAll([]made{phone}, "login_failed", got)
				r.wantAsks(code, 2)
			})
		})
	}
}

// A zombie that had asked for its SENT to be written, and is continued when its
// successor has restored itself, finds that one's marker before it: the request
// does not leave.
func TestI3ZombieWhoseSentComesLateSendsNothing(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.platform.SetLatency("", douyintest.Latency{Median: 3 * time.Second})
		a := r.launch("a")
		r.until(a.Ready)
		a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
			if q.Client == "appender" && q.Key == 0 {
				return streamtest.StopBefore
			}
			return streamtest.Pass
		})
		code, login, phone := r.visitor("s")
		r.launch("b")
		r.asks(code, 1) // the successor's
		a.wire.Watch(nil)
		a.wire.Thaw("appender", "tail", "listener", streamtest.Platform)
		r.wantAll([]made{login, phone}, "enriched", r.read(2))
		r.wantAsks(code, 1)
	})
}

// The RESULT of a predecessor that was paused with it comes while its successor
// asks anew, and is told that the code is used up: the login is saved.
func TestI3LateResultOfAPausedPredecessorIsFound(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		a := r.launch("a")
		r.until(a.Ready)
		var written atomic.Int32
		a.wire.Watch(func(q streamtest.Request) streamtest.Verdict {
			if q.Client == "appender" && q.Key == 0 && written.Add(1) == 2 {
				return streamtest.StopBefore // its RESULT
			}
			return streamtest.Pass
		})
		code, login, phone := r.visitor("s")
		r.asks(code, 1)
		r.platform.SetLatency("", douyintest.Latency{Median: 3 * time.Second})
		r.launch("b")
		r.asks(code, 2)
		a.wire.Thaw("appender")
		r.wantAll([]made{login, phone}, "enriched", r.read(2))
		r.wantAsks(code, 2)
	})
}

// A partition is handed over in the middle of an exchange that takes longer
// than the drain may: the exchange outlives its task and leaves its RESULT,
// which the successor, who waits for it, finds.
func TestI3ExchangeThatOutlivesItsTaskLeavesItsResult(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.change = func(c *Config) { c.Deadline = 30 * time.Second }
		r.platform.SetLatency("", douyintest.Latency{Median: 20 * time.Second})
		a := r.launch("a")
		r.until(a.Ready)
		var events []made
		var codes []string
		for _, session := range []string{"s1", "s2", "s3", "s4", "s5", "s6"} {
			code, login, phone := r.visitor(session)
			events, codes = append(events, login, phone), append(codes, code)
			r.asks(code, 1)
		}
		began := time.Now()
		b := r.launch("b")
		r.until(b.Ready) // so one of the two has moved
		if took := time.Since(began); took > 16*time.Second {
			t.Errorf("the hand-over took %v: it waited for the exchanges", took)
		}
		r.wantAll(events, "enriched", r.read(len(events)))
		for _, code := range codes {
			r.wantAsks(code, 1)
		}
	})
}

// SIGTERM in the middle of an exchange: the answer is waited for, within the
// deadline for draining.
func TestI3OrderlyEndWaitsForAnswers(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.platform.SetLatency("", douyintest.Latency{Median: 4 * time.Second})
		a := r.launch("a")
		code, login, phone := r.visitor("s")
		r.asks(code, 1)
		began := time.Now()
		a.stop(t)()
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %v to end", took)
		}
		r.launch("b")
		r.wantAll([]made{login, phone}, "enriched", r.read(2))
		r.wantAsks(code, 1)
	})
}

// SIGTERM while the platform hangs: the deadline for draining holds, whatever
// is under way, and costs no more than the one send whose answer is lost.
func TestOrderlyEndHoldsItsDeadline(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.change = func(c *Config) { c.Deadline = time.Minute }
		r.runtime = func(c *stream.Config) { c.DrainTimeout = 3 * time.Second }
		r.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeHang})
		a := r.launch("a")
		code, login, phone := r.visitor("s")
		r.asks(code, 1)
		began := time.Now()
		a.stop(t)()
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %v to end", took)
		}
		r.platform.SetFaults()
		r.launch("b")
		r.wantAll([]made{login, phone}, "enriched", r.read(2))
		r.wantAsks(code, 2)
	})
}

// A broker that takes no RESULT for longer than a record may be on its way: it
// is written when it can be, and the code is not asked about again.
func TestI3OutcomeThatCannotBeWrittenIsWrittenLater(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		a := r.launch("a")
		r.until(a.Ready)
		r.platform.SetLatency("", douyintest.Latency{Median: time.Second})
		code, login, phone := r.visitor("s")
		r.asks(code, 1)
		refused := r.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: schemas.TopicSessions, Err: kerr.NotEnoughReplicas, Count: -1,
		})
		<-time.After(time.Minute)
		if refused.Hits() == 0 {
			t.Error("nothing was refused")
		}
		refused.Remove()
		r.wantAll([]made{login, phone}, "enriched", r.read(2))
		r.wantAsks(code, 1)
	})
}

// A predecessor's marker was on its way while it lost the partition, and stands
// behind its successor's. The successor sends nothing then, as if it were the one
// that has lost it; but the group has no other, and nobody else would ever send.
func TestMarkerThatComesLateStopsTheSuccessorForAWhile(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		b := r.launch("b")
		r.until(b.Ready)
		late := &kgo.Record{Topic: schemas.TopicSessions, Key: []byte("\x00marker|" + schemas.TopicSessions + "|0"), Value: []byte("enrich-a-0-1-0")}
		must(t, r.producer().ProduceSync(t.Context(), late).FirstErr())
		code, login, phone := r.visitor("s")
		<-time.After(10 * time.Second) // whoever wrote it knows by now that it has no partition
		r.wantAsks(code, 0)
		r.wantAll([]made{login, phone}, "enriched", r.read(2))
		r.wantAsks(code, 1)
	})
}
