package enrich

import (
	"fmt"
	"strings"

	"doustream/schemas"
)

// number is a phone number taken apart. It is personal: it leaves masked,
// hashed or sealed.
type number struct {
	country  string // 86
	national string // 13800000000
}

func (n number) e164() string { return "+" + n.country + n.national }

// masked keeps the first three and the last four digits of a number of eleven
// or more, and less of a shorter one; at least four are hidden.
func (n number) masked() string {
	digits := n.national
	head, tail := 3, 4
	if len(digits) < 11 {
		head, tail = min(3, max(0, len(digits)-6)), min(2, len(digits)-4)
	}
	return digits[:head] + strings.Repeat("*", len(digits)-head-tail) + digits[len(digits)-tail:]
}

const homeCountry = "86"

// readNumber reads a number as the platform gives it: with its country code in
// full, or without, and the code beside it. The code is China's where none is
// given. A number with anything but digits (one masked by the platform) or of
// a length that E.164 has not is no number.
func readNumber(full, pure, country string) (number, bool) {
	country = strings.TrimLeft(strings.TrimPrefix(country, "+"), "0")
	full, pure = plain(full), plain(pure)
	if country == "" {
		country = homeCountry
	}
	if pure == "" {
		pure = full
	}
	if rest, ok := strings.CutPrefix(pure, "+"); ok {
		if pure, ok = strings.CutPrefix(rest, country); !ok {
			return number{}, false
		}
	}
	n := number{country: country, national: pure}
	if !digits(n.national) || !digits(n.country) || len(n.national) < 5 || len(n.country) > 3 || len(n.e164()) > 16 {
		return number{}, false
	}
	return n, true
}

// plain takes out what people put between digits.
func plain(s string) string { return punctuation.Replace(s) }

var punctuation = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "")

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Purposes that separate the subkeys of personal fields.
const (
	purposePhone  = "phone"
	purposeName   = "name"
	purposeDetail = "detail"
)

func (p *processor) phone(user *schemas.EnrichedUser, n number) (*schemas.Phone, error) {
	e164 := n.e164()
	sealed, err := p.seal(user, purposePhone, e164)
	if err != nil {
		return nil, err
	}
	hash, id := p.peppers.Hash(e164)
	return &schemas.Phone{Masked: n.masked(), Hash: hash, HashKey: id, Sealed: sealed, CountryCode: n.country}, nil
}

// seal seals one personal field of a result; nothing stays nothing.
func (p *processor) seal(user *schemas.EnrichedUser, purpose, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	sealed, err := p.personal.Seal(nil, []byte(text), purpose, PersonalAAD(p.names.users, user))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", purpose, err)
	}
	return sealed, nil
}

// PersonalAAD is what the sealed fields of an enriched user are bound to: the
// topic (with its prefix) and the key of their record, and the version. With
// it, a holder of the personal keys opens them: purpose "phone", "name" or
// "detail".
func PersonalAAD(topic string, user *schemas.EnrichedUser) []byte {
	key := user.OpenID
	if key == "" {
		key = user.AnonymousOpenID
	}
	return aad(topic, []byte(key))
}
