package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// charge is something that must never be.
type charge string

// The charges, in the order of the scorecard.
const (
	chargeLost       charge = "lost (I1, I5)"
	chargeDoubled    charge = "doubled (I5)"
	chargeOrder      charge = "out of order in a session (I4)"
	chargeOutcome    charge = "wrong outcome"
	chargeContent    charge = "wrong content"
	chargeUnsent     charge = "results of nothing"
	chargeGarbled    charge = "results that cannot be read"
	chargeOpen       charge = "transactions that do not end"
	chargeCodeTwice  charge = "codes sent too often (I3)"
	chargeCodeLate   charge = "codes sent past their life"
	chargeToken      charge = "tokens fetched too often (I6)"
	chargeMessage    charge = "notifications sent twice (I7)"
	chargeRowLost    charge = "rows missing in ClickHouse (I5)"
	chargeRowDoubled charge = "rows doubled in ClickHouse (I5)"
	chargeRowDiffers charge = "rows that say something else"
	chargeLeak       charge = "secrets seen (I8)"
)

var charges = []charge{
	chargeLost, chargeDoubled, chargeOrder, chargeOutcome, chargeContent, chargeUnsent, chargeGarbled, chargeOpen, chargeCodeTwice, chargeCodeLate,
	chargeToken, chargeMessage, chargeRowLost, chargeRowDoubled, chargeRowDiffers, chargeLeak,
}

// oracle knows what must come of the traffic and judges what did. It shares no
// code with the processors: it knows the contract alone.
type oracle struct {
	evidence
	expected map[schemas.Source]traffic.Sent
	bySource map[schemas.Source][]sighting
	byCode   map[string]douyintest.CodeHistory
	failed   map[string]bool // sessions of which a login came to nothing
	findings map[charge][]string
	excused  int // outcomes that are not what was wished for, and that a fault explains
}

// judge gives the findings, by charge.
func judge(e evidence) *oracle {
	o := &oracle{
		evidence: e, findings: map[charge][]string{}, failed: map[string]bool{},
		bySource: map[schemas.Source][]sighting{}, byCode: map[string]douyintest.CodeHistory{},
	}
	o.expect()
	for _, s := range e.outputs {
		o.bySource[s.source] = append(o.bySource[s.source], s)
		if sent, ok := o.expected[s.source]; ok && strings.HasSuffix(sent.Topic, schemas.TopicLogin) && !s.enriched {
			o.failed[sent.Session] = true
		}
	}
	for _, c := range e.codes {
		o.byCode[c.Code] = c
	}
	o.judgeOutcomes()
	o.judgeOrder()
	o.judgeCodes()
	o.judgeTokens()
	o.judgeMessages()
	if e.asked {
		o.judgeRows()
	}
	o.findings[chargeGarbled] = e.garbled
	o.findings[chargeOpen] = e.open
	o.findings[chargeLeak] = e.leaks
	return o
}

// expect finds for each input what must come of it: by its place, or, where an
// acknowledgement was lost and the producer sent it again, by its id.
func (o *oracle) expect() {
	byPlace, byID := map[schemas.Source]traffic.Sent{}, map[string]traffic.Sent{}
	for _, s := range o.sent {
		byPlace[schemas.Source{Topic: s.Topic, Partition: s.Partition, Offset: s.Offset}] = s
		if s.ID != "" {
			byID[s.Topic+"|"+s.ID] = s
		}
	}
	o.expected = make(map[schemas.Source]traffic.Sent, len(o.inputs))
	for _, in := range o.inputs {
		s, ok := byPlace[in.source]
		if !ok {
			s = byID[in.source.Topic+"|"+in.id]
		}
		o.expected[in.source] = s
	}
}

func (o *oracle) find(c charge, s traffic.Sent, source schemas.Source, format string, args ...any) {
	name := fmt.Sprintf("%s (%s, %s/%d/%d): ", cmp.Or(s.ID, "no id"), s.Case, source.Topic, source.Partition, source.Offset)
	o.findings[c] = append(o.findings[c], name+fmt.Sprintf(format, args...))
}

