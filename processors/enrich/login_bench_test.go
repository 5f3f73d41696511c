package enrich

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// BenchmarkLogin is one login on its way through a task and the limits, with no
// Kafka and no platform: windows full of logins of others stand around it, as in
// a backlog, so that memory is as cold as it is then. What is sealed is a part.
func BenchmarkLogin(b *testing.B) {
	rig := newBench(b)
	proc := *rig.proc
	proc.exchanger, proc.output = answering{}, unwritten{}
	proc.clock = time.Now
	proc.gate = newLimits(proc.cfg, proc.metrics)
	l := newRoundLoop(&proc)
	logins := make([]*stream.Record, b.N)
	inputs := make([]*prepared, b.N)
	now := time.Now()
	for i := range logins {
		id := fmt.Sprintf("session-%028d", i)
		value := fmt.Appendf(nil, `{"event_id":"ev-%d","app_id":%q,"session_id":%q,"occurred_at":%d,"payload":{"code":"code-%028d"}}`,
			i, testApp, id, now.UnixMilli(), i)
		logins[i] = &stream.Record{Topic: proc.names.inputs[topicLogin], Offset: int64(i), Timestamp: now, Key: []byte(id), Value: value}
		inputs[i] = proc.prepare(logins[i])
	}
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	for next := 0; l.retired < b.N; {
		l.began = time.Now()
		for ; next < b.N && next-l.retired < backlogWindow; next++ {
			l.task.handle(l.input(), logins[next], inputs[next])
			logins[next], inputs[next] = nil, nil
		}
		l.round()
	}
	b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

const backlogWindow = 8192

// answering is a platform that knows every code, at once.
type answering struct{}

func (answering) ExchangeCode(context.Context, douyin.App, douyin.Code, douyin.Code) (douyin.Session, error) {
	return douyin.Session{SessionKey: "MDEyMzQ1Njc4OWFiY2RlZg==", OpenID: "open-000000000000000000000000", UnionID: "union-00000000000000000000000"}, nil
}

// unwritten is an output that costs nothing.
type unwritten struct{ Output }

func (unwritten) Enriched(*schemas.EnrichedUser) (*stream.Record, error) {
	return &stream.Record{}, nil
}

// roundLoop goes round as the runtime's loop does: a round takes what was posted,
// and appends of the one before are acknowledged. Requests run on the task's own
// goroutines, and end before the round does.
type roundLoop struct {
	loop
	task    *Task
	began   time.Time // of the round
	offset  int64     // of the log of state
	works   []stream.Job
	window  []*roundInput
	retired int
	running sync.WaitGroup

	mu    sync.Mutex
	box   []func()
	acked []pendingAppend
}

func newRoundLoop(p *processor) *roundLoop {
	l := &roundLoop{began: time.Now()}
	l.task = p.newTask(l)
	run := l.task.spawn
	l.task.spawn = func(f func()) {
		l.running.Add(1)
		run(func() { f(); l.running.Done() })
	}
	l.task.Open()
	return l
}

func (l *roundLoop) Partition() int32             { return 0 }
func (l *roundLoop) Owner() string                { return "owner" }
func (l *roundLoop) Now() time.Time               { return time.Now() }
func (l *roundLoop) Round() time.Time             { return l.began }
func (l *roundLoop) Watermark() time.Time         { return time.Now() }
func (l *roundLoop) Frontier(string, int32) int64 { return 0 }
func (l *roundLoop) Do(job stream.Job)            { l.works = append(l.works, job) }

func (l *roundLoop) After(d time.Duration, f func()) func() {
	timer := time.AfterFunc(d, func() { l.Post(f) })
	return func() { timer.Stop() }
}

func (l *roundLoop) Post(f func()) bool {
	l.mu.Lock()
	l.box = append(l.box, f)
	l.mu.Unlock()
	return true
}

func (l *roundLoop) Append(rec *stream.Record, back func(error)) {
	l.mu.Lock()
	l.acked = append(l.acked, pendingAppend{rec, back})
	l.mu.Unlock()
}

func (l *roundLoop) take() (box []func(), acked []pendingAppend) {
	l.mu.Lock()
	defer l.mu.Unlock()
	box, acked = l.box, l.acked
	l.box, l.acked = nil, nil
	return box, acked
}

func (l *roundLoop) round() {
	box, acked := l.take()
	for _, f := range box {
		f()
	}
	for _, a := range acked {
		a.rec.Offset = l.offset
		l.offset++
		l.task.Restore(a.rec)
		a.back(nil)
	}
	works := l.works
	l.works = nil
	for _, job := range works {
		job.Work()
		job.Worked()
	}
	for len(l.window) > 0 && l.window[0].done {
		l.window[0].retired()
		l.window[0] = nil
		l.window = l.window[1:]
		l.retired++
	}
	l.running.Wait()
}

type roundInput struct {
	done    bool
	retired func()
}

func (l *roundLoop) input() *roundInput {
	in := &roundInput{}
	l.window = append(l.window, in)
	return in
}

func (in *roundInput) Done(_ []*stream.Record, retired func()) { in.done, in.retired = true, retired }
