package schemas

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func wantRejection(t *testing.T, err error, reason Reason, field string) {
	t.Helper()
	var r *Rejection
	if !errors.As(err, &r) || r.Reason != reason || r.Field != field {
		t.Errorf("error %v, want %s of field %q", err, reason, field)
	}
}

func TestDecodeLogin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, payload string
		want          Login
		reason        Reason
		field         string
	}{
		{"a code", `{"code":"c","isLogin":true}`, Login{Code: "c", IsLogin: true}, "", ""},
		{"an anonymous code", `{"anonymousCode":"a","isLogin":false}`, Login{AnonymousCode: "a"}, "", ""},
		{"a code that is a number", `{"code":12}`, Login{Code: "12"}, "", ""},
		{"isLogin as text", `{"code":"c","isLogin":"true"}`, Login{Code: "c", IsLogin: true}, "", ""},
		{"isLogin as a number", `{"code":"c","isLogin":1}`, Login{Code: "c", IsLogin: true}, "", ""},
		{"isLogin null", `{"code":"c","isLogin":null}`, Login{Code: "c"}, "", ""},
		{"a code and null", `{"code":"c","anonymousCode":null,"x":[{}]}`, Login{Code: "c"}, "", ""},
		{"neither", `{"isLogin":true}`, Login{}, ReasonInvalid, "payload.code"},
		{"both empty", `{"code":"","anonymousCode":""}`, Login{}, ReasonInvalid, "payload.code"},
		{"a code that is an object", `{"code":{}}`, Login{}, ReasonInvalid, "payload.code"},
		{"a code too long", `{"code":"` + strings.Repeat("c", maxCode+1) + `"}`, Login{}, ReasonInvalid, "payload.code"},
		{"an anonymous code too long", `{"anonymousCode":"` + strings.Repeat("c", maxCode+1) + `"}`, Login{}, ReasonInvalid, "payload.anonymousCode"},
		{"no object", `[]`, Login{}, ReasonUndecodable, ""},
		{"bytes behind it", `{"code":"c"}x`, Login{}, ReasonUndecodable, ""},
	} {
		l, err := DecodeLogin([]byte(row.payload))
		if row.reason != "" {
			wantRejection(t, err, row.reason, row.field)
		} else if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if l != row.want {
			t.Errorf("%s: another login than wanted", row.name)
		}
	}
}

func TestDecodeEncrypted(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, payload string
		want          Encrypted
		field         string // of the rejection
	}{
		{"at the top", `{"encryptedData":"d","iv":"i"}`, Encrypted{EncryptedData: "d", IV: "i"}, ""},
		{"in detail", `{"detail":{"encryptedData":"d","iv":"i","x":{}},"errMsg":"getPhoneNumber:ok"}`, Encrypted{EncryptedData: "d", IV: "i"}, ""},
		{"at the top before detail", `{"detail":{"encryptedData":"x","iv":"y"},"encryptedData":"d","iv":"i"}`, Encrypted{EncryptedData: "d", IV: "i"}, ""},
		{"an empty one at the top", `{"encryptedData":"","iv":"","detail":{"encryptedData":"d","iv":"i"}}`, Encrypted{EncryptedData: "d", IV: "i"}, ""},
		{"signed", `{"encryptedData":"d","iv":"i","rawData":"{\"a\":\"\u4f60\"}","signature":"s"}`, Encrypted{EncryptedData: "d", IV: "i", RawData: `{"a":"你"}`, Signature: "s"}, ""},
		{"no ciphertext", `{"iv":"i"}`, Encrypted{}, "payload.encryptedData"},
		{"no iv", `{"encryptedData":"d"}`, Encrypted{}, "payload.iv"},
		{"detail that is text", `{"detail":"x"}`, Encrypted{}, "payload.encryptedData"},
		{"iv of another place", `{"detail":{"encryptedData":"d"},"iv":"i"}`, Encrypted{}, "payload.iv"},
	} {
		e, err := DecodeEncrypted([]byte(row.payload))
		if row.field != "" {
			wantRejection(t, err, ReasonInvalid, row.field)
		} else if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if e != row.want {
			t.Errorf("%s: another ciphertext than wanted", row.name)
		}
	}
}

