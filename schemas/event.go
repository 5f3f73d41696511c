package schemas

// Event is one event of the mini-app: the envelope around what a tt.* call
// handed to its success callback.
type Event struct {
	EventID    string
	AppID      string
	SessionID  string
	OccurredAt int64 // milliseconds since 1970, UTC
	API        API   // resolved: given, or told from errMsg or the fields
	CoordType  CoordType
	Payload    []byte // the callback's JSON object, byte for byte; holds codes and ciphertext
}

// API is the tt.* call an event comes from.
type API string

// The calls that are told apart where a topic carries more than one.
const (
	APILogin       API = "login"
	APIUserProfile API = "getUserProfile"
	APIUserInfo    API = "getUserInfo"
	APIPhoneNumber API = "getPhoneNumber"
	APILocation    API = "getLocation"
	APIAddress     API = "chooseAddress"
	APISystemInfo  API = "getSystemInfo"
	APISubscribe   API = "requestSubscribeMessage"
)

// CoordType is the coordinate system of a location; the platform does not say
// it in the payload, so the backend does, and it is never guessed.
type CoordType string

// The coordinate systems.
const (
	CoordUnknown CoordType = "unknown"
	CoordWGS84   CoordType = "wgs84"
	CoordGCJ02   CoordType = "gcj02"
)

// Login is the payload of tt.login. At least one code is there.
type Login struct {
	Code          string
	AnonymousCode string
	IsLogin       bool
}

// Encrypted is a payload whose data only the session key opens: getPhoneNumber
// (also inside detail), getUserProfile, getUserInfo.
type Encrypted struct {
	EncryptedData string // base64
	IV            string // base64 of 16 bytes
	RawData       string // what the signature signs, byte for byte; empty where the call gives none
	Signature     string // hex sha1(rawData + session_key); empty where the call gives none
}

// Subscription is one answer of tt.requestSubscribeMessage: what the user said
// to each template, from any of its three shapes.
type Subscription struct {
	Templates []TemplateConsent `json:"templates"` // in order of template id
}

// TemplateConsent is the user's answer for one template.
type TemplateConsent struct {
	TemplateID string        `json:"template_id"`
	Status     ConsentStatus `json:"status"`
	Always     bool          `json:"always"` // alwaysSubscribe of templateSettings
}

// ConsentStatus is what the user answered.
type ConsentStatus string

// The answers. One that is not known reads as ConsentUnknown.
const (
	ConsentAccept  ConsentStatus = "accept"
	ConsentReject  ConsentStatus = "reject"
	ConsentBan     ConsentStatus = "ban"
	ConsentFail    ConsentStatus = "fail"
	ConsentUnknown ConsentStatus = "unknown"
)
