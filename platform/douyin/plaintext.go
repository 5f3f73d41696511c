package douyin

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrPlaintext is the one error of DecodeUser and DecodePhoneNumber: the
// plaintext is not the JSON object that it should be, as after a wrong key
// whose padding happened to fit.
var ErrPlaintext = errors.New("decode plaintext: not the object that is expected")

// Watermark says for which app, and when, the platform encrypted something.
type Watermark struct {
	AppID string
	At    time.Time // zero: absent
}

// User is the plaintext of getUserProfile and getUserInfo. OpenID and UnionID
// are only in the old getUserInfo; identity comes from the code exchange.
type User struct {
	OpenID    string
	UnionID   string
	NickName  string
	AvatarURL string
	Gender    int32 // 0 unknown, 1 male, 2 female
	City      string
	Province  string
	Country   string
	Language  string
	Watermark Watermark
}

// PhoneNumber is the plaintext of getPhoneNumber. It prints as <redacted>.
type PhoneNumber struct {
	PhoneNumber     string // with country code: +8613800000000
	PurePhoneNumber string // without
	CountryCode     string // 86
	Watermark       Watermark
}

// Format prints <redacted> for every verb.
func (PhoneNumber) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue is <redacted>.
func (PhoneNumber) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is <redacted>.
func (PhoneNumber) MarshalText() ([]byte, error) { return []byte(redacted), nil }

type watermarkJSON struct {
	AppID     text   `json:"appid"`
	Timestamp number `json:"timestamp"`
}

type userJSON struct {
	OpenID    text          `json:"openId"`
	UnionID   text          `json:"unionId"`
	NickName  text          `json:"nickName"`
	AvatarURL text          `json:"avatarUrl"`
	Gender    number        `json:"gender"`
	City      text          `json:"city"`
	Province  text          `json:"province"`
	Country   text          `json:"country"`
	Language  text          `json:"language"`
	Watermark watermarkJSON `json:"watermark"`
}

type phoneJSON struct {
	PhoneNumber     phoneText     `json:"phoneNumber"`
	PurePhoneNumber phoneText     `json:"purePhoneNumber"`
	CountryCode     phoneText     `json:"countryCode"`
	Watermark       watermarkJSON `json:"watermark"`
}

// DecodeUser reads a decrypted profile. Unknown fields are passed over; a
// gender that is none of the platform's reads as unknown. The only error is
// ErrPlaintext.
func DecodeUser(plaintext []byte) (User, error) {
	var u userJSON
	if err := decodePlaintext(plaintext, &u); err != nil {
		return User{}, ErrPlaintext
	}
	var gender int32
	if u.Gender.n == 1 || u.Gender.n == 2 {
		gender = int32(u.Gender.n)
	}
	return User{
		OpenID: string(u.OpenID), UnionID: string(u.UnionID), NickName: string(u.NickName), AvatarURL: string(u.AvatarURL), Gender: gender,
		City: string(u.City), Province: string(u.Province), Country: string(u.Country), Language: string(u.Language),
		Watermark: u.Watermark.watermark(),
	}, nil
}

// DecodePhoneNumber reads a decrypted phone number, whose fields come as
// strings or numbers. The only error is ErrPlaintext, also when no number is
// in it.
func DecodePhoneNumber(plaintext []byte) (PhoneNumber, error) {
	var p phoneJSON
	if err := decodePlaintext(plaintext, &p); err != nil {
		return PhoneNumber{}, ErrPlaintext
	}
	if p.PhoneNumber == "" && p.PurePhoneNumber == "" {
		return PhoneNumber{}, ErrPlaintext
	}
	return PhoneNumber{
		PhoneNumber: string(p.PhoneNumber), PurePhoneNumber: string(p.PurePhoneNumber), CountryCode: string(p.CountryCode),
		Watermark: p.Watermark.watermark(),
	}, nil
}

func decodePlaintext(plaintext []byte, v any) error {
	if jsontext.Value(plaintext).Kind() != '{' {
		return ErrPlaintext
	}
	return json.Unmarshal(plaintext, v, jsontext.AllowDuplicateNames(true))
}

func (w watermarkJSON) watermark() Watermark {
	return Watermark{AppID: string(w.AppID), At: normalTime(w.Timestamp.n)}
}

// normalTime reads a timestamp in seconds, milliseconds, micro- or nanoseconds,
// told apart by size: seconds of more than 11 digits would lie past the year
// 5138.
func normalTime(n int64) time.Time {
	const most = 99_999_999_999
	switch {
	case n <= 0:
		return time.Time{}
	case n <= most:
		return time.Unix(n, 0)
	case n/1e3 <= most:
		return time.UnixMilli(n)
	case n/1e6 <= most:
		return time.UnixMicro(n)
	default:
		return time.Unix(0, n)
	}
}

// phoneText is a string, or a number taken digit for digit.
type phoneText string

// UnmarshalJSONFrom takes a value of any type; one that is neither string nor
// number leaves the text empty.
func (t *phoneText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case '0':
		*t = phoneText(v)
	case '"':
		unquoted, err := jsontext.AppendUnquote(nil, v)
		*t = phoneText(unquoted)
		return err
	}
	return nil
}
