package notify

import (
	"context"
	"time"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// tokenOwner holds one app's token and fetches the next. A fetch walks from
// announcing (its record is on the way into the tokens topic) by waiting (for
// another owner's request to be over) to requesting. Owned by the task's loop.
type tokenOwner struct {
	app   *app
	step  tokenStep
	start time.Time // of the fetch that is announced

	token     schemas.TokenRecord // the newest good one; no Token: none
	refreshAt time.Time
	foreign   schemas.TokenRecord // newest announcement of another owner
	unsure    int                 // fetches since the token's that may have made another

	retryAt  time.Time // no fetch before it
	failures int       // in a row
	broken   bool      // the last fetch was refused for the app's configuration
	stop     func()    // the timer's, or nil
}

type tokenStep uint8

const (
	tokenIdle tokenStep = iota
	tokenAnnouncing
	tokenWaiting
	tokenRequesting
)

const (
	// tokenMargin is how long before its end a token is no longer used.
	tokenMargin = 2 * time.Second
	// tokenOverlap is how long a token lives on after the next was fetched.
	tokenOverlap = 5 * time.Minute
	// stableAfter is how long after its end a stable token's successor is asked
	// for: expires_in is whole seconds.
	stableAfter = 1500 * time.Millisecond
	// A token that has tokenEarly to tokenEarly+tokenJitter of its life behind
	// it is refreshed.
	tokenEarly  = 0.80
	tokenJitter = 0.10

	tokenRetryMin = time.Second
	tokenRetryMax = time.Minute
	// tokenFresh is how young a refused token must be for its fetch to count as
	// failed.
	tokenFresh = 30 * time.Second
)

func (o *tokenOwner) kind() TokenKind { return o.app.cfg.TokenKind }

// usable answers the token that requests may carry now.
func (o *tokenOwner) usable(now time.Time) (douyin.Token, bool) {
	if o.token.Token == "" || now.Add(tokenMargin).After(millis(o.token.ExpiresAt)) {
		return "", false
	}
	return douyin.Token(o.token.Token), true
}

// adopt takes in a token that is newer than the one held, or the one held with
// a life that was cut. jitter is in [0,1).
func (o *tokenOwner) adopt(t schemas.TokenRecord, jitter float64) {
	if t.FetchedAt == o.token.FetchedAt && t.Token == o.token.Token && t.ExpiresAt < o.token.ExpiresAt {
		o.token.ExpiresAt = t.ExpiresAt
		o.schedule(jitter)
	}
	if t.FetchedAt <= o.token.FetchedAt || t.Token == "" {
		return
	}
	o.token, o.unsure = t, 0
	o.schedule(jitter)
}

// schedule sets when the held token is to be refreshed, by the life that it has:
// one whose life was cut is due earlier.
func (o *tokenOwner) schedule(jitter float64) {
	fetched, expires := millis(o.token.FetchedAt), millis(o.token.ExpiresAt)
	if o.kind() == TokenStableClient {
		// It is the same for as long as it lives: there is nothing to be had early,
		// nor while the platform's clock may still be in its last second.
		o.refreshAt = expires.Add(stableAfter)
		return
	}
	o.refreshAt = fetched.Add(time.Duration(float64(expires.Sub(fetched)) * (tokenEarly + tokenJitter*jitter)))
}

// cut shortens the held token's life by a fetch that may have replaced it, and
// reports whether it did. Of client tokens only the newest two count. jitter is
// in [0,1).
func (o *tokenOwner) cut(fetch time.Time, jitter float64) bool {
	if o.kind() == TokenStableClient || o.token.Token == "" {
		return false
	}
	o.unsure++
	end := fetch.Add(tokenOverlap)
	if o.kind() == TokenClient && o.unsure > 1 {
		end = fetch
	}
	if toMillis(end) >= o.token.ExpiresAt {
		return false
	}
	o.token.ExpiresAt = toMillis(end)
	o.schedule(jitter)
	return true
}

// drop forgets the token if it is the one that was refused, and reports
// whether it was.
func (o *tokenOwner) drop(refused douyin.Token, now time.Time) bool {
	if o.token.Token == "" || o.token.Token != string(refused) {
		return false
	}
	if now.Sub(millis(o.token.FetchedAt)) < tokenFresh {
		o.fail(now, tokenRetryMin)
	}
	o.token = schemas.TokenRecord{}
	o.refreshAt = time.Time{}
	return true
}

// fail puts the next fetch off.
func (o *tokenOwner) fail(now time.Time, least time.Duration) {
	o.retryAt = now.Add(max(least, min(tokenRetryMin<<min(o.failures, 6), tokenRetryMax)))
	o.failures++
}

// due is when the next fetch is to begin.
func (o *tokenOwner) due() time.Time {
	at := o.refreshAt
	if o.token.Token == "" {
		at = time.Time{}
	}
	if o.retryAt.After(at) {
		at = o.retryAt
	}
	return at
}

// fetchToken asks the platform; it blocks.
func (t *Task) fetchToken(ctx context.Context, app douyin.App, kind TokenKind) (douyin.Issued, error) {
	switch kind {
	case TokenAccess:
		return t.deps.Platform.AccessToken(ctx, app)
	case TokenClient:
		return t.deps.Platform.ClientToken(ctx, app)
	default:
		return t.deps.Platform.StableClientToken(ctx, app)
	}
}
