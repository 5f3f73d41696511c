package schemas

// Header is one header of a Kafka record.
type Header struct {
	Key   string
	Value []byte
}

// FactKind is what a SessionFact says of one send of a code.
type FactKind uint8

// The kinds of facts.
const (
	FactUnknown FactKind = iota
	FactSent             // the request is about to leave
	FactResult           // the platform answered with a session
	FactFailed           // the code can never become a session
)

// SessionFact is one immutable record of doustream.sessions
// (session_fact.avsc), sealed there: what is known of one send of one login
// code. It holds a session key and prints as <redacted>.
type SessionFact struct {
	Kind            FactKind
	SessionID       string
	AppID           string
	CodeHash        []byte // 16 bytes of an HMAC over the code
	CodeKind        CodeKind
	Attempt         int32  // 1 or 2
	Owner           string // unique name of the ownership that wrote it
	At              int64  // ms, when it was written
	LoginOffset     int64  // of the login in its topic-partition: the order of logins
	LoginAt         int64  // ms, occurred_at of the login
	SessionKey      string // of FactResult; empty for an anonymous session
	OpenID          string // empty: absent
	UnionID         string // empty: absent
	AnonymousOpenID string // empty: absent
	Reason          Reason // of FactFailed
	ErrNo           int64  // the platform's number, of FactFailed; 0: none
	LogID           string // empty: absent
}

// CodeKind says which codes a login brought.
type CodeKind string

// The codes that a login may bring.
const (
	CodeKindCode      CodeKind = "code"
	CodeKindAnonymous CodeKind = "anonymous"
	CodeKindBoth      CodeKind = "both"
)

// ParkedEvent is one record of doustream.parked (parked_event.avsc), sealed
// there: an event that waits for its login, its app or the platform. It holds
// the event's original bytes and prints as <redacted>.
type ParkedEvent struct {
	Source    Source
	Key       []byte
	Value     []byte
	Timestamp int64 // ms, of the input record
	Headers   []Header
	EventID   string
	SessionID string
	Why       string // what it waits for, one of enrich's words
	ParkedAt  int64  // ms
	Attempts  int32
}

// Stage is how far an order has come.
type Stage uint8

// The stages, in the order of an order's life.
const (
	StageUnknown Stage = iota
	StageQueued        // taken in, its offset may be committed
	StageIntent        // a send may begin
	StageRetry         // refused for certain, to be sent again at RetryAt
	StageResult        // done
)

// NotificationState is one record of doustream.notifications
// (notification_state.avsc), sealed there: where one order stands. It holds
// the order's original bytes and prints as <redacted>.
type NotificationState struct {
	Stage          Stage
	Order          []byte // as the order service published it
	NotificationID string
	AppID          string
	Source         Source
	Owed           []Source // repeats of the order that each are owed a result
	Attempts       int32
	RetryAt        int64 // ms; 0: absent
	QueuedAt       int64 // ms
	ExpiresAt      int64 // ms
	IntentAt       int64 // ms; 0: absent
	Result         *NotificationResult
}

// TokenRecord is one record of doustream.tokens (token_record.avsc), sealed
// there. FetchedAt 0 announces a fetch that is about to leave. It holds a
// token and prints as <redacted>.
type TokenRecord struct {
	AppID          string
	TokenKind      string
	Owner          string
	FetchStartedAt int64 // ms
	FetchedAt      int64 // ms; 0: not fetched yet
	ExpiresAt      int64 // ms; 0: not fetched yet
	Token          string
}
