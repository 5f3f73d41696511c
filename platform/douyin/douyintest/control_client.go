package douyintest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"doustream/platform/douyin"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// durations writes a time.Duration as its count of nanoseconds.
var durations = json.JoinOptions(
	json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
		return enc.WriteToken(jsontext.Int(int64(d)))
	})),
	json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, d *time.Duration) error {
		tok, err := dec.ReadToken()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(tok.String(), 10, 64)
		*d = time.Duration(n)
		return err
	})),
)

// Control drives a Platform in another process, by its control API. Its
// methods are Platform's. Safe for concurrent use.
type Control struct {
	base string
	http *http.Client
}

// NewControl addresses the platform at base, for instance
// http://127.0.0.1:8090.
func NewControl(base string) *Control {
	return &Control{base: strings.TrimSuffix(base, "/"), http: &http.Client{Timeout: 30 * time.Second}}
}

// Health reports that the platform answers.
func (c *Control) Health(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "health", nil, new(string))
}

// AddApp makes an app known, or gives it another secret.
func (c *Control) AddApp(ctx context.Context, a douyin.App) error {
	return c.call(ctx, http.MethodPost, "apps", appRequest{AppID: a.ID, Secret: string(a.Secret)}, nil)
}

// Logins is tt.login by each user; up to some 100,000 at once.
func (c *Control) Logins(ctx context.Context, appID string, users []string, anonymous bool) ([]Login, error) {
	var logins []Login
	err := c.call(ctx, http.MethodPost, "logins", loginsRequest{AppID: appID, Users: users, Anonymous: anonymous}, &logins)
	return logins, err
}

// User tells who a user is, and the current key.
func (c *Control) User(ctx context.Context, appID, user string) (l Login, err error) {
	err = c.call(ctx, http.MethodPost, "user", userRequest{AppID: appID, User: user}, &l)
	return l, err
}

// Rotate changes a user's session key.
func (c *Control) Rotate(ctx context.Context, appID, user string) (l Login, err error) {
	err = c.call(ctx, http.MethodPost, "rotate", userRequest{AppID: appID, User: user}, &l)
	return l, err
}

// SetFaults replaces all faults.
func (c *Control) SetFaults(ctx context.Context, faults ...Fault) error {
	return c.call(ctx, http.MethodPut, "faults", append([]Fault{}, faults...), nil)
}

// SetLatency sets the latency of an endpoint, or of all.
func (c *Control) SetLatency(ctx context.Context, e douyin.Endpoint, l Latency) error {
	return c.call(ctx, http.MethodPut, "latency", latencyRequest{Endpoint: e, Latency: l}, nil)
}

// Grant gives or takes consent.
func (c *Control) Grant(ctx context.Context, grants ...Grant) error {
	return c.call(ctx, http.MethodPost, "grants", append([]Grant{}, grants...), nil)
}

// SetUserRefusal has every message to a user refused; 0 ends it.
func (c *Control) SetUserRefusal(ctx context.Context, appID, openID string, errNo int64) (known bool, err error) {
	err = c.call(ctx, http.MethodPost, "refusals", refusalRequest{AppID: appID, OpenID: openID, ErrNo: errNo}, &known)
	return known, err
}

// Summary answers the counts so far.
func (c *Control) Summary(ctx context.Context) (s Summary, err error) {
	err = c.call(ctx, http.MethodGet, "ledger", nil, &s)
	return s, err
}

// Code tells what was asked with one code.
func (c *Control) Code(ctx context.Context, code string) (h CodeHistory, err error) {
	err = c.call(ctx, http.MethodGet, "ledger/code/"+url.PathEscape(code), nil, &h)
	return h, err
}

// Codes tells of every code that was asked about at least least times.
func (c *Control) Codes(ctx context.Context, least int) (h []CodeHistory, err error) {
	err = c.call(ctx, http.MethodGet, "ledger/codes?least="+strconv.Itoa(least), nil, &h)
	return h, err
}

// TokenFetches lists the requests for tokens, oldest first.
func (c *Control) TokenFetches(ctx context.Context) (f []TokenFetch, err error) {
	err = c.call(ctx, http.MethodGet, "ledger/tokens", nil, &f)
	return f, err
}

// Messages lists the requests to send, oldest first.
func (c *Control) Messages(ctx context.Context) (m []Message, err error) {
	err = c.call(ctx, http.MethodGet, "ledger/messages", nil, &m)
	return m, err
}

func (c *Control) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in, durations); err != nil {
			return fmt.Errorf("encode %s: %w", path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/_sim/"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask simulator for %s: %w", path, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask simulator for %s: %w", path, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		return fmt.Errorf("ask simulator for %s: status %d: %s", path, resp.StatusCode, bytes.TrimSpace(text))
	}
	if out == nil {
		out = new(jsontext.Value)
	}
	if err := json.UnmarshalRead(resp.Body, out, durations); err != nil {
		return fmt.Errorf("read simulator's %s: %w", path, err)
	}
	return nil
}
