package secrets

// Keyring holds sealing keys by id: the first seals, all open. Safe for
// concurrent use. The zero value holds none; sealing with it is an error.
type Keyring struct{ keyring }

// ParseKeyring reads "id:base64(32 bytes),…". Its errors name the id and never
// the key.
func ParseKeyring(s string) (*Keyring, error) { return parseKeyring(s) }

// Seal appends plaintext, sealed for one purpose under a subkey of its own, to
// dst. The purpose (for instance "phone", "parked") separates subkeys; aad is
// authenticated and not stored: topic, key and version of the record it goes into.
// Layout: version byte 1, length and bytes of the key id, 16 bytes of salt, ciphertext and tag.
// The subkey, and the nonce with it, is HKDF-SHA-256 over key, salt and
// "doustream/1/" + purpose. What is sealed for each event of a process' own state
// goes through a Sealer instead.
func (k *Keyring) Seal(dst, plaintext []byte, purpose string, aad []byte) ([]byte, error) {
	return k.seal(dst, plaintext, purpose, aad)
}

// Open appends the plaintext of sealed, which Seal or a Sealer made, to dst. Any
// failure is ErrSealed, or ErrUnknownKey when the key id is not in the ring. A
// record of a Sealer's run costs a tenth of another, unless it is the first that is
// opened of that run; the ring remembers the latest 256 runs.
func (k *Keyring) Open(dst, sealed []byte, purpose string, aad []byte) ([]byte, error) {
	return k.open(dst, sealed, purpose, aad)
}

// Current reports whether sealed is under the key that seals now, and not under
// one that goes out of use. It opens nothing.
func (k *Keyring) Current(sealed []byte) bool { return k.current(sealed) }

// Empty reports whether the ring holds no key.
func (k *Keyring) Empty() bool { return k.empty() }

// Peppers hash phone numbers: HMAC-SHA-256 under the first pepper.
type Peppers struct{ peppers }

// ParsePeppers reads "id:base64,…" (at least 16 bytes each).
func ParsePeppers(s string) (*Peppers, error) { return parsePeppers(s) }

// Hash answers the hex HMAC-SHA-256 of s and the id of the pepper used.
func (p *Peppers) Hash(s string) (hex, keyID string) { return p.hash(s) }
