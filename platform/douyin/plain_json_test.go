package douyin

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestPlainJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"phoneNumber":"13800001234","purePhoneNumber":"13800001234","countryCode":"86","watermark":{"appid":"tt1","timestamp":1763800000}}`: true,
		` { "a" : 1 , "b" : { } } ` + "\r\n\t": true,
		`{}`:                                   true,
		`{"a":0}`:                              true,
		`{"a":{"a":{"a":{}}}}`:                 true,
		`{"a":{"a":{"a":{"a":{}}}}}`:           false, // as deep as nobody writes
		`{"a":"中"}`:                            false, // the decoder's
		`{"a":"\n"}`:                           false,
		`{"a":-1}`:                             false,
		`{"a":1.5}`:                            false,
		`{"a":[1]}`:                            false,
		`{"a":true}`:                           false,
		`"a"`:                                  false,
		``:                                     false,
	} {
		if got := plainJSON([]byte(text)); got != want {
			t.Errorf("plainJSON(%q) = %v", text, got)
		}
	}
}

// FuzzPlainJSON: what is passed without the decoder is what the decoder passes.
func FuzzPlainJSON(f *testing.F) {
	for _, text := range []string{
		`{"a":{"b":"c"},"d":12}`, `{"a":01}`, `{"a":1}}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a":"b}`, `{"a" 1}`, `{"a":1 "b":2}`,
		`{"a":1`, `{`, `}`, "{\"a\":\"\x00\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\xff\"}", `{"a":"\"}`, `{"a":1}{}`, `{"a":00}`, `{1:2}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if plainJSON(data) && !jsontext.Value(data).IsValid(sameNames) {
			t.Errorf("%q is passed and no JSON", data)
		}
	})
}
