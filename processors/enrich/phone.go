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

func (n number) e164Length() int { return 1 + len(n.country) + len(n.national) }

// masked keeps the first three and the last four digits of a number of eleven
// or more, and less of a shorter one; at least four are hidden.
func (n number) masked() string {
	digits := n.national
	head, tail := 3, 4
	if len(digits) < 11 {
		head, tail = min(3, max(0, len(digits)-6)), min(2, len(digits)-4)
	}
	return digits[:head] + stars[:len(digits)-head-tail] + digits[len(digits)-tail:]
}

const stars = "****************" // E.164 has fifteen digits

const homeCountry = "86"

// readNumber reads a number as the platform gives it: with its country code in
// full, or without, and the code beside it. The code is China's where none is
// given. It may also stand before the number with no sign of it; then only
// China's is told from a national number. A number with anything but digits (one masked by the platform) or of
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
	pure = withoutHomeCode(pure, country)
	n := number{country: country, national: pure}
	if !digits(n.national) || !digits(n.country) || len(n.national) < 5 || len(n.country) > 3 || n.e164Length() > 16 {
		return number{}, false
	}
	return n, true
}

// homeLength is how many digits a number of China has in E.164: 86, and eleven
// of which the first is 1. No national number of China begins so.
const homeLength = 13

func withoutHomeCode(number, country string) string {
	if country != homeCountry {
		return number
	}
	bare := strings.TrimPrefix(number, "00")
	if len(bare) == homeLength && strings.HasPrefix(bare, homeCountry+"1") {
		return bare[len(homeCountry):]
	}
	return number
}

// plain takes out what people put between digits.
func plain(s string) string {
	if digits(s) {
		return s
	}
	return punctuation.Replace(s)
}

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

func (p *processor) phone(w *workbench, out *schemas.Phone, n number) error {
	e164 := n.e164()
	sealed, err := p.seal(w, purposePhone, e164)
	if err != nil {
		return err
	}
	hash, id := p.peppers.Hash(e164)
	*out = schemas.Phone{Masked: n.masked(), Hash: hash, HashKey: id, Sealed: sealed, CountryCode: n.country}
	return nil
}

// seal seals one personal field of the user on the workbench, where the sealed
// bytes stay; nothing stays nothing.
func (p *processor) seal(w *workbench, purpose, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	w.bound = appendPersonalAAD(w.bound[:0], p.names.users, &w.user)
	bound := len(w.bound)
	w.bound = append(w.bound, text...) // one buffer for the two of them
	start := len(w.sealed)
	var err error
	w.sealed, err = p.personal.Seal(w.sealed, w.bound[bound:], purpose, w.bound[:bound])
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", purpose, err)
	}
	return w.sealed[start:len(w.sealed):len(w.sealed)], nil
}

// PersonalAAD is what the sealed fields of an enriched user are bound to: the
// topic (with its prefix) and the key of their record, and the version. With
// it, a holder of the personal keys opens them: purpose "phone", "name" or
// "detail".
func PersonalAAD(topic string, user *schemas.EnrichedUser) []byte {
	return appendPersonalAAD(nil, topic, user)
}

func appendPersonalAAD(dst []byte, topic string, user *schemas.EnrichedUser) []byte {
	key := user.OpenID
	if key == "" {
		key = user.AnonymousOpenID
	}
	return appendAAD(dst, topic, key)
}
