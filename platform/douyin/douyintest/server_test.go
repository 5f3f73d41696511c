package douyintest_test

import (
	"context"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
)

var app = douyin.App{ID: "tt60d4166000000008801", Secret: "5ecre7-5ecre7-5ecre7"}

// serve starts a platform on TCP that ends with the test.
func serve(tb testing.TB, opts douyintest.Options) (*douyintest.Server, *douyintest.Control) {
	tb.Helper()
	opts.Apps = append(opts.Apps, app)
	srv, err := douyintest.Listen(context.Background(), douyintest.New(opts), "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("serve: %v", err)
		}
	})
	return srv, douyintest.NewControl(srv.ControlURL())
}

func client(tb testing.TB, srv *douyintest.Server) *douyin.Client {
	tb.Helper()
	c, err := douyin.NewClient(douyin.Config{AppsURL: srv.URL(), OpenURL: srv.URL(), Timeout: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.CloseIdle)
	return c
}

// TestControl: everything that a test does in one process can be done from
// another.
func TestControl(t *testing.T) {
	t.Parallel()
	srv, ctl := serve(t, douyintest.Options{})
	c, ctx := client(t, srv), t.Context()
	if err := ctl.Health(ctx); err != nil {
		t.Fatal(err)
	}

	logins, err := ctl.Logins(ctx, app.ID, []string{"ann", "bob"}, false)
	if err != nil || len(logins) != 2 {
		t.Fatalf("%d logins, %v", len(logins), err)
	}
	s, err := c.ExchangeCode(ctx, app, douyin.Code(logins[0].Code), douyin.Code(logins[0].AnonymousCode))
	if err != nil || string(s.SessionKey) != logins[0].SessionKey || s.OpenID != logins[0].OpenID {
		t.Fatalf("exchange: %v", err)
	}
	turned, err := ctl.Rotate(ctx, app.ID, "ann")
	if now, err2 := ctl.User(ctx, app.ID, "ann"); err != nil || err2 != nil || turned.SessionKey == logins[0].SessionKey || now.SessionKey != turned.SessionKey {
		t.Errorf("the key does not rotate: %v, %v", err, err2)
	}
	anonymous, err := ctl.Logins(ctx, app.ID, []string{"cat"}, true)
	if err != nil || anonymous[0].Code != "" || anonymous[0].AnonymousCode == "" || anonymous[0].SessionKey != "" {
		t.Errorf("anonymous login: %+v, %v", anonymous, err)
	}

	other := douyin.App{ID: "ttother", Secret: "other-secret"}
	if err := ctl.AddApp(ctx, other); err != nil {
		t.Fatal(err)
	}
	tok, err := c.StableClientToken(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	strangers, err := ctl.Logins(ctx, other.ID, []string{"ann"}, false)
	if err != nil || strangers[0].OpenID == logins[0].OpenID || strangers[0].UnionID != logins[0].UnionID {
		t.Errorf("one person in two apps: %v", err)
	}
	n := douyin.Notification{AppID: other.ID, TemplateID: "MSG1", OpenID: strangers[0].OpenID, Data: map[string]string{"k": "v"}}
	if _, err := c.NotifyV2(ctx, tok.Token, n); douyin.KindOf(err) != douyin.KindNotSubscribed {
		t.Errorf("without consent: %v", err)
	}
	if err := ctl.Grant(ctx, douyintest.Grant{AppID: other.ID, OpenID: n.OpenID, Template: "MSG1", Credits: 1}); err != nil {
		t.Fatal(err)
	}
	if known, err := ctl.SetUserRefusal(ctx, other.ID, n.OpenID, 28001046); !known || err != nil {
		t.Fatal(known, err)
	}
	if _, err := c.NotifyV2(ctx, tok.Token, n); douyin.KindOf(err) != douyin.KindUser {
		t.Errorf("a refused user: %v", err)
	}

	checkLedger(ctx, t, ctl, logins)
}

func checkLedger(ctx context.Context, t *testing.T, ctl *douyintest.Control, logins []douyintest.Login) {
	t.Helper()
	sum, err := ctl.Summary(ctx)
	if err != nil || sum.Requests[douyin.EndpointCode2Session]["0"] != 1 || sum.Requests[douyin.EndpointNotifyV2]["28001046"] != 1 {
		t.Errorf("summary %+v, %v", sum, err)
	}
	if h, err := ctl.Code(ctx, logins[0].Code); err != nil || !h.Used || len(h.Asks) != 1 {
		t.Errorf("history %+v, %v", h, err)
	}
	if h, err := ctl.Code(ctx, "nobody's"); err == nil {
		t.Errorf("a code that was never issued has a history: %+v", h)
	}
	if h, err := ctl.Codes(ctx, 1); err != nil || len(h) != 2 {
		t.Errorf("%d codes were asked about, want ann's two: %v", len(h), err)
	}
	if f, err := ctl.TokenFetches(ctx); err != nil || len(f) != 1 || f[0].Kind != douyin.EndpointStableClientToken {
		t.Errorf("token fetches %+v, %v", f, err)
	}
	if m, err := ctl.Messages(ctx); err != nil || len(m) != 2 || m[0].ErrNo != 28014043 || m[1].Delivered {
		t.Errorf("messages %+v, %v", m, err)
	}
}

// TestACodeOfNobodysIsCounted: who asks about a code that was never issued, or
// once more about one that was refused, must show in the ledger.
func TestACodeOfNobodysIsCounted(t *testing.T) {
	t.Parallel()
	app := douyin.App{ID: "tt1", Secret: "secret"}
	p := douyintest.New(douyintest.Options{Apps: []douyin.App{app}})
	local := douyintest.NewLocal(p)
	defer local.Close() //nolint:errcheck // nothing is left to be lost
	c, err := douyin.NewClient(douyin.Config{AppsURL: "http://platform", OpenURL: "http://platform", Transport: local.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.ExchangeCode(t.Context(), app, "made-up", "made-up-too"); douyin.KindOf(err) != douyin.KindCode {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"made-up", "made-up-too"} {
		if h, ok := p.Code(text); !ok || len(h.Asks) != 3 || h.Used || !h.IssuedAt.IsZero() {
			t.Errorf("%s: history %+v, %v", text, h, ok)
		}
	}
	issued := p.Login(app.ID, "ann")
	if s := p.Summary(); s.Codes != 2 || s.CodesTwice != 2 {
		t.Errorf("summary %+v after %d codes were issued", s, len([]string{issued.Code, issued.AnonymousCode}))
	}
}

// TestRefuseOverTCP: while the platform is down nobody listens, and control
// still answers.
func TestRefuseOverTCP(t *testing.T) {
	t.Parallel()
	srv, ctl := serve(t, douyintest.Options{})
	c, ctx := client(t, srv), t.Context()
	exchange := func() error {
		_, err := c.ExchangeCode(ctx, app, "any", "")
		return err
	}
	await(t, func() bool { return douyin.KindOf(exchange()) == douyin.KindCode })
	if err := ctl.SetFaults(ctx, douyintest.Fault{Mode: douyintest.ModeRefuse}); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return douyin.KindOf(exchange()) == douyin.KindNotSent })
	if err := ctl.SetFaults(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return douyin.KindOf(exchange()) == douyin.KindCode })
	if err := ctl.SetFaults(ctx, douyintest.Fault{Mode: douyintest.ModeRefuse, Until: time.Now().Add(100 * time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return douyin.KindOf(exchange()) == douyin.KindCode })
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("did not come about in a minute")
		}
	}
}
