package enrich

import (
	"bytes"
	"fmt"
	"testing"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// enrichedOne runs one event of a session whose login is c1/o1 and answers its
// enriched record.
func enrichedOne(t *testing.T, topic topic, payload any, extra ...func(map[string]any)) (*bench, *schemas.EnrichedUser) {
	t.Helper()
	b := newBench(t)
	b.code("c1", "o1")
	b.login("s1", "c1")
	b.loop.settle()
	rec := b.event(topic, "s1", payload, extra...)
	b.loop.settle()
	b.want(rec, "enriched")
	u := b.of(rec).user
	if u.AppID != testApp || u.SessionID != "s1" || u.OpenID != "o1" || u.UnionID != "union-o1" || u.EventID != "ev-2" {
		t.Errorf("identity: %+v", u)
	}
	if u.OccurredAt != b.now.UnixMilli() || u.EnrichedAt != b.now.UnixMilli() || u.Source != sourceOf(rec) {
		t.Errorf("times or source: %+v", u)
	}
	return b, u
}

func (b *bench) open(u *schemas.EnrichedUser, purpose string, sealed []byte) string {
	b.t.Helper()
	plain, err := b.proc.personal.Open(nil, sealed, purpose, PersonalAAD(schemas.TopicUsers, u))
	must(b.t, err)
	return string(plain)
}

func (b *bench) mark() string {
	return fmt.Sprintf(`"watermark":{"appid":%q,"timestamp":%d}`, testApp, b.now.Unix())
}

func TestLoginIsEnriched(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	rec := b.login("s1", "c1")
	b.loop.settle()
	if u := b.of(rec).user; u == nil || u.Kind != schemas.KindLogin || u.OpenID != "o1" || u.Profile != nil || u.Phone != nil {
		t.Errorf("login: %+v", u)
	}
}

func TestPhoneLeavesMaskedHashedAndSealed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		full, pure, country  string
		masked, e164, prefix string
	}{
		"of China":                {"13800001234", "13800001234", "86", "138****1234", "+8613800001234", "86"},
		"with the code in front":  {"+8613800001234", "13800001234", "86", "138****1234", "+8613800001234", "86"},
		"without the pure number": {"+8613800001234", "", "86", "138****1234", "+8613800001234", "86"},
		"with the code unsigned":  {"8613800001234", "", "86", "138****1234", "+8613800001234", "86"},
		"with it in both":         {"8613800001234", "8613800001234", "86", "138****1234", "+8613800001234", "86"},
		"and no country":          {"8613800001234", "", "", "138****1234", "+8613800001234", "86"},
		"with 00 before it":       {"008613800001234", "", "+86", "138****1234", "+8613800001234", "86"},
		"that begins like a code": {"8612345678", "", "86", "861*****78", "+868612345678", "86"},
		"of elsewhere, so too":    {"8613800001234", "8613800001234", "49", "861******1234", "+498613800001234", "49"},
		"of elsewhere":            {"+12025550123", "2025550123", "1", "202*****23", "+12025550123", "1"},
		"with punctuation":        {"138-0000 1234", "", "", "138****1234", "+8613800001234", "86"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			plain := fmt.Sprintf(`{"phoneNumber":%q,"purePhoneNumber":%q,"countryCode":%q,%s}`, test.full, test.pure, test.country, b.mark())
			data, iv, err := douyintest.Seal(keyOf("c1"), []byte(plain))
			must(t, err)
			b, u := enrichedOne(t, topicPhone, map[string]any{"encryptedData": data, "iv": iv})
			if u.Kind != schemas.KindPhone || u.Phone.Masked != test.masked || u.Phone.CountryCode != test.prefix {
				t.Errorf("phone: %+v; want %s", u.Phone, test.masked)
			}
			if got := b.open(u, "phone", u.Phone.Sealed); got != test.e164 {
				t.Errorf("sealed %s; want %s", got, test.e164)
			}
			if hash, id := b.proc.peppers.Hash(test.e164); u.Phone.Hash != hash || u.Phone.HashKey != id {
				t.Errorf("hash %s under %s; want that of the E.164 number", u.Phone.Hash, u.Phone.HashKey)
			}
		})
	}
}

// What is sealed is bound to the topic that it lies in, by its whole name.
func TestSealedFieldsAreBoundToTheTopicWithItsPrefix(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.proc.names = newNames("staging.")
	w := takeWorkbench()
	defer w.release()
	w.user = schemas.EnrichedUser{OpenID: "o1"}
	sealed, err := b.proc.seal(w, purposePhone, "+8613800001234")
	must(t, err)
	for topic, opens := range map[string]bool{"staging." + schemas.TopicUsers: true, schemas.TopicUsers: false} {
		_, err := b.proc.personal.Open(nil, sealed, purposePhone, PersonalAAD(topic, &schemas.EnrichedUser{OpenID: "o1"}))
		if (err == nil) != opens {
			t.Errorf("opens under %s: %v; want %t", topic, err, opens)
		}
	}
}

func TestMaskHidesFourDigitsAtLeast(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]string{
		"13800001234": "138****1234", "123456789012": "123*****9012", "2025550123": "202*****23",
		"12345678": "12****78", "123456": "****56", "12345": "****5",
	} {
		if got := (number{"86", digits}).masked(); got != want {
			t.Errorf("%s: %s; want %s", digits, got, want)
		}
	}
}

