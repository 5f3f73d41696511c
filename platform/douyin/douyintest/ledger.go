package douyintest

import (
	"maps"
	"slices"
	"time"

	"doustream/platform/douyin"
)

// Ask is one request that named a code.
type Ask struct {
	At    time.Time `json:"at"`
	ErrNo int64     `json:"err_no"`
	Fault Mode      `json:"fault,omitempty"` // what became of the answer; empty: it was given
	After bool      `json:"after,omitempty"` // the fault struck behind the effect
	LogID string    `json:"log_id"`
}

// CodeHistory is everything that was asked with one code.
type CodeHistory struct {
	Code      string    `json:"code"`
	AppID     string    `json:"app_id"`
	User      string    `json:"user"`
	Anonymous bool      `json:"anonymous,omitempty"`
	IssuedAt  time.Time `json:"issued_at"` // zero: never; somebody made the code up
	Used      bool      `json:"used"`
	Asks      []Ask     `json:"asks"`
	// SessionKey is the one that the exchange gives; empty for an anonymous code.
	SessionKey string `json:"session_key,omitempty"`
}

// TokenFetch is one request for a token.
type TokenFetch struct {
	At    time.Time       `json:"at"`
	AppID string          `json:"app_id"`
	Kind  douyin.Endpoint `json:"kind"`
	Token string          `json:"token,omitempty"` // its serial number, not the token
	ErrNo int64           `json:"err_no"`
	Fault Mode            `json:"fault,omitempty"`
	After bool            `json:"after,omitempty"`
	LogID string          `json:"log_id"`
}

// Message is one request to send a notification.
type Message struct {
	At         time.Time         `json:"at"`
	Endpoint   douyin.Endpoint   `json:"endpoint"`
	AppID      string            `json:"app_id"`
	OpenID     string            `json:"open_id"`
	TemplateID string            `json:"template_id"`
	Data       map[string]string `json:"data"`
	Page       string            `json:"page,omitempty"`
	Token      string            `json:"token,omitempty"` // its serial number
	ErrNo      int64             `json:"err_no"`
	Delivered  bool              `json:"delivered"` // the user has it, whether or not the sender was told
	Fault      Mode              `json:"fault,omitempty"`
	After      bool              `json:"after,omitempty"`
	LogID      string            `json:"log_id"`
}

// Summary counts requests by endpoint and outcome: "0", another err_no, or a
// fault's mode.
type Summary struct {
	Requests map[douyin.Endpoint]map[string]int64 `json:"requests"`
	// Dropped counts entries that the bounds pushed out; while it is 0 the
	// lists are whole.
	Dropped int64 `json:"dropped"`
	// CodesTwice counts codes that were asked about more than once.
	CodesTwice int64 `json:"codes_twice"`
	Codes      int64 `json:"codes"` // issued
	// TokenUses counts messages by the serial number of their token.
	TokenUses map[string]int64 `json:"token_uses"`
}

type ledger struct {
	limit    int
	summary  Summary
	fetches  []TokenFetch
	messages []Message
}

func (l *ledger) reset(limit int) {
	*l = ledger{limit: limit, summary: Summary{Requests: map[douyin.Endpoint]map[string]int64{}, TokenUses: map[string]int64{}}}
}

func (l *ledger) count(e douyin.Endpoint, outcome string) {
	m := l.summary.Requests[e]
	if m == nil {
		m = map[string]int64{}
		l.summary.Requests[e] = m
	}
	m[outcome]++
}

// bounded appends and, at twice the limit, forgets the older half.
func bounded[T any](l *ledger, list []T, v T) []T {
	if len(list) >= 2*l.limit {
		l.summary.Dropped += int64(l.limit)
		list = slices.Delete(list, 0, l.limit)
	}
	return append(list, v)
}

// Summary answers the counts so far.
func (p *Platform) Summary() Summary {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.ledger.summary
	s.Requests = maps.Clone(s.Requests)
	for e, m := range s.Requests {
		s.Requests[e] = maps.Clone(m)
	}
	s.TokenUses = maps.Clone(s.TokenUses)
	return s
}

// TokenFetches lists the requests for tokens, oldest first.
func (p *Platform) TokenFetches() []TokenFetch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ledger.fetches)
}

// Messages lists the requests to send, oldest first.
func (p *Platform) Messages() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ledger.messages)
}

// Code tells what was asked with one code.
func (p *Platform) Code(text string) (CodeHistory, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.codes[text]
	if !ok {
		return CodeHistory{}, false
	}
	return c.history(text), true
}

// Codes tells the history of every code that was asked about at least least
// times, in the order of issue.
func (p *Platform) Codes(least int) []CodeHistory {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []CodeHistory
	for _, text := range p.order {
		if c := p.codes[text]; len(c.asks) >= least {
			found = append(found, c.history(text))
		}
	}
	return found
}

func (c *code) history(text string) CodeHistory {
	return CodeHistory{
		Code: text, AppID: c.app.id, User: c.user.name, Anonymous: c.anonymous,
		IssuedAt: c.issuedAt, Used: c.used, Asks: slices.Clone(c.asks), SessionKey: string(c.key),
	}
}
