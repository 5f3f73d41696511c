package douyintest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"doustream/platform/douyin"

	"github.com/go-json-experiment/json"
)

var paths = map[string]douyin.Endpoint{
	douyin.PathCode2Session:      douyin.EndpointCode2Session,
	douyin.PathAccessToken:       douyin.EndpointAccessToken,
	douyin.PathClientToken:       douyin.EndpointClientToken,
	douyin.PathStableClientToken: douyin.EndpointStableClientToken,
	douyin.PathNotifyV1:          douyin.EndpointNotifyV1,
	douyin.PathNotifyV2:          douyin.EndpointNotifyV2,
}

// call is one request: the fields of every endpoint's body in one.
type call struct {
	endpoint douyin.Endpoint
	header   string // access-token
	logID    string
	now      time.Time
	readable bool

	AppID         string            `json:"appid"`
	Secret        string            `json:"secret"`
	Code          string            `json:"code"`
	AnonymousCode string            `json:"anonymous_code"`
	GrantType     string            `json:"grant_type"`
	ClientKey     string            `json:"client_key"`
	ClientSecret  string            `json:"client_secret"`
	AccessToken   string            `json:"access_token"`
	App           string            `json:"app_id"`
	Template      string            `json:"tpl_id"`
	Message       string            `json:"msg_id"`
	OpenID        string            `json:"open_id"`
	Data          map[string]string `json:"data"`
	Page          string            `json:"page"`
}

const page = "<!DOCTYPE html><html><head><title>Bad day</title></head><body>Please try again later</body></html>"

// ServeHTTP answers both hosts, and the control API under /_sim/.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoint, ok := paths[r.URL.Path]
	if !ok && strings.HasPrefix(r.URL.Path, "/_sim/") {
		p.control.ServeHTTP(w, r)
		return
	}
	if !ok || r.Method != http.MethodPost {
		writePage(w, http.StatusNotFound)
		return
	}
	c := &call{endpoint: endpoint, header: r.Header.Get("Access-Token")}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	c.readable = err == nil && json.Unmarshal(body, c) == nil

	ans, fault, delay := p.answer(c)
	if delay > 0 && p.opts.Wait(r.Context(), delay) != nil {
		return
	}
	if fault == nil {
		write(w, ans)
		return
	}
	p.spoil(w, r, *fault, ans)
}

// answer gives the request its effect, unless a fault strikes before, and
// enters it in the ledger.
func (p *Platform) answer(c *call) (ans []byte, struck *Fault, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.now = p.opts.Now()
	p.serial++
	c.logID = c.now.UTC().Format("20060102150405") + fmt.Sprintf("%018X", p.serial)
	if f := p.strike(c); f != nil {
		copied := *f
		copied.ErrNo = f.errNo(c.endpoint)
		struck = &copied
	}
	delay = p.delay(c.endpoint)
	return p.apply(c, struck), struck, delay
}

// apply dispatches by endpoint. A fault that strikes before the effect reaches
// the ledger and nothing else.
func (p *Platform) apply(c *call, f *Fault) []byte {
	var ans []byte
	switch c.endpoint {
	case douyin.EndpointCode2Session:
		ans = p.exchange(c, f)
	case douyin.EndpointNotifyV1, douyin.EndpointNotifyV2:
		ans = p.notify(c, f)
	default:
		ans = p.token(c, f)
	}
	return ans
}

// appID names the app as far as the body does; v2 notify tells it by the token.
func (c *call) appID() string {
	switch {
	case c.AppID != "":
		return c.AppID
	case c.ClientKey != "":
		return c.ClientKey
	default:
		return c.App
	}
}

// outcome counts a request and splits the fault for the ledger's entry.
func (p *Platform) outcome(c *call, f *Fault, no int64) (mode Mode, after bool) {
	if f == nil {
		p.ledger.count(c.endpoint, strconv.FormatInt(no, 10))
		return "", false
	}
	p.ledger.count(c.endpoint, string(f.Mode))
	return f.Mode, f.After
}

// spoil is the answer under a fault.
func (p *Platform) spoil(w http.ResponseWriter, r *http.Request, f Fault, ans []byte) {
	switch f.Mode {
	case ModeErrNo, ModeThrottle:
		write(w, ans)
	case ModeHang:
		p.hang(r)
		drop(w)
	case ModeHTML:
		writePage(w, http.StatusOK)
	case ModeStatus:
		status := f.Status
		if status == 0 {
			status = http.StatusServiceUnavailable
		}
		writePage(w, status)
	case ModeCut:
		w.Header().Set("Content-Length", strconv.Itoa(len(ans)))
		_, _ = w.Write(ans[:len(ans)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		drop(w)
	}
}

// hang waits until the client has gone or the faults change.
func (p *Platform) hang(r *http.Request) {
	p.mu.Lock()
	changed := p.changed
	p.mu.Unlock()
	select {
	case <-r.Context().Done():
	case <-changed:
	}
}

// drop resets the connection instead of an answer.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func write(w http.ResponseWriter, ans []byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(ans))}
	_, _ = w.Write(ans)
}

func writePage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader([]byte(page)))
}
