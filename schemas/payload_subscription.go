package schemas

import (
	"cmp"
	"slices"
	"strings"
)

// maxTemplates bounds the templates of one answer; the platform asks for three
// at most.
const maxTemplates = 64

// maxTemplateID bounds a template's id, in bytes.
const maxTemplateID = 256

// DecodeSubscription reads the payload of tt.requestSubscribeMessage in its
// three shapes, which also come mixed: the answers at the top, in itemSettings,
// and in templateSettings with alwaysSubscribe. Where they differ,
// templateSettings counts before itemSettings before the top. Errors are a
// *Rejection.
func DecodeSubscription(payload []byte) (Subscription, error) {
	answers := make(consents)
	shaped := false
	fault := decodeObject(payload, func(r *jsonReader, name []byte) {
		switch string(name) {
		case "errMsg", "errNo", "errCode":
			r.skip()
		case "itemSettings":
			shaped = shaped || r.atObject()
			r.members(func(name []byte) {
				id := string(name)
				answers.add(id, r.status(), false, rankItem)
			})
		case "templateSettings":
			shaped = shaped || r.atObject()
			r.members(func(name []byte) {
				id := string(name)
				status, always := r.setting()
				answers.add(id, status, always, rankTemplate)
			})
		default:
			id := string(name)
			answers.addTop(id, r.status())
		}
	})
	switch {
	case fault != nil:
		return Subscription{}, fault
	case len(answers) == 0 && !shaped:
		return Subscription{}, invalid("payload", errEmpty)
	case len(answers) > maxTemplates:
		return Subscription{}, invalid("payload", errTooLong)
	}
	return answers.subscription(), nil
}

// A shape's rank: the greater counts where two differ.
const (
	rankTop = iota
	rankItem
	rankTemplate
)

type consents map[string]rankedConsent

type rankedConsent struct {
	status ConsentStatus
	always bool
	rank   int
}

func (c consents) add(id string, status ConsentStatus, always bool, rank int) {
	if id == "" || len(id) > maxTemplateID || status == "" {
		return
	}
	before, ok := c[id]
	if ok && before.rank > rank || !ok && len(c) > maxTemplates { // one too many is enough to tell
		return
	}
	c[id] = rankedConsent{status, always, rank}
}

// addTop takes in a member of the top level, which may be anything: it counts
// where its value is an answer, or its name that of a template.
func (c consents) addTop(name string, status ConsentStatus) {
	if status != ConsentUnknown || strings.HasPrefix(name, "MSG") {
		c.add(name, status, false, rankTop)
	}
}

func (c consents) subscription() Subscription {
	s := Subscription{Templates: make([]TemplateConsent, 0, len(c))}
	for id, a := range c {
		s.Templates = append(s.Templates, TemplateConsent{TemplateID: id, Status: a.status, Always: a.always})
	}
	slices.SortFunc(s.Templates, func(a, b TemplateConsent) int { return cmp.Compare(a.TemplateID, b.TemplateID) })
	return s
}

// status takes the next value as an answer; "" where it is no text at all.
func (r *jsonReader) status() ConsentStatus {
	v := r.value()
	if r.err != nil || v.kind() != '"' {
		return ""
	}
	text := strings.ToLower(string(unquote(v)))
	for _, known := range consentStatuses {
		if text == string(known) {
			return known
		}
	}
	return ConsentUnknown
}

// setting takes the next value as one of templateSettings.
func (r *jsonReader) setting() (status ConsentStatus, always bool) {
	if !r.atObject() {
		return r.status(), false
	}
	r.members(func(name []byte) {
		switch string(name) {
		case "status":
			status = r.status()
		case "alwaysSubscribe":
			always = r.flag()
		default:
			r.skip()
		}
	})
	return status, always
}
