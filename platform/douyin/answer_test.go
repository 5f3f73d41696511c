package douyin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answering is a client of a host that says the same to everything.
func answering(tb testing.TB, status int, body string) *Client {
	tb.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Tt-Logid", "header-log-id")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	tb.Cleanup(srv.Close)
	c, err := NewClient(Config{AppsURL: srv.URL, OpenURL: srv.URL, Timeout: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.CloseIdle)
	return c
}

const goodKey = "AAECAwQFBgcICQoLDA0ODw=="

func TestAnswers(t *testing.T) {
	t.Parallel()
	code := func(c *Client) error { _, err := c.ExchangeCode(context.Background(), App{}, "code", ""); return err }
	anonymous := func(c *Client) error { _, err := c.ExchangeCode(context.Background(), App{}, "", "code"); return err }
	access := func(c *Client) error { _, err := c.AccessToken(context.Background(), App{}); return err }
	client := func(c *Client) error { _, err := c.ClientToken(context.Background(), App{}); return err }
	v1 := func(c *Client) error { _, err := c.NotifyV1(context.Background(), "t", Notification{}); return err }
	v2 := func(c *Client) error { _, err := c.NotifyV2(context.Background(), "t", Notification{}); return err }
	session := `"data":{"session_key":"` + goodKey + `","openid":"o","anonymous_openid":"","unionid":""}`
	rows := []struct {
		name   string
		call   func(*Client) error
		status int
		body   string
		ok     bool
		kind   Kind
		no     int64
		logID  string
	}{
		{"session", code, 200, `{"err_no":0,"err_tips":"success",` + session + `}`, true, 0, 0, ""},
		{"number as a string", code, 200, `{"err_no":"0",` + session + `}`, true, 0, 0, ""},
		{"number with a fraction of zero", code, 200, `{"err_no":0.0,` + session + `}`, true, 0, 0, ""},
		{"unknown fields", code, 200, `{"x":[{}],"err_no":0,` + session + `}`, true, 0, 0, ""},
		{"a field of another type before the others", code, 200, `{"err_no":0,"data":{"unionid":7,"anonymous_openid":{},"session_key":"` + goodKey + `","openid":"o"}}`, true, 0, 0, ""},
		{"no code at all", code, 200, `{` + session + `}`, false, KindUnknown, 0, "header-log-id"},
		{"code of null", code, 200, `{"err_no":null,` + session + `}`, false, KindUnknown, 0, "header-log-id"},
		{"code that is a word", code, 200, `{"err_no":"none",` + session + `}`, false, KindUnknown, 0, "header-log-id"},
		{"success without data", code, 200, `{"err_no":0}`, false, KindUnknown, 0, "header-log-id"},
		{"success with null", code, 200, `{"err_no":0,"data":null}`, false, KindUnknown, 0, "header-log-id"},
		{"success with empty fields", code, 200, `{"err_no":0,"data":{"session_key":"","openid":""}}`, false, KindUnknown, 0, "header-log-id"},
		{"key of another size", code, 200, `{"err_no":0,"data":{"session_key":"QUJD","openid":"o"}}`, false, KindUnknown, 0, "header-log-id"},
		{"key that is a number", code, 200, `{"err_no":0,"data":{"session_key":7,"openid":"o"}}`, false, KindUnknown, 0, "header-log-id"},
		{"no openid", code, 200, `{"err_no":0,"data":{"session_key":"` + goodKey + `"}}`, false, KindUnknown, 0, "header-log-id"},
		{"anonymous", anonymous, 200, `{"err_no":0,"data":{"anonymous_openid":"a"}}`, true, 0, 0, ""},
		{"anonymous without its id", anonymous, 200, `{"err_no":0,` + session + `}`, false, KindUnknown, 0, "header-log-id"},
		{"refusal with data", code, 200, `{"err_no":40018,"err_tips":"bad code","log_id":"abc",` + session + `}`, false, KindCode, 40018, "abc"},
		{"anonymous code refused", code, 200, `{"err_no":40019}`, false, KindCode, 40019, "header-log-id"},
		{"system error", code, 200, `{"err_no":-1,"log_id":"abc"}`, false, KindUnknown, -1, "abc"},
		{"unlisted refusal of a code", code, 200, `{"err_no":49999}`, false, KindBadRequest, 49999, "header-log-id"},
		{"old envelope", code, 200, `{"error":2,"errcode":40018,"errmsg":"bad code","message":"bad code"}`, false, KindCode, 40018, "header-log-id"},
		{"not a sandbox app", code, 200, `{"data":"app is not sandboxApp","error":2}`, false, KindConfig, 2, "header-log-id"},
		{"5xx with a refusal", code, 500, `{"err_no":40018}`, false, KindUnknown, 40018, "header-log-id"},
		{"5xx with success", code, 502, `{"err_no":0,` + session + `}`, false, KindUnknown, 0, "header-log-id"},
		{"4xx with a refusal", code, 400, `{"err_no":40018}`, false, KindCode, 40018, "header-log-id"},
		{"4xx with success", code, 404, `{"err_no":0,` + session + `}`, false, KindUnknown, 0, "header-log-id"},
		{"html", code, 200, "<html>" + strings.Repeat("x", 2000), false, KindUnknown, 0, "header-log-id"},
		{"empty", code, 200, "", false, KindUnknown, 0, "header-log-id"},
		{"null", code, 200, "null", false, KindUnknown, 0, "header-log-id"},
		{"an array", code, 200, `[{"err_no":0}]`, false, KindUnknown, 0, "header-log-id"},
		{"deep nesting", code, 200, strings.Repeat(`{"data":`, 5000) + "1" + strings.Repeat("}", 5000), false, KindUnknown, 0, "header-log-id"},
		{"two answers in a row", code, 200, `{"err_no":0,` + session + `}{"err_no":0}`, false, KindUnknown, 0, "header-log-id"},
		{"endless", code, 200, `{"err_no":0,` + session + `,"x":"` + strings.Repeat("x", maxAnswer) + `"}`, false, KindUnknown, 0, ""},
		{"token", access, 200, `{"err_no":0,"data":{"access_token":"t","expires_in":7200}}`, true, 0, 0, ""},
		{"token with expires_in as a string", access, 200, `{"err_no":0,"data":{"access_token":"t","expires_in":"7200"}}`, true, 0, 0, ""},
		{"token without expires_in", access, 200, `{"err_no":0,"data":{"access_token":"t"}}`, false, KindUnknown, 0, "header-log-id"},
		{"token that lives no time", access, 200, `{"err_no":0,"data":{"access_token":"t","expires_in":-1}}`, false, KindUnknown, 0, "header-log-id"},
		{"empty token", access, 200, `{"err_no":0,"data":{"access_token":"","expires_in":7200}}`, false, KindUnknown, 0, "header-log-id"},
		{"unlisted refusal of a token", access, 200, `{"err_no":49999}`, false, KindRetry, 49999, "header-log-id"},
		{"client token", client, 200, `{"data":{"access_token":"clt.x","expires_in":7200,"error_code":0},"message":"success"}`, true, 0, 0, ""},
		{"client token with a refusal inside success", client, 200, `{"err_no":0,"data":{"access_token":"","error_code":10013,"description":"secret"},"message":"error","log_id":"abc"}`, false, KindConfig, 10013, "abc"},
		{"refusal in extra", client, 200, `{"data":{},"extra":{"error_code":10020,"logid":"in-extra"}}`, false, KindThrottled, 10020, "in-extra"},
		{"v1 message", v1, 200, `{"err_no":0,"err_tips":""}`, true, 0, 0, ""},
		{"v1 maybe sent", v1, 200, `{"err_no":2000}`, false, KindUnknown, 2000, "header-log-id"},
		{"v1 old refusal of a token", v1, 200, `{"err_no":2190008}`, false, KindToken, 2190008, "header-log-id"},
		{"v1 number of another endpoint", v1, 200, `{"err_no":40018}`, false, KindUnknown, 40018, "header-log-id"},
		{"v2 message", v2, 200, `{"err_no":0,"err_msg":"success","log_id":"x"}`, true, 0, 0, ""},
		{"v2 maybe sent", v2, 200, `{"err_no":28001005}`, false, KindUnknown, 28001005, "header-log-id"},
		{"v2 no consent", v2, 200, `{"err_no":28014043}`, false, KindNotSubscribed, 28014043, "header-log-id"},
		{"v2 empty object", v2, 200, `{}`, false, KindUnknown, 0, "header-log-id"},
		{"log id of foreign characters", v2, 200, `{"err_no":28014043,"log_id":"a\u0000b <c>"}`, false, KindNotSubscribed, 28014043, "abc"},
		{"log id that is a number", v2, 200, `{"err_no":28014043,"log_id":7}`, false, KindNotSubscribed, 28014043, "header-log-id"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			err := row.call(answering(t, row.status, row.body))
			if row.ok {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("error %v (%T), want *Error", err, err)
			}
			if e.Kind != row.kind || e.No != row.no || e.LogID != row.logID || e.Status != row.status || !e.Sent() {
				t.Errorf("kind %v, number %d, log id %q, status %d, sent %v; want %v, %d, %q, %d, true",
					e.Kind, e.No, e.LogID, e.Status, e.Sent(), row.kind, row.no, row.logID, row.status)
			}
		})
	}
}

