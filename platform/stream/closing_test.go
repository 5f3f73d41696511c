package stream

import (
	"log/slog"
	"testing"
	"time"
)

// deaf takes everything in and does nothing.
type deaf struct{ restored int }

func (d *deaf) Restore(*Record) { d.restored++ }
func (*deaf) Open()             {}
func (*deaf) Handle(*Input)     {}
func (*deaf) Close()            {}

// A task may be revoked in the very moment at which its last marker is read, with
// records behind its markers that wait for its opening. It never opens then, and
// has no need of them.
func TestATaskThatClosesWhileItIsRestoredStaysClosed(t *testing.T) {
	t.Parallel()
	cfg := Config{State: []string{"state", "parked"}, Now: time.Now}
	task := &deaf{}
	l := &loop{session: &session{runtime: &runtime{metrics: newMetrics(nil, nil)}, cfg: cfg, log: slog.New(slog.DiscardHandler)}, name: "me", task: task}
	l.state = stateTail{loop: l, parts: make(map[topicPartition]*tailed)}
	own := func(topic string) batch {
		tp := topicPartition{topic, 0}
		l.state.of(tp).unmarked = true
		l.state.unmarked++
		rec := newMarker(topic, 0, l.name)
		return batch{tp, []*Record{rec, {Topic: topic, Offset: 1, Key: []byte("late")}}}
	}
	first, last := own("state"), own("parked")
	l.state.restore(first)
	l.close()
	l.state.restore(last)
	if l.opened.Load() || task.restored != 2 {
		t.Errorf("opened: %v, with %d records passed, want the markers alone", l.opened.Load(), task.restored)
	}
}
