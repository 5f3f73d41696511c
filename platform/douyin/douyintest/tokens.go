package douyintest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"doustream/platform/douyin"
)

// issued is one token.
type issued struct {
	text    string
	serial  string
	expires time.Time
}

// tokens are an app's of one kind, newest first.
type tokens []issued

// token is v2/token, client_token and stable_client_token.
func (p *Platform) token(c *call, f *Fault) []byte {
	var no int64
	var t issued
	if f.before() {
		no = f.ErrNo
	} else if no = p.refuseToken(c); no == 0 {
		t = p.fetch(c)
	}
	shown := no
	if f.answers() {
		shown = f.ErrNo
	}
	mode, after := p.outcome(c, f, no)
	p.ledger.fetches = bounded(&p.ledger, p.ledger.fetches, TokenFetch{
		At: c.now, AppID: c.appID(), Kind: c.endpoint, Token: t.serial, ErrNo: shown, Fault: mode, After: after, LogID: c.logID,
	})
	if shown != 0 {
		t = issued{}
	}
	if c.endpoint == douyin.EndpointAccessToken {
		return accessTokenAnswer(c, shown, t)
	}
	return clientTokenAnswer(c, shown, t)
}

func (p *Platform) refuseToken(c *call) int64 {
	id, secret := c.ClientKey, c.ClientSecret
	parameter, badApp, badSecret, badGrant := int64(10002), int64(10003), int64(10013), int64(10002)
	if c.endpoint == douyin.EndpointAccessToken {
		id, secret = c.AppID, c.Secret
		parameter, badApp, badSecret, badGrant = 40015, 40015, 40017, 40020
	}
	a, ok := p.apps[id]
	switch {
	case !c.readable || id == "":
		return parameter
	case c.GrantType != "client_credential":
		return badGrant
	case !ok || a.secret == "":
		return badApp
	case secret != string(a.secret):
		return badSecret
	case c.endpoint == douyin.EndpointClientToken && !p.mayCall(a, c.now):
		return 10020
	}
	return 0
}

// mayCall counts a client_token call.
func (p *Platform) mayCall(a *app, now time.Time) bool {
	a.calls = slices.DeleteFunc(a.calls, func(t time.Time) bool { return now.Sub(t) >= 5*time.Minute })
	if len(a.calls) >= p.opts.ClientTokenCalls {
		return false
	}
	a.calls = append(a.calls, now)
	return true
}

// fetch makes a token, and cuts the life of the ones before. The stable one is
// the same while it lives.
func (p *Platform) fetch(c *call) issued {
	a := p.apps[c.appID()]
	list := a.tokens(c.endpoint)
	if c.endpoint == douyin.EndpointStableClientToken && len(*list) > 0 && c.now.Before((*list)[0].expires) {
		return (*list)[0]
	}
	for i := range *list {
		if end := c.now.Add(p.opts.TokenOverlap); (*list)[i].expires.After(end) {
			(*list)[i].expires = end
		}
	}
	p.serial++
	t := issued{text: tokenText(c.endpoint, p.random(24)), serial: fmt.Sprintf("%s#%d", c.endpoint, p.serial), expires: c.now.Add(p.opts.TokenLife)}
	*list = slices.Insert(*list, 0, t)
	keep := 16
	if c.endpoint == douyin.EndpointClientToken {
		keep = 2 // only the newest two count
	}
	*list = (*list)[:min(len(*list), keep)]
	return t
}

func tokenText(e douyin.Endpoint, random []byte) string {
	if e == douyin.EndpointAccessToken {
		return fmt.Sprintf("0801121%x", random)
	}
	return fmt.Sprintf("clt.%x", random)
}

func (a *app) tokens(e douyin.Endpoint) *tokens {
	switch e {
	case douyin.EndpointAccessToken:
		return &a.access
	case douyin.EndpointClientToken:
		return &a.client
	default:
		return &a.stable
	}
}

// holder finds whose token it is: the app, and err_no if it is refused.
func (p *Platform) holder(text string, now time.Time, kinds ...douyin.Endpoint) (*app, issued, int64) {
	for _, a := range p.apps {
		for _, kind := range kinds {
			for _, t := range *a.tokens(kind) {
				if t.text != text {
					continue
				}
				if !now.Before(t.expires) {
					return a, t, 28001008
				}
				return a, t, 0
			}
		}
	}
	return nil, issued{}, 28001003
}

// accessTokenAnswer writes envelope (a), every other time with expires_in as a
// string.
func accessTokenAnswer(c *call, no int64, t issued) []byte {
	tips := map[int64]string{0: "success", 40015: "bad appid", 40017: "bad secret", 40020: "bad grant_type"}[no]
	life := strconv.Itoa(t.life(c.now))
	if c.logID[len(c.logID)-1]%2 == 0 {
		life = strconv.Quote(life)
	}
	return fmt.Appendf(nil, `{"err_no":%d,"err_tips":%q,"log_id":%q,"data":{"access_token":%q,"expires_in":%s}}`,
		no, tips, c.logID, t.text, life)
}

// clientTokenAnswer writes envelope (b).
func clientTokenAnswer(c *call, no int64, t issued) []byte {
	message, description := "success", ""
	if no != 0 {
		message = "error"
		description = map[int64]string{10002: "parameter error", 10003: "client_key error", 10013: "client_secret error", 10020: "too many calls"}[no]
	}
	return fmt.Appendf(nil, `{"data":{"access_token":%q,"expires_in":%d,"captcha":"","desc_url":"","description":%q,"error_code":%d,"log_id":%q},"message":%q,"log_id":%q}`,
		t.text, t.life(c.now), description, no, c.logID, message, c.logID)
}

func (t issued) life(now time.Time) int {
	if t.text == "" {
		return 0
	}
	return int(t.expires.Sub(now) / time.Second)
}