func (o *oracle) judgeOutcomes() {
	for _, in := range o.inputs {
		s, seen := o.expected[in.source], o.bySource[in.source]
		switch {
		case len(seen) == 0:
			o.find(chargeLost, s, in.source, "nothing came of it, want %v", s.Want)
			continue
		case len(seen) > 1:
			o.find(chargeDoubled, s, in.source, "%d results, the first %s", len(seen), seen[0].what)
		}
		switch {
		case s.Case == "" || s.Wanted(seen[0].what):
		case o.explained(s, seen[0]):
			o.excused++
		default:
			o.find(chargeOutcome, s, in.source, "became %s, want %v", seen[0].what, s.Want)
		}
		o.judgeContent(s, seen[0])
	}
	for source, seen := range o.bySource {
		if _, ok := o.expected[source]; !ok {
			o.find(chargeUnsent, traffic.Sent{}, source, "%s", seen[0].what)
		}
	}
}

// judgeContent holds an enriched record against what its user hid in it.
func (o *oracle) judgeContent(s traffic.Sent, got sighting) {
	if !got.enriched || s.Case == "" {
		return
	}
	switch {
	case got.id != s.ID || got.session != s.Session || got.app != s.AppID:
		o.find(chargeContent, s, got.source, "it says to be %s of %s in %s", got.id, got.session, got.app)
	case got.openID != "" && s.User != "" && got.openID != s.User:
		o.find(chargeContent, s, got.source, "it is of another user")
	case got.phone != "" && got.phone != s.Phone[:3]+"****"+s.Phone[len(s.Phone)-4:]:
		o.find(chargeContent, s, got.source, "it shows another phone number: %s", got.phone)
	}
}

// explained says whether a fault explains an outcome that was not wished for:
// nobody can know what became of a request whose answer never came, and a
// session whose login was lost so opens nothing.
func (o *oracle) explained(s traffic.Sent, got sighting) bool {
	switch got.what {
	case string(schemas.ReasonCodeOutcomeUnknown):
		return o.answerLost(s)
	case string(schemas.ReasonCodeExpired):
		return got.at.Sub(time.UnixMilli(s.SentAt)) > codeLife
	case string(schemas.ReasonLoginFailed), string(schemas.ReasonDecryptFailed), string(schemas.ReasonSignatureMismatch):
		return o.failed[s.Session]
	case schemas.StatusUnknown.String():
		return s.Order && o.sendLost(s, got)
	}
	return false
}

// answerLost says whether the answer to a code may have been: the platform lost
// it, or who asked suffered just then. A code that never was is in no ledger.
func (o *oracle) answerLost(s traffic.Sent) bool {
	history, issued := o.byCode[s.Code]
	if !issued {
		return s.Wanted(string(schemas.ReasonCodeRefused)) && len(o.spans) > 0
	}
	return slices.ContainsFunc(history.Asks, func(a douyintest.Ask) bool {
		return unclear(a) || o.suffered("enrich", a.At.Add(-patience), a.At.Add(patience))
	})
}

// sendLost says likewise of a notification: between its intent and its result.
func (o *oracle) sendLost(s traffic.Sent, got sighting) bool {
	lost := slices.ContainsFunc(o.messages, func(m douyintest.Message) bool {
		return m.OpenID == s.User && m.AppID == s.AppID && m.Fault != "" && m.Fault != douyintest.ModeThrottle
	})
	return lost || o.suffered("notify", time.UnixMilli(s.SentAt), got.at)
}

// suffered says whether a process of that role did in a time, or what hung on
// it is felt then; a broker's faults are everybody's.
func (o *oracle) suffered(role string, from, to time.Time) bool {
	return slices.ContainsFunc(o.spans, func(s span) bool {
		return (s.role == role || s.role == "") && s.from.Before(to) && s.to.Add(aftermath).After(from)
	})
}

const (
	// aftermath is how long a fault is felt: a session time-out and a take-over.
	aftermath = 15 * time.Second
	// patience is how long who asked waits for an answer, and some.
	patience = 6 * time.Second
	// codeLife is how long a code may be sent, counted from its event.
	codeLife = 3 * time.Minute
)

// judgeOrder looks at each partition of the results in its own order (I4).
func (o *oracle) judgeOrder() {
	type lane struct {
		partition int32
		session   string
		topic     string
	}
	last, loggedIn := map[lane]int64{}, map[lane]bool{}
	for _, s := range o.outputs {
		if !s.enriched {
			continue
		}
		sent := o.expected[s.source]
		at := lane{s.partition, s.session, s.source.Topic}
		if before, ok := last[at]; ok && before > s.source.Offset {
			o.find(chargeOrder, sent, s.source, "it came behind offset %d", before)
		}
		last[at] = s.source.Offset
		session := lane{s.partition, s.session, ""}
		if s.what == schemas.KindLogin.String() {
			loggedIn[session] = true
		} else if !loggedIn[session] {
			o.find(chargeOrder, sent, s.source, "%s came before the login", s.what)
		}
	}
}

