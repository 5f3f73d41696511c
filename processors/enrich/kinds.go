package enrich

import (
	"time"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// needsKey reports whether only the session key opens what the event carries.
func (p *prepared) needsKey() bool {
	return p.kind == schemas.KindProfile || p.kind == schemas.KindPhone
}

// fill puts in what the event's kind has to say. It answers why the event ends
// instead, if it does, and whether the session's key was the one.
func (p *processor) fill(w *workbench, from *prepared, session *schemas.SessionOutcome) (schemas.Reason, bool) {
	switch from.kind {
	case schemas.KindProfile:
		return p.profile(w, from, session)
	case schemas.KindPhone:
		return p.phoneNumber(w, from, session)
	case schemas.KindAddress:
		return p.address(w, from), true
	case schemas.KindLocation:
		w.user.Location = from.location
	case schemas.KindDevice:
		w.user.Device = from.device
	case schemas.KindSubscription:
		w.user.Subscription = from.consents
	}
	return "", true
}

func (p *processor) profile(w *workbench, from *prepared, session *schemas.SessionOutcome) (schemas.Reason, bool) {
	key := douyin.SessionKey(session.SessionKey)
	if !w.decrypt(key, &from.encrypted) {
		return "", false
	}
	opened, err := douyin.DecodeUser(w.plain)
	if err != nil {
		return "", false
	}
	w.user.Profile = &schemas.Profile{
		NickName: opened.NickName, AvatarURL: opened.AvatarURL, Gender: opened.Gender,
		City: opened.City, Province: opened.Province, Country: opened.Country, Language: opened.Language,
	}
	return p.check(from, opened.Watermark, key), true
}

func (p *processor) phoneNumber(w *workbench, from *prepared, session *schemas.SessionOutcome) (schemas.Reason, bool) {
	key := douyin.SessionKey(session.SessionKey)
	if !w.decrypt(key, &from.encrypted) {
		return "", false
	}
	opened, err := douyin.DecodePhoneNumber(w.plain)
	if err != nil {
		return "", false
	}
	if reason := p.check(from, opened.Watermark, key); reason != "" {
		return reason, true
	}
	number, ok := readNumber(opened.PhoneNumber, opened.PurePhoneNumber, opened.CountryCode)
	if !ok {
		return schemas.ReasonInvalid, true
	}
	if err = p.phone(w, &w.phone, number); err != nil {
		return schemas.ReasonInvalid, true
	}
	w.user.Phone = &w.phone
	return "", true
}

// early is how much younger than its event a watermark may be: clocks differ.
const early = time.Hour

// check looks at what the platform wrote into the plaintext, and at the
// signature where the call gave one.
func (p *processor) check(from *prepared, mark douyin.Watermark, key douyin.SessionKey) schemas.Reason {
	if mark.AppID != from.event.AppID {
		return schemas.ReasonWatermarkMismatch
	}
	if from.encrypted.Signature != "" && !douyin.Signed(from.encrypted.RawData, from.encrypted.Signature, key) {
		return schemas.ReasonSignatureMismatch
	}
	if life := p.cfg.WatermarkLife; life > 0 && !mark.At.IsZero() {
		age := time.UnixMilli(from.event.OccurredAt).Sub(mark.At)
		if age > life || age < -early {
			return schemas.ReasonWatermarkStale
		}
	}
	return ""
}

func (p *processor) address(w *workbench, from *prepared) schemas.Reason {
	raw := &from.address
	out := &schemas.Address{Province: raw.ProvinceName, City: raw.CityName, County: raw.CountyName}
	var err error
	if out.NameSealed, err = p.seal(w, purposeName, raw.UserName); err != nil {
		return schemas.ReasonInvalid
	}
	if out.DetailSealed, err = p.seal(w, purposeDetail, raw.DetailInfo); err != nil {
		return schemas.ReasonInvalid
	}
	if number, ok := readNumber("", raw.TelNumber, ""); ok {
		if err = p.phone(w, &w.phone, number); err != nil {
			return schemas.ReasonInvalid
		}
		out.Phone = &w.phone
	}
	w.user.Address = out
	return ""
}

// consents are the facts that notify's ledger of credits lives on: what a
// named user answered. What failed is no answer.
func (p *processor) consents(user *schemas.EnrichedUser, from *prepared) []*stream.Record {
	if from.consents == nil || user.OpenID == "" {
		return nil
	}
	var out []*stream.Record
	for _, c := range from.consents.Templates {
		if c.Status != schemas.ConsentAccept && c.Status != schemas.ConsentReject && c.Status != schemas.ConsentBan {
			continue
		}
		rec, err := p.output.Consent(schemas.ConsentFact{
			AppID: user.AppID, OpenID: user.OpenID, TemplateID: c.TemplateID, Status: c.Status, Always: c.Always,
			OccurredAt: user.OccurredAt, Source: user.Source,
		})
		if err != nil { // a template id that cannot be written is no template
			continue
		}
		out = append(out, rec)
	}
	return out
}
