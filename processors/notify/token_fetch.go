package notify

import (
	"bytes"
	"context"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/sabotage"
	"doustream/platform/stream"
	"doustream/schemas"
)

// minRequest is the least time that a request is given; with less of the lease
// left it waits.
const minRequest = time.Second

// leaseTick is how often a request that waits for the lease asks again.
const leaseTick = 200 * time.Millisecond

// tendToken begins a fetch if it is time, or sets the timer for it.
func (t *Task) tendToken(o *tokenOwner) {
	if o.step != tokenIdle || t.draining {
		return
	}
	now := t.loop.Now()
	if due := o.due(); due.After(now) {
		t.afterToken(o, due.Sub(now), t.tendToken)
		return
	}
	o.step, o.start = tokenAnnouncing, now
	t.emitToken(&schemas.TokenRecord{
		AppID: o.app.ID, TokenKind: string(o.kind()), Owner: t.loop.Owner(), FetchStartedAt: now.UnixMilli(),
	})
}

func (t *Task) afterToken(o *tokenOwner, d time.Duration, next func(*tokenOwner)) {
	if o.stop != nil {
		o.stop()
	}
	o.stop = t.loop.After(max(d, time.Millisecond), func() {
		o.stop = nil
		next(o)
	})
}

// tokenRecord takes in one record of the tokens topic: before Open what stands
// there, after it what is appended, one's own announcement included.
func (t *Task) tokenRecord(rec *stream.Record) {
	if sabotage.ForgetTokens && !t.opened {
		return
	}
	o := t.tokenOwnerOf(rec.Key)
	if o == nil {
		return // of an app that is gone, or a kind that is no longer used
	}
	t.unread.forget(keyID(rec.Key))
	if rec.Value == nil {
		t.tokenDeleted(o)
		return
	}
	r, err := t.codec.readToken(rec)
	if err != nil {
		t.unreadable(keyID(rec.Key), err)
		return
	}
	switch {
	case r.FetchedAt != 0:
		if !t.opened || r.Owner != t.loop.Owner() { // one's own may have been dropped since
			o.adopt(r, t.random())
		}
	case r.Owner != t.loop.Owner():
		if r.FetchStartedAt > o.foreign.FetchStartedAt {
			o.foreign = r
		}
	case t.opened && o.step == tokenAnnouncing && r.FetchStartedAt == o.start.UnixMilli():
		t.announced(o)
	}
}

// tokenOwnerOf finds whose token or announcement has that key, or nil.
func (t *Task) tokenOwnerOf(key []byte) *tokenOwner {
	for _, a := range t.apps {
		kind := string(a.cfg.TokenKind)
		if bytes.Equal(key, tokenKey(a.ID, kind)) || bytes.Equal(key, announceKey(a.ID, kind)) {
			return a.token
		}
	}
	return nil
}

// tokenDeleted forgets a token that an earlier owner dropped. One's own
// deletions are known, and a newer token may have come meanwhile.
func (t *Task) tokenDeleted(o *tokenOwner) {
	if !t.opened {
		o.token = schemas.TokenRecord{}
		o.refreshAt = time.Time{}
	}
}

// openToken makes what was restored fit for use.
func (t *Task) openToken(o *tokenOwner) {
	now := t.loop.Now()
	if o.foreign.FetchStartedAt > o.token.FetchedAt {
		t.cutToken(o, millis(o.foreign.FetchStartedAt))
	}
	if _, ok := o.usable(now); ok {
		t.metrics.tokens[tokenAdopted].Inc()
		t.log.Info("token adopted", "app_id", o.app.ID, "expires_at", millis(o.token.ExpiresAt))
	}
	t.tendToken(o)
}

// announced goes on once the announcement was read back: it is committed, and
// everything that stands before it in the log has been seen.
func (t *Task) announced(o *tokenOwner) {
	now := t.loop.Now()
	if o.due().After(now) { // a good one stood before the announcement
		o.step = tokenIdle
		t.tendToken(o)
		t.wake(o.app)
		return
	}
	if wait := t.foreignRequest(o, now); wait > 0 {
		o.step = tokenWaiting
		t.afterToken(o, wait, func(o *tokenOwner) { t.announced(o) })
		return
	}
	t.requestToken(o)
}