// judgeCodes holds what the platform was asked against I3: one send, and one
// more when nobody can know what became of the first. A throttled request was
// refused for certain, and the code is as good as before.
func (o *oracle) judgeCodes() {
	for _, c := range o.codes {
		asks := slices.DeleteFunc(slices.Clone(c.Asks), func(a douyintest.Ask) bool { return a.Fault == douyintest.ModeThrottle })
		name := fmt.Sprintf("a code of %s, issued %s", c.User, c.IssuedAt.Format(time.TimeOnly))
		switch {
		case len(asks) > 2:
			o.findings[chargeCodeTwice] = append(o.findings[chargeCodeTwice], fmt.Sprintf("%s: %d times", name, len(asks)))
		case len(asks) == 2 && !unclear(asks[0]) && !o.suffered("enrich", asks[0].At.Add(-patience), asks[1].At):
			o.findings[chargeCodeTwice] = append(o.findings[chargeCodeTwice], name+": twice, and the first answer was clear")
		}
		for _, a := range asks {
			if late := a.At.Sub(c.IssuedAt) - codeLife; late > handling {
				o.findings[chargeCodeLate] = append(o.findings[chargeCodeLate], fmt.Sprintf("%s: %s too late", name, late))
			}
		}
	}
}

// handling is what may lie between a code's issue and its event.
const handling = time.Minute

// unclear says whether whoever asked cannot know what became of it.
func unclear(a douyintest.Ask) bool {
	return a.Fault != "" && (a.ErrNo == -1 || a.Fault != douyintest.ModeErrNo)
}

// judgeTokens holds the fetches against I6. A token lives two hours; within
// half of one, a second fetch needs a reason.
func (o *oracle) judgeTokens() {
	type holder struct{ app, kind string }
	last := map[holder]douyintest.TokenFetch{}
	for _, f := range o.fetches {
		if f.ErrNo != 0 || f.Fault != "" {
			continue
		}
		at := holder{f.AppID, string(f.Kind)}
		if before, ok := last[at]; ok && f.At.Sub(before.At) < 30*time.Minute && !o.suffered("notify", before.At, f.At) {
			o.findings[chargeToken] = append(o.findings[chargeToken], fmt.Sprintf("%s of %s, %s after the one before", f.Kind, f.AppID, f.At.Sub(before.At)))
		}
		last[at] = f
	}
}

// judgeMessages holds the sends against I7. The traffic gives each order its
// own text.
func (o *oracle) judgeMessages() {
	sends := map[string]int{}
	for _, m := range o.messages {
		refused := m.ErrNo != 0 && m.Fault == "" || m.Fault == douyintest.ModeThrottle
		if refused && !m.Delivered {
			continue
		}
		sends[fmt.Sprintf("%s to %s: %v", m.TemplateID, m.OpenID, m.Data)]++
	}
	for message, n := range sends {
		if n > 1 {
			o.findings[chargeMessage] = append(o.findings[chargeMessage], fmt.Sprintf("%s, %d times", message, n))
		}
	}
}

// judgeRows holds ClickHouse against Kafka.
func (o *oracle) judgeRows() {
	rows := map[schemas.Source][]outcome{}
	for _, r := range o.rows {
		rows[r.source] = append(rows[r.source], r)
	}
	for source, seen := range o.bySource {
		s, have := o.expected[source], rows[source]
		switch {
		case len(have) == 0:
			o.find(chargeRowLost, s, source, "%s is in Kafka", seen[0].what)
		case len(have) > 1:
			o.find(chargeRowDoubled, s, source, "%d rows", len(have))
		case have[0].what != seen[0].what:
			o.find(chargeRowDiffers, s, source, "%s in Kafka, %s in ClickHouse", seen[0].what, have[0].what)
		}
		delete(rows, source)
	}
	for source, have := range rows {
		o.find(chargeUnsent, traffic.Sent{}, source, "a row: %s", have[0].what)
	}
}

// guilty says whether anything was found.
func (o *oracle) guilty() bool {
	for _, found := range o.findings {
		if len(found) > 0 {
			return true
		}
	}
	return false
}
