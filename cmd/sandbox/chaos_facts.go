package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// readerKeys are what a reader of results was given: it opens what is sealed
// and checks what is hashed as the README says, with no code of doustream's.
// What is under the key of the state is no reader's, but tells when a token was
// written down.
type readerKeys struct{ personal, pepper, state []byte }

func newReaderKeys(env environment) readerKeys {
	secret := func(variable string) []byte {
		_, text, _ := strings.Cut(env[variable], ":")
		key, _ := base64.StdEncoding.DecodeString(text) // nil opens nothing, and that is told
		return key
	}
	return readerKeys{secret("DOUSTREAM_PERSONAL_KEYS"), secret("DOUSTREAM_PHONE_PEPPERS"), secret("DOUSTREAM_SEALING_KEYS")}
}

// facts are what an enriched record tells, by the names that traffic gives
// them, with what is sealed in the clear. An error means that something does
// not open, or does not fit together.
func (k readerKeys) facts(rec *kgo.Record, u *schemas.EnrichedUser) (map[string]string, error) {
	says := map[string]string{"open_id": u.OpenID, "union_id": u.UnionID, "anonymous_open_id": u.AnonymousOpenID}
	var errs []error
	opened := func(name, purpose string, sealed []byte) {
		plain, err := open(k.personal, sealed, purpose, rec.Topic+"|"+string(rec.Key)+"|1")
		if err != nil {
			errs = append(errs, fmt.Errorf("open %s: %w", name, err))
		}
		says[name] = plain
	}
	phone := func(p *schemas.Phone) {
		opened("phone", "phone", p.Sealed)
		says["phone"] = strings.TrimPrefix(says["phone"], "+86")
		errs = append(errs, k.fits(p, says["phone"]))
	}
	switch {
	case u.Profile != nil:
		says["nick_name"], says["gender"], says["language"] = u.Profile.NickName, fmt.Sprint(u.Profile.Gender), u.Profile.Language
	case u.Phone != nil:
		phone(u.Phone)
		says["country_code"] = u.Phone.CountryCode
	case u.Location != nil:
		says["longitude"], says["latitude"] = fmt.Sprint(u.Location.Longitude), fmt.Sprint(u.Location.Latitude)
		says["city"], says["coord_type"] = u.Location.City, string(u.Location.CoordType)
	case u.Address != nil:
		says["province"], says["city"], says["county"] = u.Address.Province, u.Address.City, u.Address.County
		opened("name", "name", u.Address.NameSealed)
		opened("detail", "detail", u.Address.DetailSealed)
		if u.Address.Phone != nil {
			phone(u.Address.Phone)
		}
	case u.Device != nil:
		says["brand"], says["model"], says["system"] = u.Device.Brand, u.Device.Model, u.Device.System
		if u.Device.Battery != nil {
			says["battery"] = fmt.Sprint(*u.Device.Battery)
		}
	case u.Subscription != nil:
		for _, t := range u.Subscription.Templates {
			says[t.TemplateID] = string(t.Status)
		}
	}
	return says, errors.Join(errs...)
}

// fits holds a phone's mask and hash against its number.
func (k readerKeys) fits(p *schemas.Phone, number string) error {
	mac := hmac.New(sha256.New, k.pepper)
	mac.Write([]byte("+86" + number))
	if len(number) != 11 || p.Masked != number[:3]+"****"+number[7:] || p.Hash != hex.EncodeToString(mac.Sum(nil)) {
		return errors.New("a phone's mask or hash is not its number's")
	}
	return nil
}

// sealedVersion is the first byte of what is sealed.
const sealedVersion = 1

// open opens a sealed field: a byte 1, a byte with the length of the key's id,
// the id, 16 bytes of salt, ciphertext and tag.
func open(key, sealed []byte, purpose, associated string) (string, error) {
	const salt = 16
	if len(sealed) < 2 || sealed[0] != sealedVersion || len(sealed) < 2+int(sealed[1])+salt {
		return "", errors.New("it is cut short")
	}
	rest := sealed[2+int(sealed[1]):]
	derived, err := hkdf.Key(sha256.New, key, rest[:salt], "doustream/1/"+purpose, 44)
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return "", err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return "", err
	}
	plain, err := aead.Open(nil, derived[32:], rest[salt:], []byte(associated))
	return string(plain), err
}