// foreignRequest is how long another owner's request, announced and without a
// token, may still be under way: no longer than one request from when that
// owner's time was over. By our clock alone: who knows what theirs says.
func (t *Task) foreignRequest(o *tokenOwner, now time.Time) time.Duration {
	if o.foreign.FetchStartedAt == 0 || o.foreign.FetchStartedAt <= o.token.FetchStartedAt {
		return 0
	}
	return t.openedAt.Add(t.cfg.RequestTimeout).Sub(now)
}

// requestToken sends the request, inside the lease.
func (t *Task) requestToken(o *tokenOwner) {
	if t.draining {
		o.step = tokenIdle
		return
	}
	now := t.loop.Now()
	timeout := min(t.cfg.RequestTimeout, t.loop.Lease().Sub(now))
	if timeout < min(minRequest, t.cfg.RequestTimeout) {
		o.step = tokenWaiting
		t.afterToken(o, leaseTick, t.requestToken)
		return
	}
	o.step = tokenRequesting
	started, app, kind := now, o.app.App, o.kind()
	t.goSend(timeout, func(ctx context.Context) func() {
		issued, err := t.fetchToken(ctx, app, kind)
		return func() { t.fetched(o, started, issued, err) }
	})
}

// fetched takes the platform's answer.
func (t *Task) fetched(o *tokenOwner, started time.Time, issued douyin.Issued, err error) {
	o.step = tokenIdle
	now := t.loop.Now()
	if err != nil {
		t.fetchFailed(o, started, now, err)
	} else {
		r := schemas.TokenRecord{
			AppID: o.app.ID, TokenKind: string(o.kind()), Owner: t.loop.Owner(),
			FetchStartedAt: started.UnixMilli(), FetchedAt: max(now.UnixMilli(), o.token.FetchedAt+1),
			ExpiresAt: started.Add(issued.ExpiresIn).UnixMilli(), Token: string(issued.Token),
		}
		t.emitToken(&r)
		o.adopt(r, t.random())
		o.retryAt, o.broken = time.Time{}, false
		t.metrics.tokens[tokenFetched].Inc()
		t.log.Info("token fetched", "app_id", o.app.ID, "expires_at", millis(r.ExpiresAt), "log_id", issued.LogID)
	}
	t.tendToken(o)
	t.wake(o.app)
	t.checkDrained()
}

// fetchFailed keeps the token that is held while it lives.
func (t *Task) fetchFailed(o *tokenOwner, started, now time.Time, err error) {
	t.metrics.tokens[tokenFailed].Inc()
	level := t.log.Warn
	switch kind := douyin.KindOf(err); kind {
	case douyin.KindConfig:
		if o.broken {
			level = nil // said once
		} else {
			level = t.log.Error
		}
		o.broken = true
		o.fail(now, tokenRetryMax)
	case douyin.KindThrottled, douyin.KindQuota:
		o.fail(now, tokenRetryMax)
	case douyin.KindUnknown:
		t.cutToken(o, started)
		o.fail(now, tokenRetryMin)
	default:
		o.fail(now, tokenRetryMin)
	}
	if level != nil {
		level("fetch token", "app_id", o.app.ID, "retry_at", o.retryAt, "error", err)
	}
}

// cutToken shortens the held token's life by a fetch that may have replaced it,
// and says so to a successor and to those who read the topic.
func (t *Task) cutToken(o *tokenOwner, fetch time.Time) {
	if o.cut(fetch, t.random()) {
		o.token.Owner = t.loop.Owner() // so that it is one's own when it is read back: it may have been dropped by then
		t.emitToken(&o.token)
	}
}

// dropToken forgets a token that was refused, here and for a successor.
func (t *Task) dropToken(o *tokenOwner, refused douyin.Token) {
	if !o.drop(refused, t.loop.Now()) {
		return
	}
	t.metrics.tokens[tokenDropped].Inc()
	t.log.Warn("token refused, fetching another", "app_id", o.app.ID)
	t.emit([]*stream.Record{t.codec.tokenTombstone(o.app.ID, string(o.kind()))}, nil)
	t.tendToken(o)
}

func (t *Task) emitToken(r *schemas.TokenRecord) {
	rec, err := t.codec.token(r)
	if err != nil {
		t.fail("write token", err)
		return
	}
	t.emit([]*stream.Record{rec}, nil)
}
