package schemas

import (
	"bytes"
	"strings"
)

// signs are what a payload's fields tell of the call that it came from.
type signs struct {
	failed  bool
	call    []byte // errMsg's prefix
	fix     bool   // fields of getLocation
	address bool   // fields of chooseAddress
}

// readPayload walks the payload's object, which comes next, and leaves the
// reader behind it. Only errMsg is looked into, at the top and in detail.
func (s *signs) readPayload(r *jsonReader) {
	for ok := r.open(); ok && r.next(); {
		switch string(r.name) {
		case "errMsg":
			s.readErrMsg(r, true)
		case "detail":
			s.readDetail(r)
		case "longitude", "latitude":
			s.fix = true
			r.skip()
		case "userName", "provinceName", "cityName", "countyName", "detailInfo", "telNumber":
			s.address = true
			r.skip()
		default:
			r.skip()
		}
	}
}

func (s *signs) readDetail(r *jsonReader) {
	if !r.atObject() {
		r.skip()
		return
	}
	for ok := r.open(); ok && r.next(); {
		if string(r.name) == "errMsg" {
			s.readErrMsg(r, false)
		} else {
			r.skip()
		}
	}
}

func (s *signs) readErrMsg(r *jsonReader, top bool) {
	v := r.value()
	if r.err != nil || v.kind() != '"' {
		return
	}
	call, rest, ok := bytes.Cut(unquote(v), []byte(":"))
	if !ok {
		return
	}
	if top {
		s.call = call
	}
	s.failed = s.failed || bytes.HasPrefix(bytes.TrimLeft(rest, " "), []byte("fail")) || bytes.Contains(rest, []byte(":fail"))
}

// callsOf lists the calls whose events a topic carries, the usual one first.
func callsOf(topic string) []API {
	switch topic {
	case TopicLogin:
		return []API{APILogin}
	case TopicProfile:
		return []API{APIUserProfile, APIUserInfo}
	case TopicPhone:
		return []API{APIPhoneNumber}
	case TopicLocation:
		return []API{APILocation, APIAddress}
	case TopicDevice:
		return []API{APISystemInfo}
	case TopicSubscription:
		return []API{APISubscribe}
	}
	return nil
}

// resolveAPI tells the call: by the topic where it carries one, else by the
// field api, else by errMsg's prefix, else by the payload's fields.
func (e *envelope) resolveAPI(topic string) (API, error) {
	calls := callsOf(topic)
	switch len(calls) {
	case 0:
		return API(e.api.text), nil
	case 1:
		return calls[0], nil
	}
	if e.api.wrong {
		return "", errWrongType
	}
	if given := strings.TrimPrefix(string(e.api.text), "tt."); given != "" {
		if call, ok := oneOf(calls, given); ok {
			return call, nil
		}
		return "", errUnknownValue
	}
	if call, ok := oneOf(calls, string(e.signs.call)); ok {
		return call, nil
	}
	switch {
	case topic == TopicProfile, e.signs.fix:
		return calls[0], nil
	case e.signs.address:
		return APIAddress, nil
	}
	return "", errMissing
}

func oneOf(calls []API, name string) (API, bool) {
	for _, call := range calls {
		if string(call) == name {
			return call, true
		}
	}
	return "", false
}
