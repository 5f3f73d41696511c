package douyin

// Kind is what an error of the platform calls for.
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

// Endpoint names an API of the platform; error numbers are looked up by it.
type Endpoint string

const (
	EndpointCode2Session      Endpoint = "jscode2session"
	EndpointAccessToken       Endpoint = "v2/token"
	EndpointClientToken       Endpoint = "client_token"
	EndpointStableClientToken Endpoint = "stable_client_token"
	EndpointNotifyV1          Endpoint = "v1/notify"
	EndpointNotifyV2          Endpoint = "v2/notify_user"
)
