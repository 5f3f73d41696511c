package main

import (
	"fmt"
	"strings"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/schemas"
)

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
		case len(have) > len(seen):
			o.find(chargeRowDoubled, s, source, "%d rows", len(have))
		case have[0].what != seen[0].what:
			o.find(chargeRowDiffers, s, source, "%s in Kafka, %s in ClickHouse", seen[0].what, have[0].what)
		case have[0].says != seen[0].row():
			o.find(chargeRowDiffers, s, source, "%s in Kafka, %s in ClickHouse", seen[0].row(), have[0].says)
		}
		delete(rows, source)
	}
	for source, have := range rows {
		o.find(chargeUnsent, traffic.Sent{}, source, "a row: %s", have[0].what)
	}
}

// row is what a row of the record must say beside what it is.
func (s sighting) row() string {
	switch {
	case s.id == "": // a dead letter
		return "|"
	case !s.enriched:
		return "|" + s.id + "|" + s.app + "|" + s.openID
	}
	of := func(kind schemas.Kind, text string) string {
		if s.what != kind.String() {
			return ""
		}
		return text
	}
	return "|" + strings.Join([]string{
		s.id, s.app, s.session, s.openID, fmt.Sprint(s.occurred),
		of(schemas.KindProfile, s.says["nick_name"]), of(schemas.KindPhone, s.masked()), of(schemas.KindLocation, s.says["city"]),
		s.says["brand"], s.says["model"], of(schemas.KindAddress, s.says["city"]), of(schemas.KindAddress, s.masked()),
	}, "|")
}

// userRow is one row of the view users, in part.
type userRow struct {
	app, openID       string
	lastSeen          time.Time
	nick, phone, city string
	firstSeen         time.Time
}

// judgeUsers holds the view users against the enriched records: each user
// once, with the newest of each fact.
func (o *oracle) judgeUsers() {
	want := map[[2]string]*newest{}
	for _, s := range o.outputs {
		if !s.enriched || s.openID == "" {
			continue
		}
		at := [2]string{s.app, s.openID}
		if want[at] == nil {
			want[at] = &newest{facts: map[string]dated{}}
		}
		want[at].add(s)
	}
	for _, u := range o.users {
		n := want[[2]string{u.app, u.openID}]
		if n == nil {
			o.tell(chargeUser, "%s of %s: nobody, or twice", u.openID, u.app)
			continue
		}
		for name, got := range map[string]string{"nick_name": u.nick, "phone": u.phone, "city": u.city} {
			if f := n.facts[name]; f.text != got && !f.tied {
				o.tell(chargeUser, "%s of %s: %s is %q, want %q", u.openID, u.app, name, got, f.text)
			}
		}
		if u.lastSeen.UnixMilli() != n.last || u.firstSeen.UnixMilli() != n.first {
			o.tell(chargeUser, "%s of %s: seen from %d to %d, want %d to %d", u.openID, u.app, u.firstSeen.UnixMilli(), u.lastSeen.UnixMilli(), n.first, n.last)
		}
		delete(want, [2]string{u.app, u.openID})
	}
	for at := range want {
		o.tell(chargeUser, "%s of %s: is not there", at[1], at[0])
	}
}

// newest is what a user's records say last.
type newest struct {
	first, last int64
	facts       map[string]dated
}

// dated is a fact with its time (ms); tied: two records of one time differ, and
// either may count.
type dated struct {
	text string
	at   int64
	tied bool
}

func (n *newest) add(s sighting) {
	if n.first == 0 || s.occurred < n.first {
		n.first = s.occurred
	}
	n.last = max(n.last, s.occurred)
	take := func(name, text string) {
		switch f := n.facts[name]; {
		case s.occurred > f.at:
			n.facts[name] = dated{text: text, at: s.occurred}
		case s.occurred == f.at && text != f.text:
			n.facts[name] = dated{text, f.at, true}
		}
	}
	switch s.what {
	case schemas.KindProfile.String():
		take("nick_name", s.says["nick_name"])
	case schemas.KindPhone.String():
		take("phone", s.masked())
	case schemas.KindLocation.String():
		take("city", s.says["city"])
	}
}

// masked is the phone number with its middle hidden.
func (s sighting) masked() string {
	number := s.says["phone"]
	if len(number) < 7 {
		return number
	}
	return number[:3] + "****" + number[len(number)-4:]
}
