package schemas

import (
	"strings"
	"time"
)

// maxID is how long event_id, app_id and session_id may be, in bytes.
const maxID = 128

// DecodeOptions are what DecodeEvent needs to know besides the record.
type DecodeOptions struct {
	Known    func(appID string) bool // whether an app is configured; nil: all are
	Registry SchemaResolver          // nil: Confluent frames are schema_unknown
	Now      time.Time               // bounds occurred_at to a day ahead of it; zero: to the year 2200
}

// DecodeEvent reads one record of an input topic, in any of the three
// framings. The topic is named without prefix. Every error is a *Rejection,
// with the event's id wherever that could be read.
//
// Event.Payload aliases value; value must not change while the event is used.
//
// Of several faults the one that tells most is reported: a value that is no
// event at all, then key_mismatch, app_unknown and client_failure, then
// invalid fields in the envelope's order.
func DecodeEvent(topic string, key, value []byte, opts DecodeOptions) (Event, error) {
	var e envelope
	fault := e.read(value, opts.Registry)
	e.copyIDs()
	if fault == nil {
		fault = e.check(topic, key, &opts)
	}
	if fault != nil {
		if e.eventID.within(maxID) == nil {
			fault.EventID = e.ids.event
		}
		return Event{}, fault
	}
	return e.event(), nil
}

// envelope is an event as read, before any rule is applied.
type envelope struct {
	eventID, appID, sessionID field
	api, coordType            field
	occurredAt                field
	payload                   []byte
	payloadFault              error
	signs                     signs
	ids                       struct{ event, app, session string } // copies; one that is too long is cut

	at    int64 // occurred_at, once checked (or from Avro, where it is a number already)
	hasAt bool
	call  API
	coord CoordType
}

// copyIDs copies the ids with one allocation for the three of them.
func (e *envelope) copyIDs() {
	event, app, session := short(e.eventID.text), short(e.appID.text), short(e.sessionID.text)
	var all strings.Builder
	all.Grow(len(event) + len(app) + len(session))
	all.Write(event)
	all.Write(app)
	all.Write(session)
	text := all.String()
	e.ids.event, text = text[:len(event)], text[len(event):]
	e.ids.app, e.ids.session = text[:len(app)], text[len(app):]
}

func short(text []byte) []byte { return text[:min(len(text), maxID)] }

func (e *envelope) event() Event {
	return Event{
		EventID:    e.ids.event,
		AppID:      e.ids.app,
		SessionID:  e.ids.session,
		OccurredAt: e.at,
		API:        e.call,
		CoordType:  e.coord,
		Payload:    e.payload,
	}
}

func (e *envelope) check(topic string, key []byte, opts *DecodeOptions) *Rejection {
	if fault := e.checkSpecific(key, opts); fault != nil {
		return fault
	}
	if err := e.eventID.within(maxID); err != nil {
		return invalid("event_id", err)
	}
	if err := e.appID.within(maxID); err != nil {
		return invalid("app_id", err)
	}
	if err := e.sessionID.within(maxID); err != nil {
		return invalid("session_id", err)
	}
	if err := e.checkOccurredAt(opts.Now); err != nil {
		return invalid("occurred_at", err)
	}
	if e.payloadFault != nil {
		return invalid("payload", e.payloadFault)
	}
	return e.resolve(topic)
}

// checkSpecific finds the faults that have reasons of their own.
func (e *envelope) checkSpecific(key []byte, opts *DecodeOptions) *Rejection {
	if e.sessionID.within(maxID) == nil && string(e.sessionID.text) != string(key) {
		return &Rejection{Reason: ReasonKeyMismatch, Field: "session_id", Err: errOtherKey}
	}
	if opts.Known != nil && e.appID.within(maxID) == nil && !opts.Known(e.ids.app) {
		return &Rejection{Reason: ReasonAppUnknown, Field: "app_id", Err: errNotConfigured}
	}
	if e.signs.failed {
		return &Rejection{Reason: ReasonClientFailure, Field: "payload.errMsg", Err: errCallFailed}
	}
	return nil
}

func (e *envelope) checkOccurredAt(now time.Time) (err error) {
	if !e.hasAt {
		if err = e.occurredAt.within(64); err != nil {
			return err
		}
		if e.at, err = parseTimestamp(e.occurredAt.text); err != nil {
			return err
		}
	}
	bound := latest
	if !now.IsZero() {
		bound = min(bound, now.Add(maxAhead).UnixMilli())
	}
	if e.at <= 0 || e.at > bound {
		return errOutOfRange
	}
	return nil
}

// resolve tells the tt.* call and the coordinate system.
func (e *envelope) resolve(topic string) *Rejection {
	var err error
	if e.call, err = e.resolveAPI(topic); err != nil {
		return invalid("api", err)
	}
	if e.coord, err = e.resolveCoordType(); err != nil {
		return invalid("coord_type", err)
	}
	return nil
}

func (e *envelope) resolveCoordType() (CoordType, error) {
	if e.call != APILocation || len(e.coordType.text) == 0 && !e.coordType.wrong {
		return CoordUnknown, nil
	}
	for _, known := range [...]CoordType{CoordWGS84, CoordGCJ02, CoordUnknown} {
		if strings.EqualFold(string(e.coordType.text), string(known)) {
			return known, nil
		}
	}
	return "", errUnknownValue
}

func invalid(field string, err error) *Rejection {
	return &Rejection{Reason: ReasonInvalid, Field: field, Err: err}
}

func undecodable(err error) *Rejection {
	return &Rejection{Reason: ReasonUndecodable, Err: err}
}
