package schemas

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// callbacks answers what each tt.* call hands to its success callback.
func callbacks(t testing.TB) map[string]json.RawMessage {
	t.Helper()
	text, err := os.ReadFile("testdata/callbacks.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

var testNow = time.Date(2025, 11, 22, 9, 0, 0, 0, time.UTC)

// eventAround is the JSON envelope around a payload.
func eventAround(payload []byte) []byte {
	return append(append([]byte(`{"event_id":"01JD7Y","app_id":"tt60d4166","session_id":"s-91f","occurred_at":1763800000123,"payload":`), payload...), '}')
}

func decodeCallback(t *testing.T, topic, call string) Event {
	t.Helper()
	payload := callbacks(t)[call]
	ev, err := DecodeEvent(topic, []byte("s-91f"), eventAround(payload), DecodeOptions{Now: testNow})
	if err != nil {
		t.Fatalf("DecodeEvent: %v", err)
	}
	if string(ev.Payload) != string(payload) {
		t.Errorf("payload = %s, want it byte for byte", ev.Payload)
	}
	if ev.EventID != "01JD7Y" || ev.AppID != "tt60d4166" || ev.SessionID != "s-91f" || ev.OccurredAt != 1763800000123 {
		t.Errorf("envelope = %+v", ev)
	}
	return ev
}

func TestCallbackLogin(t *testing.T) {
	t.Parallel()
	ev := decodeCallback(t, TopicLogin, "tt.login")
	l, err := DecodeLogin(ev.Payload)
	if err != nil {
		t.Fatal(err)
	}
	want := Login{
		Code:          "1ujmWYVW0mlU4xxxxxxxxxxxxxxxMUkdf9Vp1xxxg9z0Gy8LFbNekfVjY-Ng6V4_Bc6HxAPQ-SQvrPS8Gf-1ZFvaE",
		AnonymousCode: "UAx9YfgVDsxxxxxxxxxxiZCXh7OaAfiW8eixxx6mhQP1ETXRfFRKxidnPqMxZtxgXv7yrbWjkBwVePN6FIJq-1Q",
		IsLogin:       true,
	}
	if ev.API != APILogin || l != want {
		t.Errorf("api %s, login %#v", ev.API, l == want)
	}
}

func TestCallbackUserProfile(t *testing.T) {
	t.Parallel()
	ev := decodeCallback(t, TopicProfile, "tt.getUserProfile")
	e, err := DecodeEncrypted(ev.Payload)
	if err != nil {
		t.Fatal(err)
	}
	raw := `{"nickName":"claixxxxn","avatarUrl":"https://p9-passport.byteacctimg.com/img/mosaic-legacy/3796/297xxxx.image","gender":0,"city":"","province":"","country":"","language":""}`
	want := Encrypted{EncryptedData: "(base64)", IV: "(base64)", RawData: raw, Signature: "(sha1 of rawData + session_key, hex)"}
	if ev.API != APIUserProfile || e != want {
		t.Errorf("api %s, rawData %s", ev.API, e.RawData)
	}
}

func TestCallbackPhoneNumber(t *testing.T) {
	t.Parallel()
	ev := decodeCallback(t, TopicPhone, "tt.getPhoneNumber")
	e, err := DecodeEncrypted(ev.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Encrypted{EncryptedData: "(base64)", IV: "ZtZtYvS7gNbGMpyYg500rA=="}); ev.API != APIPhoneNumber || e != want {
		t.Errorf("api %s, iv %s", ev.API, e.IV)
	}
}

func TestCallbackLocation(t *testing.T) {
	t.Parallel()
	ev := decodeCallback(t, TopicLocation, "tt.getLocation")
	l, err := DecodeLocation(ev)
	if err != nil {
		t.Fatal(err)
	}
	if ev.API != APILocation || ev.CoordType != CoordUnknown {
		t.Errorf("api %s, coord_type %s", ev.API, ev.CoordType)
	}
	want := Location{
		Longitude: 116.3974, Latitude: 39.9092, CoordType: CoordUnknown, City: "北京市",
		Speed: new(0.0), Accuracy: new(65.0), Altitude: new(0.0), VerticalAccuracy: new(65.0), HorizontalAccuracy: new(65.0),
	}
	mustEqual(t, l, want)
}

func TestCallbackAddress(t *testing.T) {
	t.Parallel()
	ev := decodeCallback(t, TopicLocation, "tt.chooseAddress")
	a, err := DecodeAddress(ev.Payload)
	if err != nil {
		t.Fatal(err)
	}
	want := RawAddress{UserName: "xx", ProvinceName: "北京市", CityName: "北京市", CountyName: "朝阳区", DetailInfo: "xx", TelNumber: "138xxxx0000"}
	if ev.API != APIAddress || a != want {
		t.Errorf("api %s, city %s", ev.API, a.CityName)
	}
}

func TestCallbackSystemInfo(t *testing.T) {
	t.Parallel()
	ev := decodeCallback(t, TopicDevice, "tt.getSystemInfo")
	d, err := DecodeDevice(ev.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if ev.API != APISystemInfo {
		t.Errorf("api %s", ev.API)
	}
	mustEqual(t, d, Device{
		Brand: "devtools", Model: "iPhone 12", System: "iOS 14", Platform: "devtools", AppName: "devtools", Version: "6.6.3",
		SDKVersion: "2.68.0", SDKUpdateVersion: "2.68.0.3", NativeSDKVersion: "10.3.0", Language: "zh_CN",
		ScreenWidth: new(390.0), ScreenHeight: new(844.0), WindowWidth: new(390.0), WindowHeight: new(844.0), PixelRatio: new(3.0),
		StatusBarHeight: new(47.0), FontSizeSetting: new(16.0), Battery: new(100.0), WifiSignal: new(4.0),
		ScoreCPU: new(7.905), ScoreGPU: new(9.0622), ScoreMemory: new(7.0344), ScoreOverall: new(7.9524),
	})
}

func TestCallbackSubscribeMessage(t *testing.T) {
	t.Parallel()
	ev := decodeCallback(t, TopicSubscription, "tt.requestSubscribeMessage")
	s, err := DecodeSubscription(ev.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if ev.API != APISubscribe {
		t.Errorf("api %s", ev.API)
	}
	mustEqual(t, s, Subscription{Templates: []TemplateConsent{{TemplateID: "MSG137673105551c58exxxxx15858", Status: ConsentAccept}}})
}

// mustEqual compares by value, through pointers.
func mustEqual[T any](t *testing.T, got, want T) {
	t.Helper()
	if !equal(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("got  %s\nwant %s", g, w)
	}
}
