package douyin

// Kind is what an error of the platform calls for. KindUnknown is the one that
// leaves open whether what was asked was done; every other is certain that it
// was not.
type Kind uint8

const (
	// KindUnknown: an answer that is no answer of the platform's (a time-out, a
	// reset, HTML, a 5xx, cut short, err_no -1 and other internal errors) to a
	// request whose bytes were written: what was asked may have been done.
	KindUnknown Kind = iota
	// KindNotSent: the request never left (dial, TLS handshake, context ended
	// before any byte): certainly not done.
	KindNotSent
	// KindRetry: refused for certain, and passing.
	KindRetry
	// KindThrottled: too many requests, refused for certain.
	KindThrottled
	// KindQuota: the app's or the user's quota is used up; refused.
	KindQuota
	// KindBadRequest: this request's parameters; will not pass if repeated.
	KindBadRequest
	// KindCode: the login code is wrong, used or expired.
	KindCode
	// KindToken: the token is invalid or has expired.
	KindToken
	// KindConfig: app id, secret, capability or permission; stop that app.
	KindConfig
	// KindNotSubscribed: the user has not consented, refuses, or the credits are used up.
	KindNotSubscribed
	// KindUser: this user cannot be reached (cancelled, banned).
	KindUser
	// KindContent: the content is not allowed.
	KindContent
)

var kindNames = [...]string{
	KindUnknown:       "unknown",
	KindNotSent:       "not_sent",
	KindRetry:         "retry",
	KindThrottled:     "throttled",
	KindQuota:         "quota",
	KindBadRequest:    "bad_request",
	KindCode:          "code",
	KindToken:         "token",
	KindConfig:        "config",
	KindNotSubscribed: "not_subscribed",
	KindUser:          "user",
	KindContent:       "content",
}

// Kinds lists every Kind.
func Kinds() []Kind {
	kinds := make([]Kind, len(kindNames))
	for i := range kinds {
		kinds[i] = Kind(i)
	}
	return kinds
}

// String is the kind's name for logs and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// Refused reports whether it is certain that what was asked was not done.
func (k Kind) Refused() bool { return k != KindUnknown }
