package douyintest

import (
	"cmp"
	"context"
	"time"

	"doustream/platform/douyin"
)

// Options shape a Platform. The zero value of each is its default.
type Options struct {
	// Apps are the mini-apps that it knows; more by AddApp.
	Apps []douyin.App
	// CodeLife is how long a login code can be exchanged; default 5m.
	CodeLife time.Duration
	// RotateEvery is the least time between two logins of a user that change
	// the session key; default 0: every login does.
	RotateEvery time.Duration
	// TokenLife is expires_in of every token; default 2h.
	TokenLife time.Duration
	// TokenOverlap is how long a token outlives the fetch of the next; default
	// 5m.
	TokenOverlap time.Duration
	// ClientTokenCalls is how many client_token calls an app has in five
	// minutes; default 500.
	ClientTokenCalls int
	// NotifyInterval is the least time between two messages to a user;
	// default 1s, negative: none.
	NotifyInterval time.Duration
	// NotifyPerSecond is how many messages an app may send in a second;
	// default 1000, negative: unlimited.
	NotifyPerSecond int
	// Open has every user consent to every template, without limit.
	Open bool
	// ForbiddenText is refused in a message's data (v1: 1008); default: none.
	ForbiddenText string
	// Codes and Entries bound what is remembered: login codes, and entries of
	// each list of the ledger; the oldest go first. Default 1<<20 and 1<<18.
	Codes, Entries int
	// Seed makes codes, keys and latencies repeatable; default 1.
	Seed uint64
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Wait pauses for d or until ctx ends; default: a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

func (o Options) withDefaults() Options {
	o.CodeLife = cmp.Or(o.CodeLife, 5*time.Minute)
	o.TokenLife = cmp.Or(o.TokenLife, 2*time.Hour)
	o.TokenOverlap = cmp.Or(o.TokenOverlap, 5*time.Minute)
	o.ClientTokenCalls = cmp.Or(o.ClientTokenCalls, 500)
	o.NotifyInterval = cmp.Or(o.NotifyInterval, time.Second)
	o.NotifyPerSecond = cmp.Or(o.NotifyPerSecond, 1000)
	o.Codes = cmp.Or(o.Codes, 1<<20)
	o.Entries = cmp.Or(o.Entries, 1<<18)
	o.Seed = cmp.Or(o.Seed, 1)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	return o
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
