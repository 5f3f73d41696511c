package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// heldToken is one token that an owner wrote down, committed, for whoever comes
// after it.
type heldToken struct {
	app           string
	asked, gotten time.Time // between which the platform was asked
}

// judgeTokens holds the fetches against I6: one for each app and refresh
// period, never two at once. A second is granted when the first was lost: its
// answer by the platform, or the token by who asked, before it was written down.
func (o *oracle) judgeTokens() {
	last := map[string]douyintest.TokenFetch{}
	issued := map[string]time.Time{} // by a token's serial number: the stable one is the same while it lives
	for _, f := range o.fetches {
		if _, again := issued[f.Token]; !again {
			issued[f.Token] = f.At
		}
		if f.ErrNo != 0 || f.Fault != "" && !f.After {
			continue
		}
		at := f.AppID + " " + string(f.Kind)
		before, any := last[at]
		if age := f.At.Sub(issued[before.Token]); any && age < refreshAfter(f.Kind, o.tokenLife) && !o.tokenLost(before) {
			o.tell(chargeToken, "%s of %s at %s, when the one before was %s old", f.Kind, f.AppID, f.At.Format(time.TimeOnly), age)
		}
		last[at] = f
	}
}

// tokenLost says whether nobody can have known a fetched token: its answer never
// came, or its owner suffered before it could write it down. One that is
// committed is known to every later owner, whatever happened.
func (o *oracle) tokenLost(f douyintest.TokenFetch) bool {
	if f.Fault != "" {
		return true
	}
	held := slices.ContainsFunc(o.tokens, func(t heldToken) bool {
		return t.app == f.AppID && !f.At.Before(t.asked) && !f.At.After(t.gotten)
	})
	return !held && o.suffered("notify", f.At, f.At.Add(handling))
}

// refreshAfter is the least age of a token that another is fetched for, if nothing
// has happened to it. The stable one is the same while it lives; the others may
// be refreshed early.
func refreshAfter(kind douyin.Endpoint, life time.Duration) time.Duration {
	if kind == douyin.EndpointStableClientToken {
		return life - time.Second
	}
	return life * 3 / 4
}

// readTokens reads which tokens doustream's own topic of them holds. An
// announcement of a fetch holds none, nor does a tombstone.
func readTokens(ctx context.Context, env environment, keys readerKeys) ([]heldToken, error) {
	records, err := readAll(ctx, env, true, env["DOUSTREAM_TOPIC_PREFIX"]+schemas.TopicTokens)
	if err != nil {
		return nil, err
	}
	var held []heldToken
	for _, rec := range records {
		if len(rec.Value) == 0 || len(rec.Key) == 0 || rec.Value[0] != sealedVersion {
			continue // a tombstone, or an owner's marker
		}
		plain, err := open(keys.state, rec.Value, "token", rec.Topic+"\x00"+string(rec.Key)+"\x00v1")
		if err != nil {
			return nil, fmt.Errorf("open token: %w", err)
		}
		t, err := schemas.DecodeTokenRecord([]byte(plain))
		if err != nil {
			return nil, fmt.Errorf("read token: %w", err)
		}
		if t.FetchedAt != 0 {
			// Times are whole milliseconds.
			held = append(held, heldToken{t.AppID, time.UnixMilli(t.FetchStartedAt), time.UnixMilli(t.FetchedAt + 1)})
		}
	}
	return held, nil
}
