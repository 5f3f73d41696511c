package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// judgeOutcomes holds each input against what came of it.
func (o *oracle) judgeOutcomes() {
	for _, in := range o.inputs {
		s, seen := o.expected[in.source], o.bySource[in.source]
		lost, doubled := chargeLost, chargeDoubled
		if s.Order {
			lost, doubled = chargeUnanswered, chargeAnswers
		}
		switch {
		case len(seen) == 0:
			o.find(lost, s, in.source, "nothing came of it, want %v", s.Want)
			continue
		case len(seen) > 1:
			o.find(doubled, s, in.source, "%d results, the first %s", len(seen), seen[0].what)
		}
		switch {
		case s.Case == "" || s.Wanted(seen[0].what):
		case o.explained(s, seen[0]):
			o.excused[seen[0].what]++
		default:
			o.find(chargeOf(s, seen[0]), s, in.source, "became %s, want %v", seen[0].what, s.Want)
		}
		o.judgeContent(s, in, seen[0])
	}
	for source, seen := range o.bySource {
		if _, ok := o.expected[source]; !ok {
			o.find(chargeUnsent, traffic.Sent{}, source, "%s", seen[0].what)
		}
	}
}

// chargeOf is what a wrong outcome is charged as.
func chargeOf(s traffic.Sent, got sighting) charge {
	switch {
	case s.Order && got.what == schemas.StatusSent.String() && s.Wanted(schemas.StatusNoCredit.String()):
		return chargeConsent
	case strings.HasSuffix(got.topic, schemas.TopicDeadLetters):
		return chargeReason
	}
	return chargeOutcome
}

// judgeContent holds an enriched record against what its user hid in it, a
// notification's result against its order, and a dead letter against the input's
// own bytes, which it has unless it would be too large with them.
func (o *oracle) judgeContent(s traffic.Sent, in input, got sighting) {
	switch {
	case s.Case == "":
		return
	case strings.HasSuffix(got.topic, schemas.TopicDeadLetters):
		if got.digest != in.digest && got.what != string(schemas.ReasonTooLarge) {
			o.find(chargeContent, s, got.source, "its dead letter has other bytes")
		}
		return
	case !got.enriched:
		if got.id != s.ID || got.app != s.AppID || got.openID != s.User {
			o.find(chargeContent, s, got.source, "its result says to be %s to %s of %s", got.id, got.openID, got.app)
		}
		return
	}
	if got.id != s.ID || got.session != s.Session || got.app != s.AppID || got.occurred != s.At {
		o.find(chargeContent, s, got.source, "it says to be %s of %s in %s at %d", got.id, got.session, got.app, got.occurred)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Says)) {
		if got.says[name] != s.Says[name] {
			o.find(chargeContent, s, got.source, "its %s is %q, want %q", name, got.says[name], s.Says[name])
		}
	}
}

// explained says whether a fault explains an outcome that was not wished for:
// nobody can know what became of a request whose answer never came, and a
// session whose login was lost so opens nothing.
func (o *oracle) explained(s traffic.Sent, got sighting) bool {
	switch got.what {
	case string(schemas.ReasonCodeOutcomeUnknown):
		return o.answerLost(s, got)
	case string(schemas.ReasonCodeExpired):
		return got.at.Sub(time.UnixMilli(s.At)) > codeLife
	case string(schemas.ReasonLoginFailed):
		return o.failed[cmp.Or(s.Needs, s.Session)]
	case string(schemas.ReasonDecryptFailed), string(schemas.ReasonSignatureMismatch):
		return o.failed[cmp.Or(s.Needs, s.Session)] || o.overtaken[s.ID]
	case schemas.StatusUnknown.String():
		return s.Order && o.sendLost(s, got)
	case schemas.StatusNoCredit.String():
		return o.enforced && s.Order && o.unknownConsent(s, got)
	}
	return false
}

// overtaking finds the events that were in Kafka before a login that was sent
// before them: a broker that was away kept the login's partition waiting longer.
// Their key may be that login's, and nobody can know that it is still to come.
func (o *oracle) overtaking() {
	logins := map[string][]traffic.Sent{}
	for _, s := range o.sent {
		if strings.HasSuffix(s.Topic, schemas.TopicLogin) && s.Session != "" {
			logins[s.Session] = append(logins[s.Session], s)
		}
	}
	for _, s := range o.sent {
		o.overtaken[s.ID] = slices.ContainsFunc(logins[s.Session], func(login traffic.Sent) bool {
			return login.SentAt <= s.SentAt && login.AckedAt > s.AckedAt
		})
	}
}

// answerLost says whether the answer to a code may have been: the platform lost
// it, or who asked died or stood still with it. A request that did not even leave
// shows nowhere, and where the code was never good the one after it is refused.
func (o *oracle) answerLost(s traffic.Sent, got sighting) bool {
	return slices.ContainsFunc(o.byCode[s.Code].Asks, o.unheard) ||
		s.Wanted(string(schemas.ReasonCodeRefused)) && o.suffered("enrich", time.UnixMilli(s.SentAt), got.at)
}

// unheard says whether the answer to an ask may not have been written down.
func (o *oracle) unheard(a douyintest.Ask) bool {
	return unclear(a) || o.suffered("enrich", a.At, a.At.Add(handling))
}

// unclear says whether whoever asked cannot know what became of it.
func unclear(a douyintest.Ask) bool {
	return a.Fault != "" && (a.ErrNo == -1 || a.Fault != douyintest.ModeErrNo) && a.Fault != douyintest.ModeThrottle
}

// sendLost says likewise of a notification: between its intent and its result.
func (o *oracle) sendLost(s traffic.Sent, got sighting) bool {
	lost := slices.ContainsFunc(o.messages, func(m douyintest.Message) bool {
		return m.OpenID == s.User && m.AppID == s.AppID && m.Fault != "" && m.Fault != douyintest.ModeThrottle
	})
	return lost || o.suffered("notify", time.UnixMilli(s.SentAt), got.at)
}

// judgeOrder looks at each partition of the results in its own order (I4).
func (o *oracle) judgeOrder() {
	type lane struct {
		partition int32
		session   string
		topic     string
	}
	type login struct {
		partition int32
		code      string
	}
	last, loggedIn, came := map[lane]int64{}, map[lane]bool{}, map[login]bool{}
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
		switch {
		case s.what == schemas.KindLogin.String():
			loggedIn[session], came[login{s.partition, sent.Code}] = true, true
		case !loggedIn[session]:
			o.find(chargeOrder, sent, s.source, "%s came before the login", s.what)
		case sent.Needs != "" && !came[login{s.partition, sent.Needs}]:
			o.find(chargeOrder, sent, s.source, "%s came before the login that gave its key", s.what)
		}
	}
}
