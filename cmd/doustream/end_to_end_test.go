package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/secrets"
	"doustream/schemas"
)

// visit is one user's visit with every kind of event in it.
func (w *world) visit(session, user string) douyintest.Login {
	login := w.platform.Login(testApp, user)
	w.publish(schemas.TopicLogin, "login-"+session, session, map[string]any{"code": login.Code, "anonymousCode": login.AnonymousCode, "isLogin": true, "errMsg": "login:ok"})

	raw := `{"nickName":"` + user + `","gender":1}`
	data, iv := w.sealed(login, `{"nickName":"`+user+`","avatarUrl":"https://p/x.image","gender":1,"city":"","language":"zh_CN",`+watermark()+`}`)
	w.publish(schemas.TopicProfile, "profile-"+session, session, map[string]any{
		"encryptedData": data, "iv": iv, "rawData": raw, "signature": douyintest.Sign(raw, douyin.SessionKey(login.SessionKey)),
		"userInfo": map[string]any{"nickName": user}, "errMsg": "getUserProfile:ok",
	})

	data, iv = w.sealed(login, `{"phoneNumber":"+8613812340000","purePhoneNumber":"13812340000","countryCode":"86",`+watermark()+`}`)
	w.publish(schemas.TopicPhone, "phone-"+session, session, map[string]any{"detail": map[string]any{"encryptedData": data, "iv": iv}, "errMsg": "getPhoneNumber:ok"})

	w.publish(schemas.TopicLocation, "location-"+session, session, map[string]any{"longitude": "116.3974", "latitude": 39.9092, "city": "北京市", "accuracy": 65, "errMsg": "getLocation:ok"}, "coord_type", "gcj02")
	w.publish(schemas.TopicLocation, "address-"+session, session, map[string]any{"userName": "张三", "provinceName": "北京市", "cityName": "北京市", "countyName": "朝阳区", "detailInfo": "某某路1号", "telNumber": "13812340000", "errMsg": "chooseAddress:ok"})
	w.publish(schemas.TopicDevice, "device-"+session, session, map[string]any{"brand": "devtools", "model": "iPhone 12", "fontSizeSetting": "16", "windowWidth": 390, "deviceScore": map[string]any{"cpu": 7.9, "gpu": -1}, "errMsg": "getSystemInfo:ok"})
	w.publish(schemas.TopicSubscription, "subscription-"+session, session, map[string]any{"MSG1": "accept", "itemSettings": map[string]any{"MSG1": "accept"}, "errMsg": "requestSubscribeMessage:ok"})
	return login
}

// Every kind of event becomes an enriched record, once (I5), with nothing of a
// user in the clear (I8).
func TestEndToEndEnrich(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	enrich := w.role("enrich")
	logins := map[string]douyintest.Login{}
	const visits = 5
	for i := range visits {
		session := "s-" + strconv.Itoa(i)
		logins[session] = w.visit(session, "user-"+strconv.Itoa(i))
	}
	users := collect(w, schemas.TopicUsers, 7*visits, decodeUser)
	w.stop(enrich)

	kinds := map[schemas.Kind]int{}
	for _, u := range users {
		kinds[u.Kind]++
		login := logins[u.SessionID]
		if u.OpenID != login.OpenID || u.UnionID != login.UnionID || u.AppID != testApp {
			t.Errorf("%s is of %s, want %s", u.EventID, u.OpenID, login.OpenID)
		}
		checkUser(t, u)
	}
	for kind := schemas.KindLogin; kind <= schemas.KindSubscription; kind++ {
		if kinds[kind] != visits {
			t.Errorf("%d records of kind %d, want %d", kinds[kind], kind, visits)
		}
	}
	for _, login := range logins {
		if history, ok := w.platform.Code(login.Code); !ok || len(history.Asks) != 1 {
			t.Errorf("I3: a code was sent %d times", len(history.Asks))
		}
		if strings.Contains(enrich.log.String(), login.Code) || strings.Contains(enrich.log.String(), login.SessionKey) {
			t.Error("I8: the log has a code or session key")
		}
	}
	if consents := collect(w, schemas.TopicConsents, visits, decodeConsent); consents[0].TemplateID != "MSG1" {
		t.Errorf("consent %+v", consents[0])
	}
}

func checkUser(t *testing.T, u schemas.EnrichedUser) {
	t.Helper()
	switch u.Kind {
	case schemas.KindProfile:
		if !strings.HasPrefix(u.Profile.NickName, "user-") || u.Profile.Gender != 1 {
			t.Errorf("profile %+v", u.Profile)
		}
	case schemas.KindPhone:
		checkPhone(t, u.Phone)
	case schemas.KindLocation:
		if u.Location.Longitude != 116.3974 || u.Location.CoordType != schemas.CoordGCJ02 {
			t.Errorf("location %+v", u.Location)
		}
	case schemas.KindAddress:
		checkPhone(t, u.Address.Phone)
		if u.Address.County != "朝阳区" || len(u.Address.NameSealed) == 0 || strings.Contains(string(u.Address.DetailSealed), "某某路") {
			t.Errorf("address %+v", u.Address)
		}
	case schemas.KindDevice:
		if u.Device.Model != "iPhone 12" || *u.Device.FontSizeSetting != 16 || u.Device.ScoreGPU != nil {
			t.Errorf("device %+v", u.Device)
		}
	case schemas.KindSubscription:
		if len(u.Subscription.Templates) != 1 || u.Subscription.Templates[0].Status != schemas.ConsentAccept {
			t.Errorf("subscription %+v", u.Subscription)
		}
	}
}

