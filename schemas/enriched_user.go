package schemas

// Kind is the kind of an enriched record. The numbers are ClickHouse's Enum8
// values too: append only.
type Kind uint8

// The kinds. A symbol that is not known reads as KindUnknown.
const (
	KindUnknown Kind = iota
	KindLogin
	KindProfile
	KindPhone
	KindLocation
	KindAddress
	KindDevice
	KindSubscription
)

// Source is where in Kafka a record came from.
type Source struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// EnrichedUser is one record of users.enriched (enriched_user.avsc). Exactly
// one of the pointers is set, as Kind says; for a login none is.
type EnrichedUser struct {
	EventID         string        `json:"event_id"`
	Kind            Kind          `json:"kind"`
	AppID           string        `json:"app_id"`
	SessionID       string        `json:"session_id"`
	OpenID          string        `json:"open_id,omitzero"`           // empty: absent
	UnionID         string        `json:"union_id,omitzero"`          // empty: absent
	AnonymousOpenID string        `json:"anonymous_open_id,omitzero"` // empty: absent
	OccurredAt      int64         `json:"occurred_at"`                // ms
	EnrichedAt      int64         `json:"enriched_at"`                // ms
	Profile         *Profile      `json:"profile,omitzero"`
	Phone           *Phone        `json:"phone,omitzero"`
	Location        *Location     `json:"location,omitzero"`
	Address         *Address      `json:"address,omitzero"`
	Device          *Device       `json:"device,omitzero"`
	Subscription    *Subscription `json:"subscription,omitzero"`
	Source          Source        `json:"source"`
}

// Profile is a whitelist of the decrypted user's fields.
type Profile struct {
	NickName  string `json:"nick_name,omitzero"`
	AvatarURL string `json:"avatar_url,omitzero"`
	Gender    int32  `json:"gender"` // 0 unknown, 1 male, 2 female
	City      string `json:"city,omitzero"`
	Province  string `json:"province,omitzero"`
	Country   string `json:"country,omitzero"`
	Language  string `json:"language,omitzero"`
}

// Phone is a phone number that nobody can read without the personal keys.
type Phone struct {
	Masked      string `json:"masked"`                // 138****0000
	Hash        string `json:"hash"`                  // hex HMAC-SHA-256 over E.164, under pepper HashKey
	HashKey     string `json:"hash_key"`              // id of the pepper
	Sealed      []byte `json:"sealed"`                // the E.164 number, under DOUSTREAM_PERSONAL_KEYS
	CountryCode string `json:"country_code,omitzero"` // "86"
}

// Location is a fix of getLocation. Pointers are absent where the payload
// lacks the field.
type Location struct {
	Longitude          float64   `json:"longitude"` // degrees, -180..180
	Latitude           float64   `json:"latitude"`  // degrees, -90..90
	CoordType          CoordType `json:"coord_type"`
	City               string    `json:"city,omitzero"`
	Province           string    `json:"province,omitzero"`
	District           string    `json:"district,omitzero"`
	Speed              *float64  `json:"speed,omitzero"`               // m/s
	Accuracy           *float64  `json:"accuracy,omitzero"`            // m
	Altitude           *float64  `json:"altitude,omitzero"`            // m
	VerticalAccuracy   *float64  `json:"vertical_accuracy,omitzero"`   // m
	HorizontalAccuracy *float64  `json:"horizontal_accuracy,omitzero"` // m
}

// Address is a delivery address of chooseAddress; name, detail and phone are
// personal and leave sealed.
type Address struct {
	Province     string `json:"province,omitzero"`
	City         string `json:"city,omitzero"`
	County       string `json:"county,omitzero"`
	NameSealed   []byte `json:"name_sealed,omitzero"`
	DetailSealed []byte `json:"detail_sealed,omitzero"`
	Phone        *Phone `json:"phone,omitzero"` // nil when absent or masked beyond use
}

// Device is what getSystemInfo tells. Strings are empty and pointers nil where
// the payload lacks the field; scores of -1 (unknown) are nil.
type Device struct {
	Brand            string   `json:"brand,omitzero"`
	Model            string   `json:"model,omitzero"`
	System           string   `json:"system,omitzero"`
	Platform         string   `json:"platform,omitzero"`
	AppName          string   `json:"app_name,omitzero"`
	Version          string   `json:"version,omitzero"`
	SDKVersion       string   `json:"sdk_version,omitzero"`
	SDKUpdateVersion string   `json:"sdk_update_version,omitzero"`
	NativeSDKVersion string   `json:"native_sdk_version,omitzero"`
	Language         string   `json:"language,omitzero"`
	ScreenWidth      *float64 `json:"screen_width,omitzero"` // px
	ScreenHeight     *float64 `json:"screen_height,omitzero"`
	WindowWidth      *float64 `json:"window_width,omitzero"`
	WindowHeight     *float64 `json:"window_height,omitzero"`
	PixelRatio       *float64 `json:"pixel_ratio,omitzero"`
	StatusBarHeight  *float64 `json:"status_bar_height,omitzero"`
	FontSizeSetting  *float64 `json:"font_size_setting,omitzero"`
	Battery          *float64 `json:"battery,omitzero"`
	WifiSignal       *float64 `json:"wifi_signal,omitzero"`
	ScoreCPU         *float64 `json:"score_cpu,omitzero"`
	ScoreGPU         *float64 `json:"score_gpu,omitzero"`
	ScoreMemory      *float64 `json:"score_memory,omitzero"`
	ScoreOverall     *float64 `json:"score_overall,omitzero"`
}
