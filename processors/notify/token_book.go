package notify

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// tokenReadLife is how long a token that was read may be used before it is
// asked for again: what it outlives its successor's fetch by (tokenOverlap),
// less a minute for the reading and for a clock that is off.
const tokenReadLife = 4 * time.Minute

// TokenBook is what the tokens topic says of the tokens that are good: for
// those of the team who send by a token of the owner's, since a fetch of their
// own would cut its life short. It is filled by one goroutine and then read.
type TokenBook struct {
	codec  codec
	held   map[string]schemas.TokenRecord // by the record's key,
	unread map[string]error               // as are those
}

// HeldToken is one token in the book. Its Token is a secret.
type HeldToken struct {
	AppID     string
	Kind      TokenKind
	Token     douyin.Token
	FetchedAt time.Time // by the owner's clock, as ExpiresAt is
	ExpiresAt time.Time
}

// AskAgain is how long from now the token may be used before the book is to be
// read again: by then the owner may have fetched another, which leaves this one
// five minutes.
func (h HeldToken) AskAgain(now time.Time) time.Duration {
	return max(min(tokenReadLife, h.ExpiresAt.Sub(now)-tokenMargin), 0)
}

// NewTokenBook makes an empty book of the topic of that full name, whose
// records are sealed under keys.
func NewTokenBook(topic string, keys *secrets.Keyring) *TokenBook {
	return &TokenBook{codec: codec{keys: keys, tokens: topic}, held: map[string]schemas.TokenRecord{}, unread: map[string]error{}}
}

// Take takes in one committed record of the topic, each partition in the order
// of its log. One that cannot be opened is told of by Unread.
func (b *TokenBook) Take(rec *stream.Record) {
	if _, ok := stream.Marker(rec); ok {
		return
	}
	key := string(rec.Key)
	delete(b.unread, key)
	if rec.Value == nil {
		delete(b.held, key)
		return
	}
	r, err := b.codec.readToken(rec)
	switch {
	case err != nil:
		delete(b.held, key)
		b.unread[key] = fmt.Errorf("read token of %s: %w", key, err)
	case r.Token != "" && r.FetchedAt >= b.held[key].FetchedAt:
		b.held[key] = r
	}
}

// Unread is what could not be opened and nothing later has taken the place of, by
// apps and kinds of token; it names no secret. An app that is gone may leave a
// token behind under a key that has gone out of use since: it is no reason to do
// without the others.
func (b *TokenBook) Unread() error {
	var all []error
	for _, key := range slices.Sorted(maps.Keys(b.unread)) {
		all = append(all, b.unread[key])
	}
	return errors.Join(all...)
}

// Good lists the tokens that can be used at the given time, by app and kind.
func (b *TokenBook) Good(now time.Time) []HeldToken {
	var good []HeldToken
	for _, r := range b.held {
		h := HeldToken{
			AppID: r.AppID, Kind: TokenKind(r.TokenKind), Token: douyin.Token(r.Token),
			FetchedAt: millis(r.FetchedAt), ExpiresAt: millis(r.ExpiresAt),
		}
		if h.AskAgain(now) > 0 {
			good = append(good, h)
		}
	}
	slices.SortFunc(good, func(x, y HeldToken) int {
		return strings.Compare(x.AppID+"|"+string(x.Kind), y.AppID+"|"+string(y.Kind))
	})
	return good
}
