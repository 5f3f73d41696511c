package traffic

import (
	"fmt"
	"time"

	"doustream/schemas"
)

// order is a notification order as an order service publishes it.
type order struct {
	NotificationID string            `json:"notification_id,omitempty"`
	AppID          string            `json:"app_id,omitempty"`
	OpenID         string            `json:"open_id,omitempty"`
	TemplateID     string            `json:"template_id,omitempty"`
	Data           map[string]string `json:"data,omitempty"`
	Page           string            `json:"page,omitempty"`
	OrderID        string            `json:"order_id,omitempty"`
	ExpiresAt      any               `json:"expires_at,omitzero"`
}

// orderPlan is one order to come.
type orderPlan struct {
	name     string
	template string
	want     []string
	edit     func(o *order, now time.Time)
	value    []byte // in place of the order
	twice    bool
}

func (v *visit) planOrder(p orderPlan) {
	v.steps = append(v.steps, step{at: v.at, twice: p.twice, build: func(now time.Time) message { return p.build(v, now) }})
	v.pause()
}

func (p *orderPlan) build(v *visit, now time.Time) message {
	id := "n-" + v.nextID()
	o := order{
		NotificationID: id, AppID: v.app, OpenID: v.login.OpenID, TemplateID: p.template,
		Data: map[string]string{"快递派送": fmt.Sprintf("SF%010d", v.number)}, Page: "pages/order/detail",
		OrderID: fmt.Sprintf("order-%d", v.number), ExpiresAt: now.Add(time.Hour).UnixMilli(),
	}
	if v.number%5 == 0 {
		o.ExpiresAt = now.Add(time.Hour).UTC().Format(time.RFC3339)
	}
	if p.edit != nil {
		p.edit(&o, now)
	}
	value := p.value
	if value == nil {
		value = encode(o)
	}
	return message{topic: schemas.TopicOrders, key: []byte(v.login.OpenID), value: value, at: now, sent: Sent{
		ID: o.NotificationID, AppID: o.AppID, Session: v.session, User: o.OpenID, At: now.UnixMilli(), Case: p.name, Want: p.want, Order: true,
		Template: o.TemplateID,
	}}
}

// sendOrder orders a message to the visit's user.
func (v *visit) sendOrder(template string, consent bool) {
	p := orderPlan{name: "good order", template: template, want: []string{"SENT"}}
	if !consent {
		p.name, p.want = "order without consent", []string{"NO_CREDIT"}
	}
	v.planOrder(p)
}

// badOrders are the orders that do not end as SENT, and those that are
// published twice.
var badOrders = []struct {
	name   string
	script func(v *visit, name string)
}{
	{"order published twice", func(v *visit, name string) {
		v.consent()
		v.planOrder(orderPlan{name: name, template: templates[0], want: []string{"SENT"}, twice: true})
	}},
	{"expired order", func(v *visit, name string) {
		v.consent()
		v.planOrder(orderPlan{name: name, template: templates[0], want: []string{"EXPIRED"}, edit: func(o *order, now time.Time) {
			o.ExpiresAt = now.Add(-time.Minute).UnixMilli()
		}})
	}},
	{"order without template", func(v *visit, name string) {
		v.planOrder(orderPlan{name: name, want: []string{"INVALID"}})
	}},
	{"order of an app that nobody configured", func(v *visit, name string) {
		v.planOrder(orderPlan{name: name, template: templates[0], want: []string{"INVALID"}, edit: func(o *order, _ time.Time) {
			o.AppID = AppUnconfigured
		}})
	}},
	{"order without consent, never asked", func(v *visit, name string) {
		v.planOrder(orderPlan{name: name, template: templates[1], want: []string{"NO_CREDIT"}})
	}},
	{"order long after the user said no", func(v *visit, name string) {
		v.sendLogin()
		v.sendSubscription(templates[0], "reject")
		v.at += 20 * v.think
		v.planOrder(orderPlan{name: name, template: templates[0], want: []string{"NO_CREDIT"}})
	}},
	{"order with forbidden words", func(v *visit, name string) {
		v.consent()
		v.planOrder(orderPlan{name: name, template: templates[0], want: []string{"REFUSED"}, edit: func(o *order, _ time.Time) {
			o.Data["备注"] = ForbiddenText
		}})
	}},
	{"order whose answer is lost", func(v *visit, name string) {
		v.app = AppLost
		v.grant()
		v.planOrder(orderPlan{name: name, template: templates[0], want: v.unlessEnforced("UNKNOWN")})
	}},
	{"order under a wrong secret", func(v *visit, name string) {
		v.app = AppWrongSecret
		v.grant()
		v.planOrder(orderPlan{name: name, template: templates[0], want: append(v.unlessEnforced("EXPIRED"), "EXPIRED"), edit: func(o *order, now time.Time) {
			o.ExpiresAt = now.Add(5 * time.Second).UnixMilli()
		}})
	}},
	{"order without notification_id", func(v *visit, name string) {
		v.planOrder(orderPlan{name: name, template: templates[0], want: []string{string(schemas.ReasonInvalid)}, edit: func(o *order, _ time.Time) {
			o.NotificationID = ""
		}})
	}},
	{"order that is no JSON", func(v *visit, name string) {
		v.planOrder(orderPlan{name: name, want: []string{string(schemas.ReasonUndecodable)}, value: []byte("<order/>"), edit: func(o *order, _ time.Time) {
			o.NotificationID = ""
		}})
	}},
}

// consent has the user accept a template: without an event that says so, where
// the platform's word is enough, since the visit is about the order alone.
func (v *visit) consent() {
	if v.enforced {
		v.sendLogin()
		v.sendSubscription(templates[0], "accept")
		return
	}
	v.grant()
}

// grant has the user accept a template, and nobody but the platform knows.
func (v *visit) grant() {
	v.logins = max(v.logins, 1)
	v.grants = append(v.grants, grant{template: templates[0], credits: 9})
}

// unlessEnforced is what an order comes to that the platform alone knows a
// consent for.
func (v *visit) unlessEnforced(want string) []string {
	if v.enforced {
		return []string{"NO_CREDIT"}
	}
	return []string{want}
}

// Templates are the templates that orders are sent by, each with whether an
// accept of it stands.
func Templates() map[string]bool {
	standing := map[string]bool{}
	for i, t := range templates {
		standing[t] = i == len(templates)-1
	}
	return standing
}
