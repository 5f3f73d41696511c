package douyin

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
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

// DecodeUser reads a decrypted profile. Unknown fields and fields of another
// type are passed over; a gender that is none of the platform's reads as
// unknown. The only error is ErrPlaintext.
func DecodeUser(plaintext []byte) (User, error) {
	var u User
	w, err := newWalker(plaintext)
	if err != nil {
		return User{}, err
	}
	for w.next() {
		switch w.name {
		case "openId":
			u.OpenID = w.string()
		case "unionId":
			u.UnionID = w.string()
		case "nickName":
			u.NickName = w.string()
		case "avatarUrl":
			u.AvatarURL = w.string()
		case "gender":
			if n := w.integer().n; n == 1 || n == 2 {
				u.Gender = int32(n)
			}
		case "city":
			u.City = w.string()
		case "province":
			u.Province = w.string()
		case "country":
			u.Country = w.string()
		case "language":
			u.Language = w.string()
		case "watermark":
			u.Watermark = w.watermark()
		default:
			w.skip()
		}
	}
	return u, nil
}

// DecodePhoneNumber reads a decrypted phone number, whose fields come as
// strings or numbers. The only error is ErrPlaintext, also when no number is
// in it.
func DecodePhoneNumber(plaintext []byte) (PhoneNumber, error) {
	var p PhoneNumber
	w, err := newWalker(plaintext)
	if err != nil {
		return PhoneNumber{}, err
	}
	for w.next() {
		switch w.name {
		case "phoneNumber":
			p.PhoneNumber = w.digits()
		case "purePhoneNumber":
			p.PurePhoneNumber = w.digits()
		case "countryCode":
			p.CountryCode = w.digits()
		case "watermark":
			p.Watermark = w.watermark()
		default:
			w.skip()
		}
	}
	if p.PhoneNumber == "" && p.PurePhoneNumber == "" {
		return PhoneNumber{}, ErrPlaintext
	}
	return p, nil
}

// watermark reads the object that comes next; anything else is an absent one.
func (w *walker) watermark() Watermark {
	var m Watermark
	if w.peek() != '{' {
		w.skip()
		return m
	}
	for w.open(); w.next(); {
		switch w.name {
		case "appid":
			m.AppID = w.string()
		case "timestamp":
			m.At = normalTime(w.integer().n)
		default:
			w.skip()
		}
	}
	return m
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
