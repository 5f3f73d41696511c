package douyin

import (
	"testing"
	"time"
)

func TestDecodeUser(t *testing.T) {
	t.Parallel()
	at := time.Unix(1700000000, 0)
	mark := `"watermark":{"appid":"tt1","timestamp":1700000000}`
	full := User{OpenID: "o", UnionID: "u", NickName: "n", AvatarURL: "a", Gender: 2, City: "c", Province: "p", Country: "k", Language: "l", Watermark: Watermark{"tt1", at}}
	rows := []struct {
		name, in string
		want     User
		ok       bool
	}{
		{"whole", `{"openId":"o","unionId":"u","nickName":"n","avatarUrl":"a","gender":2,"city":"c","province":"p","country":"k","language":"l",` + mark + `}`, full, true},
		{"without openId", `{"nickName":"n",` + mark + `}`, User{NickName: "n", Watermark: Watermark{"tt1", at}}, true},
		{"gender as a string", `{"gender":"1"}`, User{Gender: 1}, true},
		{"gender of 9", `{"gender":9}`, User{}, true},
		{"fields of other types", `{"nickName":7,"city":null,"watermark":{"appid":{}}}`, User{}, true},
		{"unknown fields", `{"x":{"y":[1]},"nickName":"n"}`, User{NickName: "n"}, true},
		{"not an object", `"x"`, User{}, false},
		{"null", `null`, User{}, false},
		{"noise", "\x8f\x01\xff", User{}, false},
		{"invalid UTF-8", "{\"nickName\":\"\xff\"}", User{}, false},
		{"cut short", `{"nickName":"n"`, User{}, false},
		{"two in a row", `{}{}`, User{}, false},
		{"empty", ``, User{}, false},
	}
	for _, row := range rows {
		got, err := DecodeUser([]byte(row.in))
		if (err == nil) != row.ok || got != row.want {
			t.Errorf("%s: %+v, %v; want %+v", row.name, got, err, row.want)
		}
	}
}

func TestDecodePhoneNumber(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, in string
		want     PhoneNumber
		ok       bool
	}{
		{
			"strings", `{"phoneNumber":"+8613800000000","purePhoneNumber":"13800000000","countryCode":"86","watermark":{"appid":"tt1","timestamp":1700000000}}`,
			PhoneNumber{"+8613800000000", "13800000000", "86", Watermark{"tt1", time.Unix(1700000000, 0)}},
			true,
		},
		{
			"numbers", `{"phoneNumber":13800000000,"purePhoneNumber":13800000000,"countryCode":86}`,
			PhoneNumber{"13800000000", "13800000000", "86", Watermark{}},
			true,
		},
		{"one of the two", `{"purePhoneNumber":"138"}`, PhoneNumber{PurePhoneNumber: "138"}, true},
		{"none", `{"countryCode":"86"}`, PhoneNumber{}, false},
		{"other types", `{"phoneNumber":{},"purePhoneNumber":null}`, PhoneNumber{}, false},
		{"null", `null`, PhoneNumber{}, false},
	}
	for _, row := range rows {
		got, err := DecodePhoneNumber([]byte(row.in))
		if (err == nil) != row.ok || got != row.want {
			t.Errorf("%s: differs, or %v", row.name, err)
		}
	}
}

func TestWatermarkTimestamps(t *testing.T) {
	t.Parallel()
	want := time.Unix(1763800000, 0)
	for name, row := range map[string]struct {
		in   string
		want time.Time
	}{
		"seconds":           {"1763800000", want},
		"seconds as text":   {`"1763800000"`, want},
		"milliseconds":      {"1763800000000", want},
		"microseconds":      {"1763800000000000", want},
		"nanoseconds":       {"1763800000000000000", want},
		"a fraction of ms":  {"1763800000123", want.Add(123 * time.Millisecond)},
		"float of seconds":  {"1.7638e9", want},
		"absent":            {"null", time.Time{}},
		"zero":              {"0", time.Time{}},
		"negative":          {"-5", time.Time{}},
		"larger than int64": {"99999999999999999999999", time.Time{}},
		"not a number":      {`"now"`, time.Time{}},
		"ms of 5138":        {"99999999999000", time.Unix(99_999_999_999, 0)},
	} {
		u, err := DecodeUser([]byte(`{"watermark":{"appid":"tt1","timestamp":` + row.in + `}}`))
		if err != nil || !u.Watermark.At.Equal(row.want) {
			t.Errorf("%s: %v, %v; want %v", name, u.Watermark.At, err, row.want)
		}
	}
}

func FuzzPlaintext(f *testing.F) {
	f.Add([]byte(`{"phoneNumber":"+86","watermark":{"appid":"x","timestamp":"1"}}`))
	f.Add([]byte(`{"nickName":"\ud800","gender":1e400}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodePhoneNumber(b); err == nil && p.PhoneNumber == "" && p.PurePhoneNumber == "" {
			t.Fatal("a phone number without a number")
		}
		if u, err := DecodeUser(b); err == nil && (u.Gender < 0 || u.Gender > 2 || u.Watermark.At.Year() > 9999) {
			t.Fatalf("gender %d, at %v", u.Gender, u.Watermark.At)
		}
	})
}