func checkPhone(t *testing.T, p *schemas.Phone) {
	t.Helper()
	peppers, err := secrets.ParsePeppers("h1:" + testKey)
	if err != nil {
		t.Fatal(err)
	}
	if hash, id := peppers.Hash("+8613812340000"); p.Hash != hash || p.HashKey != id {
		t.Errorf("hash %s under %s, want %s", p.Hash, p.HashKey, hash)
	}
	if p.Masked != "138****0000" || strings.Contains(string(p.Sealed), "13812340000") {
		t.Errorf("phone %+v", p)
	}
}

// What is wrong ends as one dead letter with its reason, and what comes after
// it is handled.
func TestEndToEndDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "DOUSTREAM_SESSION_WAIT=2s", "DOUSTREAM_JOIN_WAIT=100ms")
	enrich := w.role("enrich")
	login := w.platform.Login(testApp, "u")
	want := map[string]schemas.Reason{}
	bad := func(reason schemas.Reason, topic, session string, payload any, more ...string) {
		id := "bad-" + strconv.Itoa(len(want))
		want[id] = reason
		w.publish(topic, id, session, payload, more...)
	}
	w.publish(schemas.TopicLogin, "ok", "s", map[string]any{"code": login.Code, "errMsg": "login:ok"})
	bad(schemas.ReasonCodeRefused, schemas.TopicLogin, "s-used", map[string]any{"code": "no-such-code"})
	bad(schemas.ReasonAppUnknown, schemas.TopicLogin, "s", map[string]any{"code": "x"}, "app_id", "tt-unknown")
	bad(schemas.ReasonClientFailure, schemas.TopicPhone, "s", map[string]any{"errMsg": "getPhoneNumber:fail auth deny"})
	bad(schemas.ReasonDecryptFailed, schemas.TopicPhone, "s", map[string]any{"encryptedData": "AAAAAAAAAAAAAAAAAAAAAA==", "iv": "AAAAAAAAAAAAAAAAAAAAAA=="})
	bad(schemas.ReasonSessionMissing, schemas.TopicDevice, "s-never", map[string]any{"model": "x", "errMsg": "getSystemInfo:ok"})
	bad(schemas.ReasonInvalid, schemas.TopicLocation, "s", map[string]any{"longitude": 500, "latitude": 1, "errMsg": "getLocation:ok"})
	w.produce(schemas.TopicDevice, "s", []byte("\x01\x02 no event at all"))
	w.produce(schemas.TopicLogin, "other-key", asJSON(t, map[string]any{"event_id": "mismatch", "app_id": testApp, "session_id": "s", "occurred_at": time.Now().UnixMilli(), "payload": map[string]any{"code": "x"}}))
	want["mismatch"] = schemas.ReasonKeyMismatch
	want[""] = schemas.ReasonUndecodable

	letters := collect(w, schemas.TopicDeadLetters, len(want), decodeLetter)
	users := collect(w, schemas.TopicUsers, 1, decodeUser)
	w.stop(enrich)
	for _, letter := range letters {
		if want[letter.EventID] != letter.Reason {
			t.Errorf("%s ended as %s, want %s", letter.EventID, letter.Reason, want[letter.EventID])
		}
	}
	if users[0].EventID != "ok" {
		t.Errorf("enriched %s", users[0].EventID)
	}
}

func TestEndToEndNotify(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"v2", "v1"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "DOUSTREAM_NOTIFY_DRIVER="+driver)
			user := w.platform.Login(testApp, "u")
			w.platform.Grant(douyintest.Grant{AppID: testApp, OpenID: user.OpenID, Template: "MSG1", Credits: 2})
			notify := w.role("notify")
			order := func(id, openID string, more ...any) {
				fields := map[string]any{"notification_id": id, "app_id": testApp, "open_id": openID, "template_id": "MSG1", "data": map[string]any{"快递派送": "SF1"}, "order_id": "o-" + id}
				for i := 0; i < len(more); i += 2 {
					fields[more[i].(string)] = more[i+1]
				}
				w.produce(schemas.TopicOrders, openID, asJSON(t, fields))
			}
			order("n-1", user.OpenID)
			order("n-1", user.OpenID) // the order service repeats itself
			order("n-2", user.OpenID)
			order("n-3", user.OpenID) // no credit is left
			order("n-late", user.OpenID, "expires_at", 1000)
			order("n-bad", user.OpenID, "app_id", "tt-unknown")
			results := collect(w, schemas.TopicResults, 6, decodeResult)
			w.stop(notify)

			want := map[string]schemas.Status{
				"n-1": schemas.StatusSent, "n-2": schemas.StatusSent, "n-3": schemas.StatusNoCredit,
				"n-late": schemas.StatusExpired, "n-bad": schemas.StatusInvalid,
			}
			for _, r := range results {
				if r.Status != want[r.NotificationID] {
					t.Errorf("%s ended as %v (%s), want %v", r.NotificationID, r.Status, r.Reason, want[r.NotificationID])
				}
			}
			delivered := 0
			for _, m := range w.platform.Messages() {
				if m.Delivered {
					delivered++
				}
			}
			if delivered != 2 {
				t.Errorf("I7: %d messages reached the user, want 2", delivered)
			}
			if fetches := w.platform.TokenFetches(); len(fetches) != 1 {
				t.Errorf("I6: %d token fetches, want 1", len(fetches))
			}
		})
	}
}
