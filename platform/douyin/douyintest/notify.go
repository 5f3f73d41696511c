package douyintest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"doustream/platform/douyin"
)

type consentKey struct{ openID, template string }

// consent is what a user granted for one template.
type consent struct {
	credits  int
	standing bool
	refused  bool
}

// Grant is what a user says to a template.
type Grant struct {
	AppID    string `json:"app_id"`
	OpenID   string `json:"open_id"`
	Template string `json:"template_id"`
	Credits  int    `json:"credits,omitempty"`  // added: accepts of a one-time template
	Standing bool   `json:"standing,omitempty"` // accept of a long-term template
	Refused  bool   `json:"refused,omitempty"`  // takes everything back
}

// Grant gives or takes consent. An app that is not known has no users.
func (p *Platform) Grant(grants ...Grant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range grants {
		a, ok := p.apps[g.AppID]
		if !ok {
			continue
		}
		key := consentKey{g.OpenID, g.Template}
		if g.Refused || a.consents[key] == nil {
			a.consents[key] = &consent{}
		}
		k := a.consents[key]
		k.credits += g.Credits
		k.standing = k.standing || g.Standing
		k.refused = g.Refused
	}
}

// SetUserRefusal has every message to a user refused with errNo (28001045:
// account cancelled); 0 ends it. It reports whether the user is known.
func (p *Platform) SetUserRefusal(appID, openID string, errNo int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, ok := p.apps[appID]; ok && a.openIDs[openID] != nil {
		a.openIDs[openID].refusal = errNo
		return true
	}
	return false
}

// notify is v1 notify and v2 notify_user.
func (p *Platform) notify(c *call, f *Fault) []byte {
	var a *app
	var t issued
	var no int64
	if c.endpoint == douyin.EndpointNotifyV1 {
		a, t, no = p.holder(c.AccessToken, c.now, douyin.EndpointAccessToken)
	} else {
		c.Template = c.Message
		a, t, no = p.holder(c.header, c.now, douyin.EndpointClientToken, douyin.EndpointStableClientToken)
	}
	delivered := false
	if f.before() {
		no = f.ErrNo
	} else {
		no = p.refuseMessage(c, a, no)
		delivered = no == 0
	}
	shown := no
	if f.answers() {
		shown = f.ErrNo
	}
	p.enter(c, f, a, t, no, shown, delivered)
	if c.endpoint == douyin.EndpointNotifyV1 {
		return fmt.Appendf(nil, `{"err_no":%d,"err_tips":%q,"log_id":%q}`, shown, messageTips(shown), c.logID)
	}
	return fmt.Appendf(nil, `{"err_no":%d,"err_msg":%q,"log_id":%q}`, shown, messageTips(shown), c.logID)
}

func (p *Platform) enter(c *call, f *Fault, a *app, t issued, no, shown int64, delivered bool) {
	mode, after := p.outcome(c, f, no)
	m := Message{
		At: c.now, Endpoint: c.endpoint, AppID: c.App, OpenID: c.OpenID, TemplateID: c.Template, Data: c.Data, Page: c.Page,
		Token: t.serial, ErrNo: shown, Delivered: delivered, Fault: mode, After: after, LogID: c.logID,
	}
	if a != nil {
		m.AppID = a.id
	}
	if t.serial != "" {
		p.ledger.summary.TokenUses[t.serial]++
	}
	p.ledger.messages = bounded(&p.ledger, p.ledger.messages, m)
}

func messageTips(no int64) string {
	if no == 0 {
		return ""
	}
	return "refused"
}

// numbers are the error numbers that differ between v1 and v2.
type numbers struct{ parameter, content, throttled, user, used, refused int64 }

var (
	numbersV1 = numbers{1000, 1008, 28006003, 1010, 28014043, 28014043}
	numbersV2 = numbers{28001007, 28001017, 28003018, 28003018, 28014041, 28014036}
)

// refuseMessage decides on a message, and takes the credit and the user's
// second when it goes out.
func (p *Platform) refuseMessage(c *call, a *app, tokenNo int64) int64 {
	n := numbersV2
	if c.endpoint == douyin.EndpointNotifyV1 {
		n = numbersV1
	}
	switch {
	case !c.readable || c.OpenID == "" || c.Template == "" || len(c.Data) == 0:
		return n.parameter
	case tokenNo != 0:
		return tokenNo
	case c.endpoint == douyin.EndpointNotifyV1 && c.App != a.id:
		return 28001003
	case p.forbidden(c.Data):
		return n.content
	case p.flooded(a, c.now):
		return n.throttled
	}
	u := a.openIDs[c.OpenID]
	if u != nil && u.refusal != 0 {
		return u.refusal
	}
	if u != nil && p.opts.NotifyInterval > 0 && c.now.Sub(u.messageAt) < p.opts.NotifyInterval {
		return n.user
	}
	if no := p.spend(a, c, n); no != 0 {
		return no
	}
	a.messages = append(a.messages, c.now)
	if u != nil {
		u.messageAt = c.now
	}
	return 0
}

func (p *Platform) forbidden(data map[string]string) bool {
	if p.opts.ForbiddenText == "" {
		return false
	}
	for _, v := range data {
		if strings.Contains(v, p.opts.ForbiddenText) {
			return true
		}
	}
	return false
}

func (p *Platform) flooded(a *app, now time.Time) bool {
	if p.opts.NotifyPerSecond < 0 {
		a.messages = a.messages[:0]
		return false
	}
	first, _ := slices.BinarySearchFunc(a.messages, now.Add(-time.Second), func(t, past time.Time) int {
		if t.After(past) {
			return 1
		}
		return -1
	})
	a.messages = slices.Delete(a.messages, 0, first)
	return len(a.messages) >= p.opts.NotifyPerSecond
}

// spend takes a credit, or says why there is none.
func (p *Platform) spend(a *app, c *call, n numbers) int64 {
	k := a.consents[consentKey{c.OpenID, c.Template}]
	switch {
	case k != nil && k.refused:
		return n.refused
	case p.opts.Open || k != nil && k.standing:
		return 0
	case k == nil:
		return 28014043
	case k.credits == 0:
		return n.used
	}
	k.credits--
	return 0
}
