package main

import (
	"fmt"
	"time"

	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

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
			o.tell(chargeMessage, "%s, %d times", message, n)
		}
	}
}

// judgeDelivery holds each result of an order against what its user has: what is
// said to be sent was delivered, and what is said not to be was not. The traffic
// has one order for each user and template.
func (o *oracle) judgeDelivery() {
	type address struct{ app, openID, template string }
	delivered := map[address]bool{}
	for _, m := range o.messages {
		if m.Delivered {
			delivered[address{m.AppID, m.OpenID, m.TemplateID}] = true
		}
	}
	for _, got := range o.outputs {
		s := o.expected[got.source]
		if !s.Order || got.enriched || got.what == schemas.StatusUnknown.String() {
			continue
		}
		said := got.what == schemas.StatusSent.String()
		if has := delivered[address{s.AppID, s.User, s.Template}]; has != said {
			o.find(chargeOutcome, s, got.source, "became %s; delivered: %v", got.what, has)
		}
	}
}

// known is how long after a consent was published the notifier must know it.
const known = 3 * time.Second

// judgeConsent finds messages that were asked of the platform although the user
// had said no, and the notifier knew: the newest word of the user in
// doustream.consents was older than known, and no fault kept it from reading.
func (o *oracle) judgeConsent() {
	type asked struct{ app, openID, template string }
	words := map[asked][]consent{}
	for _, c := range o.consents {
		at := asked{c.app, c.openID, c.template}
		words[at] = append(words[at], c)
	}
	for _, m := range o.messages {
		var newest consent
		for _, c := range words[asked{m.AppID, m.OpenID, m.TemplateID}] {
			if c.occurred >= newest.occurred && c.at.Add(known).Before(m.At) {
				newest = c
			}
		}
		no := newest.status == schemas.ConsentReject || newest.status == schemas.ConsentBan
		if no && !o.suffered("notify", newest.at, m.At) {
			o.tell(chargeConsent, "%s to %s at %s, who said %s at %s", m.TemplateID, m.OpenID, m.At.Format(time.TimeOnly), newest.status, newest.at.Format(time.TimeOnly))
		}
	}
}
