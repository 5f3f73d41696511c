package schemas

// Kind is the kind of an enriched record. The numbers are ClickHouse's Enum8
// values too: append only.
type Kind uint8

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
	Topic     string
	Partition int32
	Offset    int64
}

// EnrichedUser is one record of users.enriched (enriched_user.avsc). Exactly
// one of the pointers is set, as Kind says; for a login none is.
type EnrichedUser struct {
	EventID         string
	Kind            Kind
	AppID           string
	SessionID       string
	OpenID          string // empty: absent
	UnionID         string // empty: absent
	AnonymousOpenID string // empty: absent
	OccurredAt      int64  // ms
	EnrichedAt      int64  // ms
	Profile         *Profile
	Phone           *Phone
	Location        *Location
	Address         *Address
	Device          *Device
	Subscription    *Subscription
	Source          Source
}

// Profile is a whitelist of the decrypted user's fields.
type Profile struct {
	NickName  string
	AvatarURL string
	Gender    int32 // 0 unknown, 1 male, 2 female
	City      string
	Province  string
	Country   string
	Language  string
}

// Phone is a phone number that nobody can read without the personal keys.
type Phone struct {
	Masked      string // 138****0000
	Hash        string // hex HMAC-SHA-256 over E.164, under pepper HashKey
	HashKey     string // id of the pepper
	Sealed      []byte // the E.164 number, under DOUSTREAM_PERSONAL_KEYS
	CountryCode string // "86"
}

// Location is a fix of getLocation. Pointers are absent where the payload
// lacks the field.
type Location struct {
	Longitude          float64 // degrees, -180..180
	Latitude           float64 // degrees, -90..90
	CoordType          CoordType
	City               string
	Province           string
	District           string
	Speed              *float64 // m/s
	Accuracy           *float64 // m
	Altitude           *float64 // m
	VerticalAccuracy   *float64 // m
	HorizontalAccuracy *float64 // m
}

// Address is a delivery address of chooseAddress; name, detail and phone are
// personal and leave sealed.
type Address struct {
	Province     string
	City         string
	County       string
	NameSealed   []byte
	DetailSealed []byte
	Phone        *Phone // nil when absent or masked beyond use
}

// Device is what getSystemInfo tells. Strings are empty and pointers nil where
// the payload lacks the field; scores of -1 (unknown) are nil.
type Device struct {
	Brand            string
	Model            string
	System           string
	Platform         string
	AppName          string
	Version          string
	SDKVersion       string
	SDKUpdateVersion string
	NativeSDKVersion string
	Language         string
	ScreenWidth      *float64 // px
	ScreenHeight     *float64
	WindowWidth      *float64
	WindowHeight     *float64
	PixelRatio       *float64
	StatusBarHeight  *float64
	FontSizeSetting  *float64
	Battery          *float64
	WifiSignal       *float64
	ScoreCPU         *float64
	ScoreGPU         *float64
	ScoreMemory      *float64
	ScoreOverall     *float64
}