func TestTokenLifeIsBounded(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"7200":                  2 * time.Hour,
		`" 7200 "`:              2 * time.Hour,
		"7.2e3":                 2 * time.Hour,
		"9000000000000000000":   maxTokenLife,
		`"9000000000000000000"`: maxTokenLife,
	} {
		got, err := answering(t, 200, `{"err_no":0,"data":{"access_token":"t","expires_in":`+in+`}}`).AccessToken(t.Context(), App{})
		if err != nil || got.ExpiresIn != want {
			t.Errorf("expires_in %s: %v, %v; want %v", in, got.ExpiresIn, err, want)
		}
	}
}

func TestKindsOfErrorNumbers(t *testing.T) {
	t.Parallel()
	for no, want := range map[int64]Kind{
		28001003: KindToken, 28001008: KindToken, 40002: KindToken, 2190002: KindToken, 2190008: KindToken, 10008: KindToken,
		28003018: KindThrottled, 28001052: KindThrottled, 28006003: KindThrottled, 28003017: KindQuota,
		28001007: KindBadRequest, 28001015: KindBadRequest, 28001017: KindBadRequest,
		28001012: KindConfig, 28001014: KindConfig, 28001016: KindConfig, 28001018: KindConfig, 28001019: KindConfig, 28001042: KindConfig, 28001056: KindConfig,
		28001045: KindUser, 28001046: KindUser, 28001047: KindUser,
		28014043: KindNotSubscribed, 28014036: KindNotSubscribed, 28014041: KindNotSubscribed,
		28001005: KindUnknown, 28001006: KindUnknown, 99999999: KindUnknown,
	} {
		if got := kindOf(EndpointNotifyV2, no); got != want {
			t.Errorf("v2 %d is %v, want %v", no, got, want)
		}
	}
	for no, want := range map[int64]Kind{
		1000: KindBadRequest, 1001: KindBadRequest, 1008: KindContent, 1009: KindConfig, 1010: KindThrottled,
		2000: KindUnknown, 28006003: KindThrottled, 28014043: KindNotSubscribed,
	} {
		if got := kindOf(EndpointNotifyV1, no); got != want {
			t.Errorf("v1 %d is %v, want %v", no, got, want)
		}
	}
	for _, e := range []Endpoint{EndpointClientToken, EndpointStableClientToken} {
		for no, want := range map[int64]Kind{10003: KindConfig, 10013: KindConfig, 10020: KindThrottled} {
			if got := kindOf(e, no); got != want {
				t.Errorf("%s %d is %v, want %v", e, no, got, want)
			}
		}
	}
	if got := kindOf(EndpointNotifyV1, 40018); got == kindOf(EndpointCode2Session, 40018) {
		t.Errorf("40018 means %v on both endpoints", got)
	}
}