func TestDecodeLocation(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, payload string
		want          Location
		field         string
	}{
		{"numbers as text", `{"longitude":"116.3974","latitude":"39.9","speed":"1.5","province":"p","district":"d"}`, Location{Longitude: 116.3974, Latitude: 39.9, Speed: new(1.5), Province: "p", District: "d"}, ""},
		{"at the edge", `{"longitude":-180,"latitude":90}`, Location{Longitude: -180, Latitude: 90}, ""},
		{"null island", `{"longitude":0,"latitude":-0.0}`, Location{Latitude: negativeZero()}, ""},
		{"optional numbers that are none", `{"longitude":1,"latitude":2,"speed":"fast","accuracy":null,"altitude":{},"verticalAccuracy":"NaN","horizontalAccuracy":""}`, Location{Longitude: 1, Latitude: 2}, ""},
		{"no longitude", `{"latitude":2}`, Location{}, "payload.longitude"},
		{"no latitude", `{"longitude":2}`, Location{}, "payload.latitude"},
		{"longitude null", `{"longitude":null,"latitude":2}`, Location{}, "payload.longitude"},
		{"east of the world", `{"longitude":180.0001,"latitude":2}`, Location{}, "payload.longitude"},
		{"south of the world", `{"longitude":1,"latitude":"-90.5"}`, Location{}, "payload.latitude"},
		{"NaN as text", `{"longitude":"NaN","latitude":2}`, Location{}, "payload.longitude"},
		{"infinity as text", `{"longitude":1,"latitude":"Inf"}`, Location{}, "payload.latitude"},
		{"beyond a float", `{"longitude":1e999,"latitude":2}`, Location{}, "payload.longitude"},
		{"hexadecimal", `{"longitude":"0x10","latitude":2}`, Location{}, "payload.longitude"},
		{"an empty text", `{"longitude":"","latitude":2}`, Location{}, "payload.longitude"},
		{"an object", `{"longitude":{},"latitude":2}`, Location{}, "payload.longitude"},
		{"a boolean", `{"longitude":true,"latitude":2}`, Location{}, "payload.longitude"},
	} {
		l, err := DecodeLocation(Event{CoordType: CoordWGS84, Payload: []byte(row.payload)})
		if row.field != "" {
			wantRejection(t, err, ReasonInvalid, row.field)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		row.want.CoordType = CoordWGS84
		mustEqual(t, l, row.want)
	}
	_, err := DecodeLocation(Event{Payload: []byte(`{"longitude":NaN}`)})
	wantRejection(t, err, ReasonUndecodable, "")
}

func negativeZero() float64 { zero := 0.0; return -zero }

func TestDecodeAddress(t *testing.T) {
	t.Parallel()
	a, err := DecodeAddress([]byte(`{"telNumber":13800000000,"detailInfo":"x","errMsg":"chooseAddress:ok"}`))
	if err != nil || a != (RawAddress{TelNumber: "13800000000", DetailInfo: "x"}) {
		t.Errorf("DecodeAddress: %v", err)
	}
	_, err = DecodeAddress([]byte(`{"errMsg":"chooseAddress:ok","userName":""}`))
	wantRejection(t, err, ReasonInvalid, "payload")
	_, err = DecodeAddress([]byte(`{`))
	wantRejection(t, err, ReasonUndecodable, "")
}

func TestDecodeDevice(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, payload string
		want          Device
		reason        Reason
	}{
		{"numbers as text", `{"fontSizeSetting":"16","windowWidth":"390.5","brand":"b"}`, Device{Brand: "b", FontSizeSetting: new(16.0), WindowWidth: new(390.5)}, ""},
		{"texts as numbers", `{"version":6.6,"model":12}`, Device{Version: "6.6", Model: "12"}, ""},
		{"scores of -1 are unknown", `{"deviceScore":{"cpu":-1,"gpu":"-1","memory":"7","overall":8,"npu":9}}`, Device{ScoreMemory: new(7.0), ScoreOverall: new(8.0)}, ""},
		{"a font size in words", `{"brand":"b","fontSizeSetting":"large"}`, Device{Brand: "b"}, ""},
		{"devicePixelRatio alone", `{"devicePixelRatio":2}`, Device{PixelRatio: new(2.0)}, ""},
		{"both pixel ratios", `{"pixelRatio":3,"devicePixelRatio":2}`, Device{PixelRatio: new(3.0)}, ""},
		{"deviceScore that is a number", `{"brand":"b","deviceScore":7}`, Device{Brand: "b"}, ""},
		{"nothing of a device", `{"errMsg":"getSystemInfo:ok","x":1}`, Device{}, ReasonInvalid},
		{"no object", `7`, Device{}, ReasonUndecodable},
	} {
		d, err := DecodeDevice([]byte(row.payload))
		if ReasonOf(err) != row.reason {
			t.Errorf("%s: %v, want %q", row.name, err, row.reason)
		}
		mustEqual(t, d, row.want)
	}
}

