package douyintest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"doustream/platform/douyin"
)

// user is one person in one app.
type user struct {
	name            string
	openID          string
	unionID         string
	anonymousOpenID string
	key             douyin.SessionKey // of the newest login
	rotatedAt       time.Time
	refusal         int64     // err_no of every message; 0: none
	messageAt       time.Time // of the last message
}

// code is a login code and what became of it.
type code struct {
	app       *app
	user      *user
	anonymous bool
	key       douyin.SessionKey
	issuedAt  time.Time
	used      bool
	asks      []Ask
}

// Login is what tt.login hands to the mini-app, and what the platform keeps to
// itself: the key under which the user's data is encrypted from now on. Its
// fields are text, for it is the test's to use.
type Login struct {
	User            string `json:"user"`
	Code            string `json:"code,omitempty"`
	AnonymousCode   string `json:"anonymous_code,omitempty"`
	SessionKey      string `json:"session_key,omitempty"`
	OpenID          string `json:"open_id,omitempty"`
	UnionID         string `json:"union_id,omitempty"`
	AnonymousOpenID string `json:"anonymous_open_id,omitempty"`
}

// Login is tt.login by a user of an app, both of whom come into being when
// first named: the key rotates (as Options.RotateEvery allows), and two codes
// are issued.
func (p *Platform) Login(appID, userName string) Login {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.login(appID, userName, false)
}

// AnonymousLogin is tt.login by somebody who is not logged in to Douyin: an
// anonymous code alone, and no key.
func (p *Platform) AnonymousLogin(appID, userName string) Login {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.login(appID, userName, true)
}

// IssueCode is the code of a Login.
func (p *Platform) IssueCode(appID, userName string) douyin.Code {
	return douyin.Code(p.Login(appID, userName).Code)
}

// Logins is one Login for each name.
func (p *Platform) Logins(appID string, names []string, anonymous bool) []Login {
	p.mu.Lock()
	defer p.mu.Unlock()
	logins := make([]Login, len(names))
	for i, name := range names {
		logins[i] = p.login(appID, name, anonymous)
	}
	return logins
}

// User is a Login without codes: who the user is, and the current key.
func (p *Platform) User(appID, userName string) Login {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, u := p.user(appID, userName)
	return u.login()
}

// Rotate changes a user's session key, as a login elsewhere does, and answers
// the new one.
func (p *Platform) Rotate(appID, userName string) Login {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, u := p.user(appID, userName)
	p.rotate(u)
	return u.login()
}

func (u *user) login() Login {
	return Login{User: u.name, SessionKey: string(u.key), OpenID: u.openID, UnionID: u.unionID, AnonymousOpenID: u.anonymousOpenID}
}

func (p *Platform) login(appID, userName string, anonymous bool) Login {
	a, u := p.user(appID, userName)
	now := p.opts.Now()
	l := Login{User: u.name, AnonymousOpenID: u.anonymousOpenID}
	if !anonymous {
		if now.Sub(u.rotatedAt) >= p.opts.RotateEvery {
			p.rotate(u)
		}
		l = u.login()
		l.Code = p.issue(&code{app: a, user: u, key: u.key, issuedAt: now})
	}
	l.AnonymousCode = p.issue(&code{app: a, user: u, anonymous: true, issuedAt: now})
	return l
}

func (p *Platform) rotate(u *user) {
	u.key = douyin.SessionKey(base64.StdEncoding.EncodeToString(p.random(16)))
	u.rotatedAt = p.opts.Now()
}

func (p *Platform) issue(c *code) string {
	text := base64.RawURLEncoding.EncodeToString(p.random(48))
	p.ledger.summary.Codes++
	p.remember(text, c)
	return text
}

// longestStray is how long a code may be that is remembered without having been
// issued.
const longestStray = 512

// knownOrStray answers a code. One that was never issued is remembered once it is
// asked about: it is refused, but how often it was asked about is to be told too.
func (p *Platform) knownOrStray(text string, anonymous bool) *code {
	if c, ok := p.codes[text]; ok || text == "" || len(text) > longestStray {
		return c
	}
	c := &code{app: &app{}, user: &user{}, anonymous: anonymous}
	p.remember(text, c)
	return c
}

func (p *Platform) remember(text string, c *code) {
	p.codes[text] = c
	p.order = append(p.order, text)
	if len(p.order) > p.opts.Codes {
		delete(p.codes, p.order[0])
		p.order = p.order[1:]
	}
}

// user finds or makes a user. Identifiers follow from the names, so that two
// platforms agree on them; unionid is the same in all apps.
func (p *Platform) user(appID, name string) (*app, *user) {
	a, ok := p.apps[appID]
	if !ok {
		a = &app{id: appID, users: map[string]*user{}, openIDs: map[string]*user{}, consents: map[consentKey]*consent{}}
		p.apps[appID] = a
	}
	u, ok := a.users[name]
	if !ok {
		u = &user{
			name: name, openID: "_000" + identifier("open", appID, name),
			unionID: identifier("union", name), anonymousOpenID: "anon" + identifier("anonymous", appID, name),
		}
		p.rotate(u)
		u.rotatedAt = time.Time{}
		a.users[name], a.openIDs[u.openID] = u, u
	}
	return a, u
}

func identifier(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}
