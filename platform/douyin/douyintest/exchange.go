package douyintest

import (
	"strconv"

	"doustream/platform/douyin"
)

// exchange is jscode2session v2.
func (p *Platform) exchange(c *call, f *Fault) []byte {
	named, anonymous := p.knownOrStray(c.Code, false), p.knownOrStray(c.AnonymousCode, true)
	var no int64
	if f.before() {
		no = f.ErrNo
	} else if no = p.refuseExchange(c, named, anonymous); no == 0 {
		use(named)
		use(anonymous)
	}
	shown := no
	if f.answers() {
		shown = f.ErrNo
	}
	mode, after := p.outcome(c, f, no)
	ask := Ask{At: c.now, ErrNo: shown, Fault: mode, After: after, LogID: c.logID}
	p.ledger.ask(named, ask)
	p.ledger.ask(anonymous, ask)
	return sessionAnswer(c, shown, named, anonymous)
}

func (p *Platform) refuseExchange(c *call, named, anonymous *code) int64 {
	a, ok := p.apps[c.AppID]
	switch {
	case !c.readable || c.AppID == "" || c.Secret == "" || c.Code == "" && c.AnonymousCode == "":
		return 40014
	case !ok || a.secret == "":
		return 40015
	case c.Secret != string(a.secret):
		return 40017
	case c.Code != "" && !p.good(c, named, false):
		return 40018
	case c.AnonymousCode != "" && !p.good(c, anonymous, true):
		return 40019
	}
	return 0
}

func (p *Platform) good(c *call, k *code, anonymous bool) bool {
	return k != nil && k.anonymous == anonymous && k.app.id == c.AppID && !k.used && c.now.Sub(k.issuedAt) < p.opts.CodeLife
}

func use(k *code) {
	if k != nil {
		k.used = true
	}
}

func (l *ledger) ask(k *code, a Ask) {
	if k == nil {
		return
	}
	if k.asks = append(k.asks, a); len(k.asks) == 2 {
		l.summary.CodesTwice++
	}
}

var exchangeTips = map[int64]string{
	0: "success", -1: "system error", 40014: "bad params", 40015: "bad appid",
	40017: "bad secret", 40018: "bad code", 40019: "bad anonymous code",
}

// sessionAnswer writes envelope (a). A refusal has its data too, empty.
func sessionAnswer(c *call, no int64, named, anonymous *code) []byte {
	var key douyin.SessionKey
	var openID, unionID, anonymousOpenID string
	if no == 0 && c.Code != "" && named != nil {
		key, openID, unionID = named.key, named.user.openID, named.user.unionID
	}
	if no == 0 && c.AnonymousCode != "" && anonymous != nil {
		anonymousOpenID = anonymous.user.anonymousOpenID
	}
	b := make([]byte, 0, 384)
	b = append(b, `{"err_no":`...)
	b = strconv.AppendInt(b, no, 10)
	b = append(b, `,"err_tips":"`...)
	b = append(b, exchangeTips[no]...)
	b = append(b, `","log_id":"`...)
	b = append(b, c.logID...)
	b = append(b, `","data":{"session_key":"`...)
	b = append(b, string(key)...)
	b = append(b, `","openid":"`...)
	b = append(b, openID...)
	b = append(b, `","anonymous_openid":"`...)
	b = append(b, anonymousOpenID...)
	b = append(b, `","unionid":"`...)
	b = append(b, unionID...)
	return append(b, `"}}`...)
}

// before reports whether the fault strikes before the effect.
func (f *Fault) before() bool { return f != nil && !f.After }

// answers reports whether the fault is an answer of the platform's own.
func (f *Fault) answers() bool { return f != nil && (f.Mode == ModeErrNo || f.Mode == ModeThrottle) }

// errNo is the number that the fault answers with.
func (f *Fault) errNo(e douyin.Endpoint) int64 {
	switch {
	case f.Mode != ModeThrottle:
		return f.ErrNo
	case e == douyin.EndpointClientToken || e == douyin.EndpointStableClientToken:
		return 10020
	case e == douyin.EndpointNotifyV1:
		return 28006003
	default:
		return 28003018
	}
}
