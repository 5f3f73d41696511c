package main

import (
	"strings"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/schemas"
)

// accepted gives when the first fact was written that a user accepts a template.
func (o *oracle) accepted(app, openID, template string) (at time.Time, known bool) {
	for _, c := range o.consents {
		if c.status != schemas.ConsentAccept || c.app != app || c.openID != openID || c.template != template {
			continue
		}
		if !known || c.at.Before(at) {
			at, known = c.at, true
		}
	}
	return at, known
}

// judgeCredits finds messages that were asked of the platform, where a credit of
// the ledger is the law, before any fact said that the user accepts.
func (o *oracle) judgeCredits() {
	if !o.enforced {
		return
	}
	for _, m := range o.messages {
		if at, known := o.accepted(m.AppID, m.OpenID, m.TemplateID); !known || at.After(m.At) {
			o.tell(chargeConsent, "%s to %s at %s, on no credit", m.TemplateID, m.OpenID, m.At.Format(time.TimeOnly))
		}
	}
}

// unknownConsent says whether the notifier cannot have known, when it ended an
// order, that the user accepts: no fact said so for long enough, or a fault kept
// the fact from being read.
func (o *oracle) unknownConsent(s traffic.Sent, got sighting) bool {
	at, ok := o.accepted(s.AppID, s.User, s.Template)
	return !ok || got.at.Sub(at) < known || o.suffered("notify", at, got.at) || o.suffered("enrich", at.Add(-brokerFelt), got.at)
}

// judgeFacts holds doustream.consents against the subscriptions that were
// enriched: they leave in one transaction, and each answer counts once.
func (o *oracle) judgeFacts() {
	type answer struct {
		source                      schemas.Source
		app, openID, template, said string
		at                          int64
	}
	facts := map[answer]int{}
	for _, c := range o.consents {
		facts[answer{c.source, c.app, c.openID, c.template, string(c.status), c.occurred}]++
	}
	for _, s := range o.outputs {
		if s.what != schemas.KindSubscription.String() || !s.enriched || s.openID == "" {
			continue
		}
		for name, said := range s.says {
			if said != string(schemas.ConsentAccept) && said != string(schemas.ConsentReject) && said != string(schemas.ConsentBan) || strings.HasSuffix(name, "open_id") {
				continue
			}
			switch n := facts[answer{s.source, s.app, s.openID, name, said, s.occurred}]; {
			case n == 0:
				o.find(chargeLost, o.expected[s.source], s.source, "its %s of %s is no fact", said, name)
			case n > 1:
				o.find(chargeDoubled, o.expected[s.source], s.source, "its %s of %s is %d facts", said, name, n)
			}
		}
	}
}
