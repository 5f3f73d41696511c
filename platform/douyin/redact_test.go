package douyin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// TestSecretsPrintRedacted (I8): by no verb, encoder or handler.
func TestSecretsPrintRedacted(t *testing.T) {
	t.Parallel()
	const raw = "5ecr3t"
	for _, v := range []any{
		Code(raw), SessionKey(raw), Secret(raw), Token(raw),
		PhoneNumber{PhoneNumber: raw, PurePhoneNumber: raw, CountryCode: raw},
		App{ID: "tt", Secret: raw},
		&App{Secret: raw},
		Session{SessionKey: raw},
		Issued{Token: raw},
		[]Code{raw},
		map[string]Token{"k": raw},
		struct{ P *PhoneNumber }{&PhoneNumber{PhoneNumber: raw}},
	} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		if b, err := jsonv2.Marshal(v); err == nil {
			out.Write(b)
		}
		if hex := fmt.Sprintf("%x", raw); strings.Contains(out.String(), raw) || strings.Contains(strings.ToLower(out.String()), hex) {
			t.Errorf("%T shows itself:\n%s", v, out.String())
		}
	}
}

// TestErrorsHoldNoSecrets (I8): a host that repeats the whole request in
// whatever it can answer is not quoted.
func TestErrorsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	const code, secret, token, text, openID = "1ujmWYVW0mlU4-code", "app-secret-value", "clt.0123token", "SF1111111111", "_000S3uAzN_xZb"
	echoes := map[string]func(w http.ResponseWriter, body, tok string){
		"in the message": func(w http.ResponseWriter, body, tok string) {
			_ = json.NewEncoder(w).Encode(map[string]any{"err_no": 28001007, "err_tips": "bad: " + body + tok, "log_id": "id" + tok})
		},
		"in the description": func(w http.ResponseWriter, body, tok string) {
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"error_code": 9, "description": body + tok}})
		},
		"as the answer": func(w http.ResponseWriter, body, tok string) { _, _ = io.WriteString(w, "<html>"+body+tok) },
		"as the status line": func(w http.ResponseWriter, body, tok string) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 "+tok+body+"\r\n\r\n")
				_ = conn.Close()
			}
		},
		"as a redirect": func(w http.ResponseWriter, body, tok string) {
			w.Header().Set("Location", "/?"+tok+code+secret)
			w.WriteHeader(http.StatusFound)
		},
	}
	for name, echo := range echoes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				echo(w, string(body), r.Header.Get("Access-Token"))
			}))
			defer srv.Close()
			c, err := NewClient(Config{AppsURL: srv.URL, OpenURL: srv.URL, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseIdle()
			app := App{ID: "tt60d4", Secret: secret}
			n := Notification{AppID: app.ID, TemplateID: "MSG", OpenID: openID, Data: map[string]string{"k": text}}
			var errs []error
			_, err = c.ExchangeCode(t.Context(), app, code, code+"-zzz")
			errs = append(errs, err)
			_, err = c.StableClientToken(t.Context(), app)
			errs = append(errs, err)
			_, err = c.NotifyV1(t.Context(), token, n)
			errs = append(errs, err)
			_, err = c.NotifyV2(t.Context(), token, n)
			errs = append(errs, err)
			for _, err := range errs {
				shown := fmt.Sprintf("%v %+v %#v", err, err, err)
				for e := err; e != nil; e = errors.Unwrap(e) {
					shown += fmt.Sprintf(" %v %#v", e, e)
				}
				for _, s := range []string{code, secret, token, text, openID, "zzz"} {
					if err == nil || strings.Contains(shown, s) {
						t.Fatalf("the error shows %q: %s", s, shown)
					}
				}
			}
		})
	}
}

func TestCleanMessage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, in, want string }{
		{"words", "bad code", "bad code"},
		{"line breaks", "bad\ncode\r\n\x00x", "bad code x"},
		{"a value of the request", "code 1ujm-code is used", "code <redacted> is used"},
		{"a token cut short", "code " + strings.Repeat("aB3", 10) + " is used", "code <redacted> is used"},
		{"chinese", "参数错误", "参数错误"},
		{"too long", strings.Repeat("é ", 200), strings.TrimSpace(strings.Repeat("é ", 66)) + " é"[:1]},
	} {
		got := cleanMessage(row.in, []string{"1ujm-code", "", "x"})
		if row.name == "too long" {
			if len(got) > maxMessage || !strings.HasPrefix(row.in, got) {
				t.Errorf("%s: %d bytes: %q", row.name, len(got), got)
			}
		} else if got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