func TestDecodeSubscription(t *testing.T) {
	t.Parallel()
	accept := func(id string) TemplateConsent { return TemplateConsent{TemplateID: id, Status: ConsentAccept} }
	for _, row := range []struct {
		name, payload string
		want          []TemplateConsent
		reason        Reason
	}{
		{"flat", `{"B":"reject","A":"accept","errMsg":"requestSubscribeMessage:ok"}`, []TemplateConsent{accept("A"), {TemplateID: "B", Status: ConsentReject}}, ""},
		{"flat, every answer", `{"A":"ban","B":"fail"}`, []TemplateConsent{{TemplateID: "A", Status: ConsentBan}, {TemplateID: "B", Status: ConsentFail}}, ""},
		{"itemSettings", `{"itemSettings":{"A":"accept"},"errMsg":"requestSubscribeMessage:ok"}`, []TemplateConsent{accept("A")}, ""},
		{"templateSettings", `{"templateSettings":{"A":{"status":"accept","alwaysSubscribe":true},"B":{"status":"reject"}}}`, []TemplateConsent{{TemplateID: "A", Status: ConsentAccept, Always: true}, {TemplateID: "B", Status: ConsentReject}}, ""},
		{"all three", `{"A":"reject","C":"accept","itemSettings":{"A":"reject","B":"accept"},"templateSettings":{"A":{"status":"accept","alwaysSubscribe":"true"}}}`, []TemplateConsent{{TemplateID: "A", Status: ConsentAccept, Always: true}, accept("B"), accept("C")}, ""},
		{"all three in another order", `{"templateSettings":{"A":{"status":"accept","alwaysSubscribe":1}},"itemSettings":{"A":"reject","B":"accept"},"A":"reject","C":"accept"}`, []TemplateConsent{{TemplateID: "A", Status: ConsentAccept, Always: true}, accept("B"), accept("C")}, ""},
		{"answers in capitals", `{"A":"ACCEPT"}`, []TemplateConsent{accept("A")}, ""},
		{"an answer of tomorrow", `{"MSG1":"acceptWithAudio","itemSettings":{"X":"acceptWithAudio"}}`, []TemplateConsent{{TemplateID: "MSG1", Status: ConsentUnknown}, {TemplateID: "X", Status: ConsentUnknown}}, ""},
		{"members that are no answers", `{"A":"accept","errNo":0,"errCode":"accept","scene":"pay","x":{"A":"reject"}}`, []TemplateConsent{accept("A")}, ""},
		{"nothing ticked", `{"templateSettings":{},"errMsg":"requestSubscribeMessage:ok"}`, []TemplateConsent{}, ""},
		{"a setting without status", `{"templateSettings":{"A":{"alwaysSubscribe":true}}}`, []TemplateConsent{}, ""},
		{"a setting that is text", `{"templateSettings":{"A":"accept"}}`, []TemplateConsent{accept("A")}, ""},
		{"no shape at all", `{"errMsg":"requestSubscribeMessage:ok"}`, nil, ReasonInvalid},
		{"itemSettings null", `{"itemSettings":null}`, nil, ReasonInvalid},
		{"too many", `{"itemSettings":{` + manyAnswers(65) + `}}`, nil, ReasonInvalid},
		{"no object", `"accept"`, nil, ReasonUndecodable},
	} {
		s, err := DecodeSubscription([]byte(row.payload))
		if ReasonOf(err) != row.reason {
			t.Errorf("%s: %v, want %q", row.name, err, row.reason)
		}
		t.Run(row.name, func(t *testing.T) { mustEqual(t, s.Templates, row.want) })
	}
}

func manyAnswers(n int) string {
	var answers []string
	for i := range n {
		answers = append(answers, fmt.Sprintf(`"T%d":"accept"`, i))
	}
	return strings.Join(answers, ",")
}

// I8: what holds a code, a key, a token or an address prints as nothing, by
// whatever verb and through slog.
func TestRecordsWithSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, v := range []any{
		Login{Code: secret, AnonymousCode: secret},
		Encrypted{RawData: secret},
		RawAddress{TelNumber: secret},
		Event{Payload: []byte(secret)},
		SessionFact{SessionKey: secret},
		&SessionFact{SessionKey: secret},
		SessionOutcome{SessionKey: secret},
		&SessionOutcome{SessionKey: secret},
		ParkedEvent{Value: []byte(secret)},
		NotificationState{Order: []byte(secret)},
		TokenRecord{Token: secret},
		&TokenRecord{Token: secret},
	} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		text := fmt.Sprintf("%v %+v %#v %s %x %q ", v, v, v, v, v, v) + log.String()
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) || strings.Contains(text, "aHVudGVyMg") {
			t.Errorf("%T prints its secret: %s", v, text)
		}
	}
}
