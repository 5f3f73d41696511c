package douyin

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The platform's hosts in production.
const (
	ProductionAppsURL = "https://developer.toutiao.com"
	ProductionOpenURL = "https://open.douyin.com"
)

// Config says how to reach the platform.
type Config struct {
	// AppsURL is the host of code exchange, access tokens and v1 notify;
	// default ProductionAppsURL.
	AppsURL string
	// OpenURL is the host of client tokens and v2 notify; default
	// ProductionOpenURL.
	OpenURL string
	// MaxConns bounds the connections to each host, and so the requests that
	// are on the wire at once; more wait for a free one, within Timeout.
	// Set it to the in-flight limit. Default 1024.
	MaxConns int
	// Timeout bounds one request, from the wait for a connection to the last
	// byte of the answer. Default 5s. A context that ends sooner wins.
	Timeout time.Duration
	// Transport replaces the connection pool, for tests. One that is not an
	// *http.Transport does not say when a request's bytes are written, so that
	// its errors count as sent.
	Transport http.RoundTripper
	// Metrics is where request counts and durations go; nil: nowhere.
	Metrics prometheus.Registerer
	// Now is the clock of the metrics; default time.Now.
	Now func() time.Time
}

// Client calls the open platform. It is safe for concurrent use. Every call
// sends one HTTP request at most: nothing is retried, hedged or redirected, for
// a repeated exchange burns a code and a repeated notification reaches the user
// twice. Every error is an *Error.
type Client struct {
	transport http.RoundTripper
	traced    bool // transport reports what it writes
	timeout   time.Duration
	now       func() time.Time
	metrics   *metrics
	urls      map[Endpoint]*url.URL
}

// NewClient checks the addresses. It connects to nothing.
func NewClient(cfg Config) (*Client, error) {
	apps, err := parseBase(cmp.Or(cfg.AppsURL, ProductionAppsURL))
	if err != nil {
		return nil, fmt.Errorf("read apps address: %w", err)
	}
	open, err := parseBase(cmp.Or(cfg.OpenURL, ProductionOpenURL))
	if err != nil {
		return nil, fmt.Errorf("read open address: %w", err)
	}
	c := &Client{
		transport: cfg.Transport,
		timeout:   cmp.Or(cfg.Timeout, 5*time.Second),
		now:       cfg.Now,
		metrics:   newMetrics(cfg.Metrics),
		urls: map[Endpoint]*url.URL{
			EndpointCode2Session:      apps.JoinPath(PathCode2Session),
			EndpointAccessToken:       apps.JoinPath(PathAccessToken),
			EndpointNotifyV1:          apps.JoinPath(PathNotifyV1),
			EndpointClientToken:       open.JoinPath(PathClientToken),
			EndpointStableClientToken: open.JoinPath(PathStableClientToken),
			EndpointNotifyV2:          open.JoinPath(PathNotifyV2),
		},
	}
	if c.transport == nil {
		c.transport = newTransport(cmp.Or(cfg.MaxConns, 1024))
	}
	_, c.traced = c.transport.(*http.Transport)
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// CloseIdle closes the connections that carry no request.
func (c *Client) CloseIdle() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("not a URL") // url.Parse's error repeats its input
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("not an http or https URL with a host")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("a URL with user, query or fragment")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" // JoinPath keeps an absolute path absolute
	return u, nil
}

// newTransport makes a pool of HTTP/1.1 connections. HTTP/2 stays off: its
// transport sends a request again by itself when the server refuses a stream.
func newTransport(conns int) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    3 * time.Second,
		MaxConnsPerHost:        conns,
		MaxIdleConnsPerHost:    conns,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ReadBufferSize:         2 << 10, // an answer, headers and all, is less; there may be thousands of connections
		WriteBufferSize:        2 << 10,
		DisableCompression:     true, // answers are small, and a bound on inflated bytes is one thing less
		Protocols:              protocols,
	}
}
