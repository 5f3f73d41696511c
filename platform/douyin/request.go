package douyin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// request is one call; secrets are the values that no error may repeat.
type request struct {
	endpoint Endpoint
	token    Token
	body     any
	secrets  []string
}

// header is shared by all requests without a token: net/http does not write to
// a request's header.
var header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"doustream"}}

// do sends req once, reads the answer and decodes its data into payload, unless
// that is nil.
func (c *Client) do(ctx context.Context, req request, payload any) (answer, error) {
	start := c.now()
	ans, err := c.exchange(ctx, req, payload)
	c.metrics.observe(req.endpoint, err, c.now().Sub(start))
	return ans, err
}

func (c *Client) exchange(ctx context.Context, req request, payload any) (answer, error) {
	body, err := json.Marshal(req.body, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return answer{}, &Error{Endpoint: req.endpoint, Kind: KindNotSent, Err: errEncode}
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > c.timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	if err := ctx.Err(); err != nil {
		return answer{}, transportError(req.endpoint, 0, false, err)
	}
	var tr trace
	resp, err := c.transport.RoundTrip(c.newRequest(httptrace.WithClientTrace(ctx, tr.hooks()), req, body))
	if err != nil {
		return answer{}, transportError(req.endpoint, 0, tr.wrote.Load() || !c.traced, err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is left to be lost
	raw, err := readAnswer(resp)
	if err != nil {
		return answer{}, transportError(req.endpoint, resp.StatusCode, true, err)
	}
	ans := answer{endpoint: req.endpoint, status: resp.StatusCode, secrets: req.secrets}
	return ans, ans.decode(raw, resp.Header.Get("X-Tt-Logid"), payload)
}

// newRequest sets GetBody, which has net/http send again by itself only what it
// wrote no byte of: a POST without an Idempotency-Key counts as not replayable.
func (c *Client) newRequest(ctx context.Context, req request, body []byte) *http.Request {
	h := header
	if req.token != "" {
		h = header.Clone()
		h["Access-Token"] = []string{string(req.token)}
	}
	get := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	first, _ := get()
	r := &http.Request{
		Method: http.MethodPost, URL: c.urls[req.endpoint], Host: c.urls[req.endpoint].Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: first, GetBody: get, ContentLength: int64(len(body)),
	}
	return r.WithContext(ctx)
}

// maxAnswer is many times the largest answer that the platform documents.
const maxAnswer = 64 << 10

func readAnswer(resp *http.Response) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxAnswer {
		return nil, fmt.Errorf("%w: more than %d bytes", errNoAnswer, maxAnswer)
	}
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	return raw, nil
}

// trace watches one request for its first byte on the wire. Its hook functions
// run on net/http's goroutines.
type trace struct{ wrote atomic.Bool }

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// A second GetConn means that net/http wrote no byte to the first
		// connection, whatever it had buffered.
		GetConn:      func(string) { t.wrote.Store(false) },
		WroteHeaders: func() { t.wrote.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { t.wrote.Store(true) },
	}
}
