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
	chargeUnread     charge = "inputs that are not in Kafka, or that nobody sent"
	chargeLost       charge = "events lost (I1, I5)"
	chargeDoubled    charge = "events duplicated, read committed (I5)"
	chargeOrder      charge = "reordered within a session (I4)"
	chargeOutcome    charge = "wrong outcome"
	chargeReason     charge = "dead letters with a wrong reason"
	chargeContent    charge = "wrong content"
	chargeUnsent     charge = "results of nothing"
	chargeGarbled    charge = "results that cannot be read"
	chargeOpen       charge = "transactions that do not end"
	chargeBehind     charge = "records done with, and their offsets not committed"
	chargeCodeTwice  charge = "codes sent too often (I3)"
	chargeCodeLate   charge = "codes sent past their life"
	chargeUnwritten  charge = "codes sent without a fact that says so (I3)"
	chargeUnanswered charge = "orders unanswered"
	chargeAnswers    charge = "orders answered twice"
	chargeMessage    charge = "notifications sent twice (I7)"
	chargeConsent    charge = "notifications without consent"
	chargeToken      charge = "tokens fetched beyond need (I6)"
	chargeRowLost    charge = "rows missing in ClickHouse (I5)"
	chargeRowDoubled charge = "rows duplicated in ClickHouse (I5)"
	chargeRowDiffers charge = "rows that say something else"
	chargeUser       charge = "users of ClickHouse that are wrong"
	chargeVerify     charge = "complaints by doustream verify"
	chargeLeak       charge = "secrets seen (I8)"
	chargeEnd        charge = "processes that broke down or stayed away (I10)"
)

var charges = []charge{
	chargeUnread, chargeLost, chargeDoubled, chargeOrder, chargeOutcome, chargeReason, chargeContent, chargeUnsent, chargeGarbled, chargeOpen, chargeBehind, chargeCodeTwice, chargeCodeLate, chargeUnwritten,
	chargeUnanswered, chargeAnswers, chargeMessage, chargeConsent, chargeToken, chargeRowLost, chargeRowDoubled, chargeRowDiffers, chargeUser, chargeVerify, chargeLeak, chargeEnd,
}

// oracle knows what must come of the traffic and judges what did. It shares no
// code with the processors: it knows the contract alone.
type oracle struct {
	evidence
	expected map[schemas.Source]traffic.Sent
	bySource map[schemas.Source][]sighting
	byCode   map[string]douyintest.CodeHistory
	failed   map[string]bool // sessions, and codes, of which a login came to nothing
	// overtaken are the ids of events that a login sent before them came behind.
	overtaken map[string]bool
	findings  map[charge][]string
	excused   map[string]int // outcomes that are not what was wished for, and that a fault explains
}

// judge gives the findings, by charge.
func judge(e evidence) *oracle {
	o := &oracle{
		evidence: e, findings: map[charge][]string{}, failed: map[string]bool{}, overtaken: map[string]bool{}, excused: map[string]int{},
		bySource: map[schemas.Source][]sighting{}, byCode: map[string]douyintest.CodeHistory{},
	}
	o.expect()
	o.judgeWitnesses()
	o.overtaking()
	for _, s := range e.outputs {
		o.bySource[s.source] = append(o.bySource[s.source], s)
		if sent, ok := o.expected[s.source]; ok && strings.HasSuffix(sent.Topic, schemas.TopicLogin) && !s.enriched {
			o.failed[sent.Session], o.failed[sent.Code] = true, true
		}
	}
	for _, c := range e.codes {
		o.byCode[c.Code] = c
	}
	o.judgeOutcomes()
	o.judgeOrder()
	o.judgeCodes()
	o.judgeLedger()
	o.judgeTokens()
	o.judgeMessages()
	o.judgeDelivery()
	o.judgeConsent()
	o.judgeCredits()
	o.judgeFacts()
	o.judgeEnds()
	if e.asked {
		o.judgeRows()
		o.judgeUsers()
	}
	o.findings[chargeGarbled] = e.garbled
	o.findings[chargeOpen] = e.open
	o.findings[chargeBehind] = e.behind
	o.findings[chargeVerify] = e.verify
	o.findings[chargeLeak] = e.leaks
	return o
}

// expect finds for each input what must come of it: by its place, or, where an
// acknowledgement was lost and the producer sent it again, by its id or its bytes.
// Who is nowhere, or comes from nowhere, would leave the others nothing to judge.
func (o *oracle) expect() {
	byPlace, byID, byBytes := map[schemas.Source]traffic.Sent{}, map[string]traffic.Sent{}, map[twin]traffic.Sent{}
	unplaced := map[string]int{} // acknowledged, and the producer was not told where
	for _, s := range o.sent {
		if s.Offset < 0 {
			unplaced[s.Topic]++
		}
		byPlace[schemas.Source{Topic: s.Topic, Partition: s.Partition, Offset: s.Offset}] = s
		if s.ID != "" {
			byID[s.Topic+"|"+s.ID] = s
		}
	}
	for _, in := range o.inputs {
		if s, ok := byPlace[in.source]; ok {
			byBytes[twin{in.source.Topic, in.digest}] = s
		}
	}
	o.expected = make(map[schemas.Source]traffic.Sent, len(o.inputs))
	for _, in := range o.inputs {
		s, ok := byPlace[in.source]
		if !ok {
			s, ok = byID[in.source.Topic+"|"+in.id]
		}
		if !ok {
			s, ok = byBytes[twin{in.source.Topic, in.digest}]
		}
		o.expected[in.source] = s
		if ok {
			continue
		}
		if unplaced[in.source.Topic]--; unplaced[in.source.Topic] < 0 {
			o.find(chargeUnread, s, in.source, "nobody sent it, so that nobody knows what must come of it")
		}
	}
	for place, s := range byPlace {
		if _, ok := o.expected[place]; !ok && place.Offset >= 0 {
			o.find(chargeUnread, s, place, "Kafka had acknowledged it")
		}
	}
}

// twin is what two records of one topic have in common that a producer sent twice.
type twin struct {
	topic string
	digest
}

// judgeWitnesses finds what would leave others with nothing to judge: whoever
// sees nothing charges nothing.
func (o *oracle) judgeWitnesses() {
	enriched := slices.ContainsFunc(o.outputs, func(s sighting) bool { return s.enriched })
	orders := slices.ContainsFunc(o.sent, func(s traffic.Sent) bool { return s.Order })
	switch {
	case len(o.sent) == 0:
		o.tell(chargeUnread, "nothing was sent")
	case enriched && len(o.codes) == 0:
		o.tell(chargeUnread, "the platform remembers no code")
	case orders && len(o.fetches) == 0:
		o.tell(chargeUnread, "the platform remembers no token")
	}
}

func (o *oracle) find(c charge, s traffic.Sent, source schemas.Source, format string, args ...any) {
	name := fmt.Sprintf("%s (%s, %s/%d/%d): ", cmp.Or(s.ID, "no id"), s.Case, source.Topic, source.Partition, source.Offset)
	o.findings[c] = append(o.findings[c], name+fmt.Sprintf(format, args...))
}

func (o *oracle) tell(c charge, format string, args ...any) {
	o.findings[c] = append(o.findings[c], fmt.Sprintf(format, args...))
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

const (
	// codeLife is how long a code may be sent, counted from its event.
	codeLife = 3 * time.Minute
	// handling is what may lie between a decision and what the platform notes,
	// on a machine that is busy.
	handling = 5 * time.Second
)