func TestUnlisted(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		err  Error
		want bool
	}{
		{"a number of no table", Error{Endpoint: EndpointNotifyV2, Status: 200, Present: true, No: 28999999}, true},
		{"a number of another endpoint's table", Error{Endpoint: EndpointNotifyV2, Status: 200, Present: true, No: 40018}, true},
		{"an internal error that is listed", Error{Endpoint: EndpointNotifyV1, Status: 200, Present: true, No: 2000}, false},
		{"a number of every endpoint's", Error{Endpoint: EndpointNotifyV1, Status: 200, Present: true, No: 28001005}, false},
		{"a number with a 5xx", Error{Endpoint: EndpointNotifyV2, Status: 502, Present: true, No: 28999999}, false},
		{"no answer", Error{Endpoint: EndpointNotifyV2}, false},
	} {
		if got := row.err.Unlisted(); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"err_no":0,"data":{"session_key":"`+goodKey+`","openid":"o"}}`), "id")
	f.Add(200, []byte(`{"data":{"error_code":"10013","description":1},"extra":{"logid":"x"},"message":null}`), "")
	f.Add(503, []byte("<html>"), "\x00")
	f.Fuzz(func(t *testing.T, status int, body []byte, logID string) {
		for _, e := range Endpoints() {
			secret := "s3cr3t-value"
			a := answer{endpoint: e, status: status, secrets: []string{secret}}
			var p code2sessionPayload
			err := a.decode(append(body, secret...), logID, &p)
			if err == nil {
				if !a.present || a.no != 0 || status < 200 || status > 299 {
					t.Fatalf("success without its number: %+v", a)
				}
				continue
			}
			fail, ok := errors.AsType[*Error](err)
			if !ok || len(fail.Message) > maxMessage || len(fail.LogID) > maxLogID || strings.Contains(fail.Error(), secret) {
				t.Fatalf("%#v", err)
			}
		}
	})
}
