package stream_test

import (
	"runtime"
	"testing"
	"time"

	"doustream/platform/stream"
)

// stuck is a task whose Prepare does not come back for one record until told.
type stuck struct {
	script
	free chan struct{}
}

func (s *stuck) Prepare(rec *stream.Record) any {
	if string(rec.Value) == "stuck" {
		<-s.free
	}
	return nil
}

// What a record needs may be out of reach, a schema of a registry that is away: its
// topic-partition waits for it, and nothing else does, the end of the instance
// included.
func TestAPreparationThatIsHeldUpHoldsUpNoOther(t *testing.T) {
	virtually(t, func(t *testing.T) {
		workers := int32(runtime.GOMAXPROCS(0))
		k := cluster(t, workers+1, "in", "out")
		free := make(chan struct{})
		for i := range workers {
			put(t, k, in(i, "in", "stuck"))
		}
		task := func(*stream.Loop) stream.Task { return &stuck{free: free} }
		a := run(t, k, "a", nil, task)
		eventually(t, a.Ready)
		<-time.After(time.Second)
		put(t, k, in(workers, "in", "other"))
		if got := values(t, k, "out", 1); got != "other" {
			t.Errorf("out holds %s", got)
		}
		a.quit()
		select {
		case <-a.done:
		case <-time.After(time.Minute):
			t.Error("Run waits for a preparation that does not end")
		}
		close(free)
		<-a.done
		run(t, k, "b", nil, task)
		values(t, k, "out", int(workers)+1)
	})
}

// A leading topic that is held up so is blocked, and stops nobody.
func TestALeaderWhosePreparationIsHeldUpStopsNobody(t *testing.T) {
	virtually(t, func(t *testing.T) {
		k := cluster(t, 1, "login", "phone")
		free := make(chan struct{})
		var n notes
		put(t, k, at("login", "stuck", time.Now()))
		a := run(t, k, "a", leading, func(*stream.Loop) stream.Task {
			return &stuck{free: free, script: script{handle: func(in *stream.Input) {
				n.add(string(in.Record.Value))
				in.Done(nil, nil)
			}}}
		})
		eventually(t, a.Ready)
		<-time.After(10 * time.Second)
		put(t, k, at("phone", "P", time.Now()))
		<-time.After(10 * time.Second)
		if got := n.String(); got != "P" {
			t.Errorf("handed over: %q", got)
		}
		close(free)
		eventually(t, func() bool { return n.has("stuck") })
	})
}
