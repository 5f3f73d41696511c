package schemas

// Order is a notification order as an order service publishes it (JSON).
type Order struct {
	NotificationID string
	AppID          string
	OpenID         string
	TemplateID     string
	Data           map[string]string
	Page           string // empty: absent
	OrderID        string // empty: absent
	ExpiresAt      int64  // ms; 0: absent, the caller applies the default life of 24 h
}

// Status is what became of an order. Numbers are ClickHouse's Enum8 values.
type Status uint8

// The outcomes.
const (
	StatusUnknown Status = iota // maybe sent: never sent again by default; also the Avro enum's default
	StatusSent
	StatusRefused
	StatusNoCredit
	StatusExpired
	StatusInvalid
)

// NotificationResult is one record of notifications.results
// (notification_result.avsc).
type NotificationResult struct {
	NotificationID string `json:"notification_id"`
	AppID          string `json:"app_id"`
	OpenID         string `json:"open_id"`
	TemplateID     string `json:"template_id"`
	OrderID        string `json:"order_id,omitzero"` // empty: absent
	Status         Status `json:"status"`
	ErrNo          *int64 `json:"err_no,omitzero"`
	Reason         string `json:"reason"`
	LogID          string `json:"log_id,omitzero"` // empty: absent
	Attempts       int32  `json:"attempts"`
	FinishedAt     int64  `json:"finished_at"` // ms
	Source         Source `json:"source"`
}

// ConsentFact is one record of doustream.consents: what one user answered to
// one template, written by enrich and read by notify.
type ConsentFact struct {
	AppID      string
	OpenID     string
	TemplateID string
	Status     ConsentStatus
	Always     bool
	OccurredAt int64 // ms
	Source     Source
}
