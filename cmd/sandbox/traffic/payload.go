package traffic

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

// The callbacks of the tt.* calls, in the shapes and the order of fields that
// the mini-app gets.
type (
	loginPayload struct {
		AnonymousCode string `json:"anonymousCode"`
		Code          string `json:"code"`
		IsLogin       bool   `json:"isLogin"`
		ErrMsg        string `json:"errMsg"`
	}
	userInfo struct {
		NickName  string `json:"nickName"`
		AvatarURL string `json:"avatarUrl"`
		Gender    int    `json:"gender"`
		City      string `json:"city"`
		Province  string `json:"province"`
		Country   string `json:"country"`
		Language  string `json:"language"`
	}
	watermark struct {
		AppID     string `json:"appid"`
		Timestamp int64  `json:"timestamp"`
	}
	profilePlaintext struct {
		OpenID string `json:"openId,omitempty"` // the old getUserInfo only
		userInfo
		Watermark watermark `json:"watermark"`
	}
	phonePlaintext struct {
		PhoneNumber     string    `json:"phoneNumber"`
		PurePhoneNumber string    `json:"purePhoneNumber"`
		CountryCode     string    `json:"countryCode"`
		Watermark       watermark `json:"watermark"`
	}
	profilePayload struct {
		UserInfo      jsontext.Value `json:"userInfo"`
		RawData       string         `json:"rawData"`
		Signature     string         `json:"signature"`
		EncryptedData string         `json:"encryptedData"`
		IV            string         `json:"iv"`
		ErrMsg        string         `json:"errMsg"`
	}
	phoneDetail struct {
		CloudID       string `json:"cloudId"`
		EncryptedData string `json:"encryptedData"`
		IV            string `json:"iv"`
		ErrMsg        string `json:"errMsg"`
	}
	phonePayload struct {
		Detail phoneDetail `json:"detail"`
		ErrMsg string      `json:"errMsg"`
	}
)

// mark is the platform's watermark; the unit differs as it does there.
func mark(appID string, at time.Time, milliseconds bool) watermark {
	if milliseconds {
		return watermark{appID, at.UnixMilli()}
	}
	return watermark{appID, at.Unix()}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err)) // of our own types and valid text: cannot be
	}
	return b
}

func sealed(key string, plaintext []byte) (data, iv string) {
	data, iv, err := douyintest.Seal(douyin.SessionKey(key), plaintext)
	if err != nil {
		panic(fmt.Sprintf("encrypt: %v", err)) // under a key that the platform gave: cannot be
	}
	return data, iv
}

func loginOf(l douyintest.Login) []byte {
	return encode(loginPayload{AnonymousCode: l.AnonymousCode, Code: l.Code, IsLogin: l.Code != "", ErrMsg: "login:ok"})
}

// profileOf is getUserProfile, or with openID the old getUserInfo.
func profileOf(u userInfo, openID, key string, w watermark) profilePayload {
	raw := encode(u)
	data, iv := sealed(key, encode(profilePlaintext{OpenID: openID, userInfo: u, Watermark: w}))
	call := "getUserProfile:ok"
	if openID != "" {
		call = "getUserInfo:ok"
	}
	return profilePayload{
		UserInfo: raw, RawData: string(raw), Signature: douyintest.Sign(string(raw), douyin.SessionKey(key)),
		EncryptedData: data, IV: iv, ErrMsg: call,
	}
}

// phoneOf is getPhoneNumber, its fields inside detail or, as in other versions,
// at the top.
func phoneOf(number, key string, w watermark, flat bool) []byte {
	data, iv := sealed(key, encode(phonePlaintext{PhoneNumber: "+86" + number, PurePhoneNumber: number, CountryCode: "86", Watermark: w}))
	d := phoneDetail{EncryptedData: data, IV: iv, ErrMsg: "getPhoneNumber:ok"}
	if flat {
		return encode(d)
	}
	return encode(phonePayload{Detail: d, ErrMsg: "getPhoneNumber:ok"})
}

func locationOf(p place, text bool) []byte {
	longitude, latitude := fmt.Sprint(p.longitude), fmt.Sprint(p.latitude)
	if text {
		longitude, latitude = `"`+longitude+`"`, `"`+latitude+`"`
	}
	return fmt.Appendf(nil, `{"longitude":%s,"latitude":%s,"city":%q,"speed":0,"accuracy":65,"altitude":0,"verticalAccuracy":65,"horizontalAccuracy":65,"errMsg":"getLocation:ok"}`,
		longitude, latitude, p.city)
}

func addressOf(p person) []byte {
	return fmt.Appendf(nil, `{"userName":%q,"provinceName":%q,"cityName":%q,"countyName":%q,"detailInfo":%q,"telNumber":%q,"errMsg":"chooseAddress:ok"}`,
		p.name, p.place.province, p.place.city, p.place.county, p.place.street, p.phone)
}

func deviceOf(d device) []byte {
	return fmt.Appendf(nil, `{"language":"zh_CN","version":%q,"brand":%q,"fontSizeSetting":%s,"platform":%q,"battery":%d,"wifiSignal":4,"appName":"Douyin","statusBarHeight":47,"nativeSDKVersion":"10.3.0","model":%q,"system":%q,"deviceScore":{"cpu":%s,"gpu":9.0622,"memory":7.0344,"overall":7.9524},"SDKVersion":"2.68.0","pixelRatio":3,"screenWidth":390,"screenHeight":844,"windowWidth":%s,"windowHeight":844,"safeArea":{"left":0,"right":390,"top":47,"bottom":810,"width":390,"height":763},"SDKUpdateVersion":"2.68.0.3","devicePixelRatio":3,"errMsg":"getSystemInfo:ok"}`,
		d.version, d.brand, d.fontSize, d.platform, d.battery, d.model, d.system, d.score, d.width)
}

// shape is one of the three ways in which a subscription's answer comes.
type shape int

const (
	shapeFlat shape = iota
	shapeItems
	shapeTemplates
	shapes
)

func subscriptionOf(s shape, template, status string) []byte {
	const end = `"errMsg":"requestSubscribeMessage:ok"}`
	switch s {
	case shapeItems:
		return fmt.Appendf(nil, `{%q:%q,"itemSettings":{%q:%q},`+end, template, status, template, status)
	case shapeTemplates:
		return fmt.Appendf(nil, `{%q:%q,"templateSettings":{%q:{"status":%q,"alwaysSubscribe":true}},`+end, template, status, template, status)
	default:
		return fmt.Appendf(nil, `{%q:%q,`+end, template, status)
	}
}
