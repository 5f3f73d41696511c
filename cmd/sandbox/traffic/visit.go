package traffic

import (
	"fmt"
	"math/rand/v2"
	"time"

	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// Templates that users are asked about. The last is long-term: an accept stands.
var templates = []string{
	"MSG137673105551c58e7c84bf0000015858",
	"MSG137673105551c58e7c84bf0000015859",
	"MSG137673105551c58e7c84bf0000015860",
}

// visit is one user's session with the mini-app: what will be sent, in order.
type visit struct {
	run     string
	number  int
	app     string
	session string
	user    string
	person  person
	rng     *rand.Rand
	think   time.Duration

	nobody   bool // not logged in to Douyin
	noOrders bool
	enforced bool // a consent counts only if an event says so
	logins   int  // how many tt.logins it needs: 0, 1 or 2
	login    douyintest.Login
	relogin  douyintest.Login

	at     time.Duration // of the next step, since the visit's start
	steps  []step
	events int
	grants []grant
}

// grant is a user's consent, to be given to the platform before it counts.
type grant struct {
	template string
	credits  int
	standing bool
	refused  bool
}

// step is one record to be sent.
type step struct {
	at    time.Duration
	build func(now time.Time) message
	twice bool
}

func (v *visit) nextID() string {
	v.events++
	return fmt.Sprintf("%s-%06d-%02d", v.run, v.number, v.events)
}

// pause lets the user think before the next step.
func (v *visit) pause() {
	v.at += time.Duration(float64(v.think) * (0.5 + v.rng.Float64()))
}

// chance is true once in a while.
func (v *visit) chance(p float64) bool { return v.rng.Float64() < p }

// send plans an event.
func (v *visit) send(p plan) {
	v.steps = append(v.steps, step{at: v.at, twice: p.repeat, build: func(now time.Time) message { return p.build(v, now) }})
}

// good plans an event that is as it should be.
func (v *visit) good(topic string, kind schemas.Kind, says facts, payload func(now time.Time) []byte) {
	v.send(v.goodPlan(topic, kind, says, payload))
}

func (v *visit) goodPlan(topic string, kind schemas.Kind, says facts, payload func(now time.Time) []byte) plan {
	return plan{
		name: "good", topic: topic, payload: payload, want: []string{kind.String()}, says: says,
		text: v.chance(.1), avro: v.chance(.1), repeat: v.chance(.01),
	}
}

func (v *visit) sendLogin() {
	v.logins = max(v.logins, 1)
	v.good(schemas.TopicLogin, schemas.KindLogin, nil, func(time.Time) []byte { return loginOf(v.login) })
	v.pause()
}

func (v *visit) sendRelogin() {
	v.logins = 2
	v.good(schemas.TopicLogin, schemas.KindLogin, nil, func(time.Time) []byte { return loginOf(v.relogin) })
	v.pause()
}

// key is the session key in force: that of the login or of the second login,
// whichever was last planned when it is called.
func (v *visit) key() func() string {
	under := v.under()
	return func() string { return under().SessionKey }
}

// under is the login whose key is in force.
func (v *visit) under() func() douyintest.Login {
	if v.logins == 2 {
		return func() douyintest.Login { return v.relogin }
	}
	return func() douyintest.Login { return v.login }
}

func (v *visit) sendProfile() {
	under, old, ms := v.under(), v.chance(.2), v.chance(.5)
	p := v.goodPlan(schemas.TopicProfile, schemas.KindProfile, v.person.profileFacts(), func(now time.Time) []byte {
		openID := ""
		if old {
			openID = v.login.OpenID
		}
		return encode(profileOf(v.person.info(), openID, under().SessionKey, mark(v.app, now, ms)))
	})
	p.under = under
	v.send(p)
	v.pause()
}

func (v *visit) sendPhone(under func() douyintest.Login) {
	flat, ms := v.chance(.2), v.chance(.5)
	p := v.goodPlan(schemas.TopicPhone, schemas.KindPhone, v.person.phoneFacts(), func(now time.Time) []byte {
		return phoneOf(v.person.phone, under().SessionKey, mark(v.app, now, ms), flat)
	})
	p.under = under
	v.send(p)
	v.pause()
}

func (v *visit) sendLocation() {
	p := v.goodPlan(schemas.TopicLocation, schemas.KindLocation, nil, func(time.Time) []byte {
		return locationOf(v.person.place, v.number%7 == 0)
	})
	p.coord = pick(v.rng, []string{"", "wgs84", "gcj02"})
	p.says = v.person.locationFacts(p.coord)
	v.send(p)
	v.pause()
}

func (v *visit) sendAddress() {
	v.good(schemas.TopicLocation, schemas.KindAddress, v.person.addressFacts(), func(time.Time) []byte { return addressOf(v.person) })
	v.pause()
}

func (v *visit) sendDevice() {
	v.good(schemas.TopicDevice, schemas.KindDevice, v.person.device.facts(), func(time.Time) []byte { return deviceOf(v.person.device) })
	v.pause()
}

// sendSubscription asks for one template and answers what the user said.
func (v *visit) sendSubscription(template, status string) {
	s := shape(v.rng.IntN(int(shapes)))
	v.good(schemas.TopicSubscription, schemas.KindSubscription, subscriptionFacts(template, status), func(time.Time) []byte { return subscriptionOf(s, template, status) })
	switch {
	case status != "accept":
		v.grants = append(v.grants, grant{template: template, refused: true})
	case template == templates[len(templates)-1]:
		v.grants = append(v.grants, grant{template: template, standing: true})
	default:
		v.grants = append(v.grants, grant{template: template, credits: 1})
	}
	v.pause()
}

// whole is a visit as most are.
func (v *visit) whole() {
	v.sendLogin()
	if v.chance(.9) {
		v.sendDevice()
	}
	if v.chance(.8) {
		v.sendProfile()
	}
	first := v.under()
	again := v.chance(.15)
	if again {
		v.sendRelogin()
	}
	if v.chance(.6) {
		v.sendPhone(v.under())
	}
	if again && v.chance(.5) { // made before the key was replaced, sent behind
		v.sendPhone(first)
	}
	if v.chance(.6) {
		v.sendLocation()
	}
	if v.chance(.3) {
		v.sendAddress()
	}
	if v.chance(.5) {
		v.subscribeAndOrder()
	}
}

func (v *visit) subscribeAndOrder() {
	template := pick(v.rng, templates)
	status := "accept"
	if v.chance(.25) {
		status = pick(v.rng, []string{"reject", "ban"})
	}
	v.sendSubscription(template, status)
	if v.chance(.7) && !v.noOrders {
		v.sendOrder(template, status == "accept")
	}
}

// early is a visit whose phone event overtakes its login.
func (v *visit) early() {
	v.logins = 1
	v.sendPhone(v.under())
	v.sendDevice()
	v.sendLogin()
	v.sendProfile()
}

// anonymous is a visit of somebody who is not logged in to Douyin.
func (v *visit) anonymous() {
	v.nobody = true
	v.sendLogin()
	v.sendDevice()
	if v.chance(.5) {
		v.sendLocation()
	}
}
