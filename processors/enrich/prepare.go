package enrich

import (
	"errors"

	"doustream/platform/stream"
	"doustream/schemas"
)

// prepared is an event as the workers decoded it, before anything of its
// session is known.
type prepared struct {
	topic    topic
	kind     schemas.Kind
	app      uint32 // hash of the app's id
	event    schemas.Event
	rejected *schemas.Rejection // it can never succeed; the rest may be empty
	stage    string             // of the rejection

	login     schemas.Login
	hash      codeHash
	encrypted schemas.Encrypted
	address   schemas.RawAddress
	consents  *schemas.Subscription
	location  *schemas.Location
	device    *schemas.Device
}

// Prepare decodes one record. It is called on workers, many at a time.
func (p *processor) prepare(rec *stream.Record) *prepared {
	out := &prepared{topic: p.names.byName[rec.Topic], stage: stageDecode}
	out.kind = kinds[out.topic]
	var err error
	out.event, err = schemas.DecodeEvent(p.names.bases[out.topic], rec.Key, rec.Value, p.decodeOptions())
	if err == nil {
		out.app = hashApp(out.event.AppID)
		err = out.payload()
	}
	switch {
	case err != nil:
		out.rejected = rejection(err, out.event.EventID)
	case recordSize(rec) > p.cfg.LargestRecord: // compressed, it passed the topic's limit
		out.rejected = &schemas.Rejection{Reason: schemas.ReasonTooLarge, EventID: out.event.EventID}
	}
	return out
}

var kinds = [topicCount]schemas.Kind{
	topicLogin: schemas.KindLogin, topicProfile: schemas.KindProfile, topicPhone: schemas.KindPhone,
	topicLocation: schemas.KindLocation, topicDevice: schemas.KindDevice, topicSubscription: schemas.KindSubscription,
}

func (p *prepared) payload() (err error) {
	switch p.topic {
	case topicLogin:
		if p.login, err = schemas.DecodeLogin(p.event.Payload); err == nil {
			p.hash = hashCode(p.event.AppID, p.event.SessionID, &p.login)
		}
	case topicProfile, topicPhone:
		p.encrypted, err = schemas.DecodeEncrypted(p.event.Payload)
	case topicLocation:
		err = p.place()
	case topicDevice:
		var device schemas.Device
		device, err = schemas.DecodeDevice(p.event.Payload)
		p.device = &device
	case topicSubscription:
		var consents schemas.Subscription
		consents, err = schemas.DecodeSubscription(p.event.Payload)
		p.consents = &consents
	}
	return err
}

// place reads what the location topic carries: a fix or an address.
func (p *prepared) place() (err error) {
	if p.event.API == schemas.APIAddress {
		p.kind = schemas.KindAddress
		p.address, err = schemas.DecodeAddress(p.event.Payload)
		return err
	}
	location, err := schemas.DecodeLocation(p.event)
	p.location = &location
	return err
}

// rejection answers the Rejection in err's chain, with the event's id if that
// was read.
func rejection(err error, eventID string) *schemas.Rejection {
	var r *schemas.Rejection
	if !errors.As(err, &r) {
		r = schemas.Reject(schemas.ReasonInvalid, "", "payload cannot be read")
	}
	if r.EventID == "" {
		r.EventID = eventID
	}
	return r
}