func TestProfileIsAWhitelist(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	raw := `{"nickName":"小明"}`
	data, iv, err := douyintest.Seal(keyOf("c1"), []byte(`{"nickName":"小明","avatarUrl":"https://a/b","gender":2,"city":"北京","province":"北京","country":"中国","language":"zh","openId":"secret-open","phone":"1",`+b.mark()+`}`))
	must(t, err)
	_, u := enrichedOne(t, topicProfile, map[string]any{
		"encryptedData": data, "iv": iv, "rawData": raw,
		"signature": douyintest.Sign(raw, keyOf("c1")), "errMsg": "getUserProfile:ok",
	})
	want := schemas.Profile{NickName: "小明", AvatarURL: "https://a/b", Gender: 2, City: "北京", Province: "北京", Country: "中国", Language: "zh"}
	if u.Kind != schemas.KindProfile || *u.Profile != want {
		t.Errorf("profile: %+v", u.Profile)
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	_, u := enrichedOne(t, topicLocation, map[string]any{"longitude": "116.4", "latitude": 39.9, "city": "北京市", "speed": 0, "errMsg": "getLocation:ok"},
		func(env map[string]any) { env["coord_type"] = "gcj02" })
	if l := u.Location; u.Kind != schemas.KindLocation || l.Longitude != 116.4 || l.Latitude != 39.9 || l.CoordType != schemas.CoordGCJ02 || l.City != "北京市" || l.Speed == nil || l.Altitude != nil {
		t.Errorf("location: %+v", l)
	}
}

func TestAddressKeepsNameDetailAndPhoneSealed(t *testing.T) {
	t.Parallel()
	address := func(tel string) any {
		return map[string]any{
			"userName": "张三", "provinceName": "北京市", "cityName": "北京", "countyName": "朝阳区",
			"detailInfo": "望京1号", "telNumber": tel, "errMsg": "chooseAddress:ok",
		}
	}
	b, u := enrichedOne(t, topicLocation, address("13811112222"))
	a := u.Address
	if u.Kind != schemas.KindAddress || a.Province != "北京市" || a.City != "北京" || a.County != "朝阳区" || a.Phone.Masked != "138****2222" {
		t.Fatalf("address: %+v", a)
	}
	for purpose, sealed := range map[string][]byte{"name": a.NameSealed, "detail": a.DetailSealed, "phone": a.Phone.Sealed} {
		want := map[string]string{"name": "张三", "detail": "望京1号", "phone": "+8613811112222"}[purpose]
		if got := b.open(u, purpose, sealed); got != want {
			t.Errorf("%s: %s; want %s", purpose, got, want)
		}
		if bytes.Contains(sealed, []byte(want)) {
			t.Errorf("%s is not sealed", purpose)
		}
	}
	if _, u := enrichedOne(t, topicLocation, address("138xxxx2222")); u.Address.Phone != nil {
		t.Errorf("a masked phone became %+v", u.Address.Phone)
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	_, u := enrichedOne(t, topicDevice, map[string]any{"brand": "devtools", "windowWidth": "390", "deviceScore": map[string]any{"cpu": -1, "gpu": 9.5}, "errMsg": "getSystemInfo:ok"})
	if d := u.Device; u.Kind != schemas.KindDevice || d.Brand != "devtools" || *d.WindowWidth != 390 || d.ScoreCPU != nil || *d.ScoreGPU != 9.5 {
		t.Errorf("device: %+v", d)
	}
}

// The ledger of consents is by user: an answer of one without a name is none.
func TestSubscriptionOfNobodyLeavesNoConsentFact(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.platform.issue("anon", douyin.Session{AnonymousOpenID: "a1"})
	b.event(topicLogin, "s1", map[string]any{"anonymousCode": "anon", "isLogin": false, "errMsg": "login:ok"})
	asked := b.event(topicSubscription, "s1", map[string]any{"A": "accept", "errMsg": "requestSubscribeMessage:ok"})
	b.loop.settle()
	b.want(asked, "enriched")
	for _, rec := range b.out {
		if rec.Topic == schemas.TopicConsents {
			t.Errorf("a consent fact under %q", rec.Key)
		}
	}
}

func TestSubscriptionLeavesConsentFacts(t *testing.T) {
	t.Parallel()
	b, u := enrichedOne(t, topicSubscription, map[string]any{"A": "accept", "B": "reject", "C": "fail", "D": "ban", "errMsg": "requestSubscribeMessage:ok"})
	if u.Kind != schemas.KindSubscription || len(u.Subscription.Templates) != 4 {
		t.Errorf("subscription: %+v", u.Subscription)
	}
	got := map[string]schemas.ConsentStatus{}
	for _, rec := range b.out {
		if rec.Topic != schemas.TopicConsents {
			continue
		}
		f, err := schemas.DecodeConsentFact(rec.Value)
		must(t, err)
		if string(rec.Key) != testApp+"|o1" || f.OpenID != "o1" || f.Source != u.Source {
			t.Errorf("fact: %+v", f)
		}
		got[f.TemplateID] = f.Status
	}
	want := map[string]schemas.ConsentStatus{"A": schemas.ConsentAccept, "B": schemas.ConsentReject, "D": schemas.ConsentBan}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("facts: %v; want %v", got, want)
	}
}
