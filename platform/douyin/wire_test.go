package douyin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type seen struct {
	path, token, contentType, body string
}

// TestRequestsByteForByte: the platform's documents show these bodies.
func TestRequestsByteForByte(t *testing.T) {
	t.Parallel()
	var got seen
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method + " " + r.URL.Path, r.Header.Get("Access-Token"), r.Header.Get("Content-Type"), string(body)}
	}))
	defer srv.Close()
	c, err := NewClient(Config{AppsURL: srv.URL + "/", OpenURL: srv.URL, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	ctx, app := t.Context(), App{ID: "tt60d4", Secret: "sec<&>"}
	n := Notification{
		AppID: "tt60d4", TemplateID: "MSG13", OpenID: "_000S3u",
		Data: map[string]string{"快递派送": "SF1111111111", "b": "2", "a": "<1>"},
	}
	paged := n
	paged.Page = "pages/a?b=c&d"
	const json = "application/json"
	for _, row := range []struct {
		name string
		call func()
		want seen
	}{
		{
			"both codes", func() { _, _ = c.ExchangeCode(ctx, app, "c", "a") },
			seen{"POST /api/apps/v2/jscode2session", "", json, `{"appid":"tt60d4","secret":"sec<&>","code":"c","anonymous_code":"a"}`},
		},
		{
			"code alone", func() { _, _ = c.ExchangeCode(ctx, app, "c", "") },
			seen{"POST /api/apps/v2/jscode2session", "", json, `{"appid":"tt60d4","secret":"sec<&>","code":"c"}`},
		},
		{
			"access token", func() { _, _ = c.AccessToken(ctx, app) },
			seen{"POST /api/apps/v2/token", "", json, `{"appid":"tt60d4","secret":"sec<&>","grant_type":"client_credential"}`},
		},
		{
			"client token", func() { _, _ = c.ClientToken(ctx, app) },
			seen{"POST /oauth/client_token/", "", json, `{"client_key":"tt60d4","client_secret":"sec<&>","grant_type":"client_credential"}`},
		},
		{
			"stable client token", func() { _, _ = c.StableClientToken(ctx, app) },
			seen{"POST /oauth/stable_client_token/", "", json, `{"client_key":"tt60d4","client_secret":"sec<&>","grant_type":"client_credential"}`},
		},
		{
			"v1", func() { _, _ = c.NotifyV1(ctx, "0801", n) },
			seen{"POST /api/apps/subscribe_notification/developer/v1/notify", "", json, `{"access_token":"0801","app_id":"tt60d4","tpl_id":"MSG13","open_id":"_000S3u","data":{"a":"<1>","b":"2","快递派送":"SF1111111111"}}`},
		},
		{
			"v1 with a page", func() { _, _ = c.NotifyV1(ctx, "0801", paged) },
			seen{"POST /api/apps/subscribe_notification/developer/v1/notify", "", json, `{"access_token":"0801","app_id":"tt60d4","tpl_id":"MSG13","open_id":"_000S3u","data":{"a":"<1>","b":"2","快递派送":"SF1111111111"},"page":"pages/a?b=c&d"}`},
		},
		{
			"v2", func() { _, _ = c.NotifyV2(ctx, "clt.1", n) },
			seen{"POST /api/notification/v2/subscription/notify_user/", "clt.1", json, `{"msg_id":"MSG13","open_id":"_000S3u","data":{"a":"<1>","b":"2","快递派送":"SF1111111111"}}`},
		},
	} {
		got = seen{}
		if row.call(); got != row.want {
			t.Errorf("%s:\n got %+v\nwant %+v", row.name, got, row.want)
		}
	}
}

// TestNothingIsSentTwice (I3): a kept-alive connection that dies under a
// request whose bytes were written is an error, not a second request.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var requests, conns atomic.Int64
	var wg sync.WaitGroup
	defer wg.Wait()
	defer l.Close()
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			wg.Go(func() { serveOnce(conn, &requests) })
		}
	})
	c, err := NewClient(Config{AppsURL: "http://" + l.Addr().String(), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	for i := range 40 {
		_, err := c.ExchangeCode(t.Context(), App{}, "code", "")
		want := KindCode
		if i%2 == 1 {
			want = KindUnknown
		}
		if KindOf(err) != want {
			t.Fatalf("request %d: %v, want %v", i, err, want)
		}
		if n := requests.Load(); n != int64(i+1) {
			t.Fatalf("after %d calls the host has read %d requests", i+1, n)
		}
	}
	if conns.Load() != 20 {
		t.Errorf("%d connections for 40 requests, want each used twice", conns.Load())
	}
}

// serveOnce answers the first request of a connection, reads the second whole
// and hangs up.
func serveOnce(conn net.Conn, requests *atomic.Int64) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for i := range 2 {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		requests.Add(1)
		if i == 0 {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"err_no\":40018}")
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	c, err := NewClient(Config{OpenURL: srv.URL, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	_, err = c.NotifyV2(t.Context(), "token", Notification{})
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != 307 || e.Kind != KindUnknown || requests.Load() != 1 {
		t.Errorf("%v after %d requests, want one and its 307", err, requests.Load())
	}
}

// TestPoolIsBounded: no more requests are on the wire than MaxConns; one that
// waits too long for its turn was not sent.
func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		<-release
		now.Add(-1)
	}))
	defer srv.Close()
	c, err := NewClient(Config{AppsURL: srv.URL, MaxConns: 3, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	ctx, cancel := context.WithCancel(t.Context())
	kinds := make(chan Kind, 10)
	for range 10 {
		go func() {
			_, err := c.ExchangeCode(ctx, App{}, "code", "")
			kinds <- KindOf(err)
		}()
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for now.Load() < 3 {
		<-tick.C
	}
	cancel()
	count := map[Kind]int{}
	for range 10 {
		count[<-kinds]++
	}
	close(release)
	if most.Load() != 3 || count[KindNotSent] != 7 || count[KindUnknown] != 3 {
		t.Errorf("%d at once, %v; want 3, and 7 that were not sent", most.Load(), count)
	}
}

func TestNewClientRefusesAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"ftp://x", "x", "http://", "http://user:pass@x", "http://x?a=b", "http://x/%zz", "http://x#f"} {
		if _, err := NewClient(Config{AppsURL: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := NewClient(Config{}); err != nil {
		t.Errorf("without addresses: %v", err)
	}
}
