package schemas

// maxCode bounds a login code; the platform's have about 90 bytes.
const maxCode = 1024

// DecodeLogin reads the payload of tt.login. Either code suffices; neither is
// invalid. Errors are a *Rejection.
func DecodeLogin(payload []byte) (Login, error) {
	var l Login
	r := readJSON(payload)
	for ok := r.open(); ok && r.next(); {
		switch string(r.name) {
		case "code":
			l.Code = r.str()
		case "anonymousCode":
			l.AnonymousCode = r.str()
		case "isLogin":
			l.IsLogin = r.flag()
		default:
			r.skip()
		}
	}
	if err := r.end(); err != nil {
		return Login{}, undecodable(err)
	}
	switch {
	case l.Code == "" && l.AnonymousCode == "":
		return Login{}, invalid("payload.code", errMissing)
	case len(l.Code) > maxCode:
		return Login{}, invalid("payload.code", errTooLong)
	case len(l.AnonymousCode) > maxCode:
		return Login{}, invalid("payload.anonymousCode", errTooLong)
	}
	return l, nil
}
