package notify

import (
	"fmt"
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
	codec codec
	held  map[string]schemas.TokenRecord // by the record's key
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
	return &TokenBook{codec: codec{keys: keys, tokens: topic}, held: map[string]schemas.TokenRecord{}}
}

// Take takes in one committed record of the topic, each partition in the order
// of its log. The error of a record that cannot be opened names no secret.
func (b *TokenBook) Take(rec *stream.Record) error {
	if _, ok := stream.Marker(rec); ok {
		return nil
	}
	if rec.Value == nil {
		delete(b.held, string(rec.Key))
		return nil
	}
	plain, err := b.codec.open(rec, purposeToken)
	if err != nil {
		return fmt.Errorf("read token: %w", err)
	}
	r, err := schemas.DecodeTokenRecord(plain)
	if err != nil {
		return fmt.Errorf("read token: %w", err)
	}
	if r.Token != "" && r.FetchedAt >= b.held[string(rec.Key)].FetchedAt {
		b.held[string(rec.Key)] = r
	}
	return nil
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
