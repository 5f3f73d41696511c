package douyin_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

var testApp = douyin.App{ID: "tt60d4166000000008801", Secret: "5ecre7-5ecre7-5ecre7"}

// world is a client and the platform it calls, in virtual time.
type world struct {
	*douyintest.Platform
	client *douyin.Client
}

func inWorld(t *testing.T, opts douyintest.Options, f func(t *testing.T, w world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts.Apps = []douyin.App{testApp}
		p := douyintest.New(opts)
		local := douyintest.NewLocal(p)
		defer local.Close()
		c, err := douyin.NewClient(douyin.Config{AppsURL: "http://apps.test", OpenURL: "http://open.test", Transport: local.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		f(t, world{p, c})
	})
}

func mustFail(t *testing.T, err error, want douyin.Kind, no int64) *douyin.Error {
	t.Helper()
	e, ok := errors.AsType[*douyin.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *douyin.Error", err, err)
	}
	if e.Kind != want || e.No != no || e.Present != (no != 0) {
		t.Fatalf("kind %v, number %d (%v), want %v, %d: %v", e.Kind, e.No, e.Present, want, no, err)
	}
	return e
}

func TestExchangeCode(t *testing.T) {
	t.Parallel()
	inWorld(t, douyintest.Options{}, func(t *testing.T, w world) {
		ctx := t.Context()
		l := w.Login(testApp.ID, "ann")
		s, err := w.client.ExchangeCode(ctx, testApp, douyin.Code(l.Code), douyin.Code(l.AnonymousCode))
		if err != nil {
			t.Fatal(err)
		}
		want := douyin.Session{SessionKey: douyin.SessionKey(l.SessionKey), OpenID: l.OpenID, UnionID: l.UnionID, AnonymousOpenID: l.AnonymousOpenID, LogID: s.LogID}
		if s != want || s.LogID == "" {
			t.Fatalf("session differs from the login, or has no log id")
		}
		_, err = w.client.ExchangeCode(ctx, testApp, douyin.Code(l.Code), "")
		if e := mustFail(t, err, douyin.KindCode, 40018); e.LogID == "" || !e.Sent() {
			t.Errorf("a refusal without log id, or not sent: %v", e)
		}
		if h, _ := w.Code(l.Code); len(h.Asks) != 2 || !h.Used {
			t.Errorf("the ledger has %d requests for the code, want 2", len(h.Asks))
		}

		anon := w.AnonymousLogin(testApp.ID, "bob")
		s, err = w.client.ExchangeCode(ctx, testApp, "", douyin.Code(anon.AnonymousCode))
		if err != nil || s.AnonymousOpenID != anon.AnonymousOpenID || s.SessionKey != "" || s.OpenID != "" {
			t.Errorf("anonymous session: %v", err)
		}

		old := w.Login(testApp.ID, "cat")
		time.Sleep(5*time.Minute + time.Second)
		_, err = w.client.ExchangeCode(ctx, testApp, douyin.Code(old.Code), "")
		mustFail(t, err, douyin.KindCode, 40018)

		_, err = w.client.ExchangeCode(ctx, testApp, "", "")
		mustFail(t, err, douyin.KindBadRequest, 40014)
		_, err = w.client.ExchangeCode(ctx, douyin.App{ID: "ttother", Secret: "x"}, "c", "")
		mustFail(t, err, douyin.KindConfig, 40015)
		_, err = w.client.ExchangeCode(ctx, douyin.App{ID: testApp.ID, Secret: "wrong"}, "c", "")
		mustFail(t, err, douyin.KindConfig, 40017)
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	inWorld(t, douyintest.Options{Open: true, NotifyInterval: -1}, func(t *testing.T, w world) {
		ctx := t.Context()
		type fetch = func(context.Context, douyin.App) (douyin.Issued, error)
		user := w.Login(testApp.ID, "ann").OpenID
		n := douyin.Notification{AppID: testApp.ID, TemplateID: "MSG1", OpenID: user, Data: map[string]string{"k": "v"}}
		v1 := func(tok douyin.Token) error { _, err := w.client.NotifyV1(ctx, tok, n); return err }
		v2 := func(tok douyin.Token) error { _, err := w.client.NotifyV2(ctx, tok, n); return err }
		for name, row := range map[string]struct {
			fetch          fetch
			right, wrong   func(douyin.Token) error
			badApp, badKey int64
		}{
			"access":        {w.client.AccessToken, v1, v2, 40015, 40017},
			"client":        {w.client.ClientToken, v2, v1, 10003, 10013},
			"stable client": {w.client.StableClientToken, v2, v1, 10003, 10013},
		} {
			tok, err := row.fetch(ctx, testApp)
			if err != nil || tok.ExpiresIn != 2*time.Hour || tok.Token == "" || tok.LogID == "" {
				t.Fatalf("%s: %v, %v", name, tok, err)
			}
			if err := row.right(tok.Token); err != nil {
				t.Errorf("%s: its own endpoint refuses it: %v", name, err)
			}
			mustFail(t, row.wrong(tok.Token), douyin.KindToken, 28001003)
			_, err = row.fetch(ctx, douyin.App{ID: "ttother", Secret: "x"})
			mustFail(t, err, douyin.KindConfig, row.badApp)
			_, err = row.fetch(ctx, douyin.App{ID: testApp.ID, Secret: "wrong"})
			mustFail(t, err, douyin.KindConfig, row.badKey)

			time.Sleep(time.Minute)
			again, err := row.fetch(ctx, testApp)
			if err != nil || (again.Token == tok.Token) != (name == "stable client") {
				t.Errorf("%s: fetched again: same %v, %v", name, again.Token == tok.Token, err)
			}
			time.Sleep(5*time.Minute - time.Second)
			if err := row.right(tok.Token); err != nil {
				t.Errorf("%s: the one before is refused within five minutes: %v", name, err)
			}
			time.Sleep(2 * time.Second)
			if err := row.right(tok.Token); name != "stable client" {
				mustFail(t, err, douyin.KindToken, 28001008)
			} else if err != nil {
				t.Errorf("the stable token is refused while it lives: %v", err)
			}
			time.Sleep(2 * time.Hour)
			mustFail(t, row.right(again.Token), douyin.KindToken, 28001008)
		}
	})
}

func TestClientTokenCallsAreCounted(t *testing.T) {
	t.Parallel()
	inWorld(t, douyintest.Options{}, func(t *testing.T, w world) {
		for i := range 500 {
			if _, err := w.client.ClientToken(t.Context(), testApp); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		_, err := w.client.ClientToken(t.Context(), testApp)
		mustFail(t, err, douyin.KindThrottled, 10020)
		time.Sleep(5 * time.Minute)
		if _, err := w.client.ClientToken(t.Context(), testApp); err != nil {
			t.Errorf("five minutes later: %v", err)
		}
	})
}

func TestNotify(t *testing.T) {
	t.Parallel()
	for _, v2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("v2 %v", v2), func(t *testing.T) {
			t.Parallel()
			inWorld(t, douyintest.Options{ForbiddenText: "scam"}, func(t *testing.T, w world) { testNotify(t, w, v2) })
		})
	}
}

func testNotify(t *testing.T, w world, v2 bool) {
	user := w.Login(testApp.ID, "ann").OpenID
	send, fetch := w.client.NotifyV1, w.client.AccessToken
	used, refused, tooOften, parameter, content := int64(28014043), int64(28014043), int64(1010), int64(1000), int64(1008)
	contentKind := douyin.KindContent
	if v2 {
		send, fetch = w.client.NotifyV2, w.client.StableClientToken
		used, refused, tooOften, parameter, content = 28014041, 28014036, 28003018, 28001007, 28001017
		contentKind = douyin.KindBadRequest
	}
	tok, err := fetch(t.Context(), testApp)
	if err != nil {
		t.Fatal(err)
	}
	n := douyin.Notification{AppID: testApp.ID, TemplateID: "MSG1", OpenID: user, Data: map[string]string{"快递派送": "SF1111111111"}, Page: "pages/order?id=1"}
	try := func() error { _, err := send(t.Context(), tok.Token, n); return err }

	mustFail(t, try(), douyin.KindNotSubscribed, 28014043)
	grant := douyintest.Grant{AppID: testApp.ID, OpenID: user, Template: "MSG1", Credits: 2}
	w.Grant(grant)
	if err := try(); err != nil {
		t.Fatalf("with a credit: %v", err)
	}
	mustFail(t, try(), douyin.KindThrottled, tooOften)
	time.Sleep(time.Second)
	if err := try(); err != nil {
		t.Fatalf("a second later: %v", err)
	}
	time.Sleep(time.Second)
	mustFail(t, try(), douyin.KindNotSubscribed, used)
	grant.Refused, grant.Credits = true, 0
	w.Grant(grant)
	mustFail(t, try(), douyin.KindNotSubscribed, refused)
	w.Grant(douyintest.Grant{AppID: testApp.ID, OpenID: user, Template: "MSG1", Standing: true})
	w.SetUserRefusal(testApp.ID, user, 28001045)
	mustFail(t, try(), douyin.KindUser, 28001045)
	w.SetUserRefusal(testApp.ID, user, 0)
	n.Data["快递派送"] = "a scam"
	mustFail(t, try(), contentKind, content)
	n.Data = nil
	mustFail(t, try(), douyin.KindBadRequest, parameter)

	var delivered int
	for _, m := range w.Messages() {
		if m.Delivered {
			delivered++
			if m.AppID != testApp.ID || m.OpenID != user || m.TemplateID != "MSG1" || m.Data["快递派送"] != "SF1111111111" || m.Page != n.Page || m.Token == "" {
				t.Errorf("the ledger's message differs: %+v", m)
			}
		}
	}
	if delivered != 2 {
		t.Errorf("%d messages delivered, want 2", delivered)
	}
}

// TestFaults: whatever happens to an answer, the caller learns whether its
// request may have had an effect (I3, I7).
func TestFaults(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		fault douyintest.Fault
		kind  douyin.Kind
		no    int64
		sent  bool
		is    error
	}{
		{"nobody listens", douyintest.Fault{Mode: douyintest.ModeRefuse}, douyin.KindNotSent, 0, false, syscall.ECONNREFUSED},
		{"hang", douyintest.Fault{Mode: douyintest.ModeHang}, douyin.KindUnknown, 0, true, context.DeadlineExceeded},
		{"hang behind the effect", douyintest.Fault{Mode: douyintest.ModeHang, After: true}, douyin.KindUnknown, 0, true, context.DeadlineExceeded},
		{"html", douyintest.Fault{Mode: douyintest.ModeHTML}, douyin.KindUnknown, 0, true, nil},
		{"503", douyintest.Fault{Mode: douyintest.ModeStatus}, douyin.KindUnknown, 0, true, nil},
		{"429", douyintest.Fault{Mode: douyintest.ModeStatus, Status: 429}, douyin.KindThrottled, 0, true, nil},
		{"403", douyintest.Fault{Mode: douyintest.ModeStatus, Status: 403}, douyin.KindUnknown, 0, true, nil},
		{"302", douyintest.Fault{Mode: douyintest.ModeStatus, Status: 302}, douyin.KindUnknown, 0, true, nil},
		{"reset", douyintest.Fault{Mode: douyintest.ModeReset}, douyin.KindUnknown, 0, true, nil},
		{"reset behind the effect", douyintest.Fault{Mode: douyintest.ModeReset, After: true}, douyin.KindUnknown, 0, true, nil},
		{"cut short", douyintest.Fault{Mode: douyintest.ModeCut, After: true}, douyin.KindUnknown, 0, true, nil},
		{"system error", douyintest.Fault{Mode: douyintest.ModeErrNo, ErrNo: -1, After: true}, douyin.KindUnknown, -1, true, nil},
		{"throttled", douyintest.Fault{Mode: douyintest.ModeThrottle}, douyin.KindThrottled, 28003018, true, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, douyintest.Options{}, func(t *testing.T, w world) {
				warm := w.Login(testApp.ID, "warm") // so that the fault finds a connection in use
				if _, err := w.client.ExchangeCode(t.Context(), testApp, douyin.Code(warm.Code), ""); err != nil {
					t.Fatal(err)
				}
				if row.fault.Mode == douyintest.ModeRefuse {
					w.client.CloseIdle()
				}
				w.SetFaults(row.fault)
				l := w.Login(testApp.ID, "ann")
				_, err := w.client.ExchangeCode(t.Context(), testApp, douyin.Code(l.Code), "")
				e := mustFail(t, err, row.kind, row.no)
				if e.Sent() != row.sent || row.is != nil && !errors.Is(err, row.is) {
					t.Errorf("sent %v, want %v; error %v, want %v inside", e.Sent(), row.sent, err, row.is)
				}
				h, _ := w.Code(l.Code)
				want := 0
				if row.sent {
					want = 1
				}
				if len(h.Asks) != want || h.Used != row.fault.After {
					t.Errorf("the platform saw %d requests, want %d; used %v, want %v", len(h.Asks), want, h.Used, row.fault.After)
				}
			})
		})
	}
}

func TestContextEndedBeforeIsNotSent(t *testing.T) {
	t.Parallel()
	inWorld(t, douyintest.Options{}, func(t *testing.T, w world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.client.ExchangeCode(ctx, testApp, "code", "")
		if e := mustFail(t, err, douyin.KindNotSent, 0); e.Sent() || !errors.Is(err, context.Canceled) {
			t.Errorf("sent %v, %v", e.Sent(), err)
		}
	})
}
