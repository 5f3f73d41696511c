package enrich

import (
	"cmp"
	"slices"

	"doustream/platform/stream"
	"doustream/schemas"
)

// event is one input record from Handle to its end: under way in the window,
// or parked. The task's loop owns it; while working is set, its job reads the
// record, prepared and the fields of the job.
type event struct {
	task   *Task
	in     finisher       // nil once parked
	rec    *stream.Record // when parked, a copy of its own
	p      *prepared
	topic  topic
	state  state
	sess   *session // the active session that it is counted in; nil: none
	taken  int64    // ms of the clock; when it was read, by this owner
	parkAt int64    // likewise; when what is unfinished leaves the window

	// Of a parked event.
	size    int64
	settled bool // its entry has retired: what resumes it may leave

	wakeClock int64 // ms; the alarms that are set, 0: none
	wakeMark  int64

	tried   lineage // the logins whose sessions were tried in vain
	keyless bool    // none of those has a key
	barren  bool    // none of those could be read

	exchange *exchange // of a login
	job      job
}

// newEvent begins an event, a login's with its exchange in one piece of memory.
func (t *Task) newEvent(in finisher, rec *stream.Record, p *prepared) *event {
	if p.topic != topicLogin {
		return &event{task: t, in: in, rec: rec, p: p, topic: p.topic}
	}
	login := &struct {
		event
		of exchange
	}{event: event{task: t, in: in, rec: rec, p: p, topic: p.topic}}
	login.exchange = &login.of
	return &login.event
}

type state uint8

const (
	stateIdle    state = iota // waits for a login, the watermark or the platform
	stateWorking              // on a worker
	stateParking              // being sealed for doustream.parked
	stateReady                // a login whose job is done, behind one of its session that is not
	stateDone
)

// timestamp of the record, in ms.
func (e *event) timestamp() int64 { return e.rec.Timestamp.UnixMilli() }

// aheadOfUs is by how much (ms) another's clock may be ahead of ours.
const aheadOfUs = 60_000

// believed is a timestamp (ms) of the event's as far as it can be right: what was
// read by now was made before. A time-out of one from the year 3000 would never
// come, and such events fill what may be parked.
func (e *event) believed(at int64) int64 { return min(at, e.taken+aheadOfUs) }

// first reports whether the event may be worked on: nothing of its session and
// topic is parked before it, and, but for a login, its own parked entry has
// retired.
func (e *event) first() bool {
	if e.in != nil {
		return true
	}
	queue := e.sess.parked[e.topic]
	return len(queue) > 0 && queue[0] == e && (e.settled || e.topic == topicLogin)
}

// leads reports whether an event may leave the window: a login does so behind
// those of its session that stand before it.
func (e *event) leads() bool {
	return e.topic != topicLogin || e.in == nil || len(e.sess.parked[topicLogin]) == 0 && e.sess.window[0] == e
}

func (e *event) source() schemas.Source {
	return schemas.Source{Topic: e.rec.Topic, Partition: e.rec.Partition, Offset: e.rec.Offset}
}

// session is a session with something unfinished: logins, or events that wait.
// It lives only as long as that.
type session struct {
	id      string
	logins  int                  // taken in and not retired, or parked
	window  []*event             // its logins in the window, in the topic's order: exchanged at once, they leave in turn
	waiting []*event             // in the window, one for each topic at most
	parked  [topicCount][]*event // by topic, in the topic's order; only the first of each is worked on

	alone     [1]*event // room for its window: few have more than one login
	forgotten bool      // it is not in Task.active any more
}

func (s *session) idle() bool {
	if s.logins > 0 || len(s.waiting) > 0 {
		return false
	}
	for i := range s.parked {
		if len(s.parked[i]) > 0 {
			return false
		}
	}
	return true
}

// parkedLogin reports whether the login with that offset is still parked.
func (s *session) parkedLogin(offset int64) bool {
	_, parked := slices.BinarySearchFunc(s.parked[topicLogin], offset, func(e *event, offset int64) int {
		return cmp.Compare(e.rec.Offset, offset)
	})
	return parked
}

// leaveWindow takes a login out, the first one mostly.
func (s *session) leaveWindow(e *event) {
	i := slices.Index(s.window, e)
	switch i {
	case -1:
	case 0:
		s.window[0] = nil
		s.window = s.window[1:]
	default:
		s.window = slices.Delete(s.window, i, i+1)
	}
}

// setAside takes a parked event into its place: the entries of two logins may be
// sealed in either order.
func (s *session) setAside(e *event, offset int64) {
	queue := s.parked[e.topic]
	at := len(queue)
	for at > 0 && queue[at-1].rec.Offset > offset {
		at--
	}
	s.parked[e.topic] = slices.Insert(queue, at, e)
}

func (s *session) stopWaiting(e *event) {
	for i, w := range s.waiting {
		if w == e {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return
		}
	}
}
