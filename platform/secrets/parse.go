package secrets

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// maxIDLength is short enough that a 32-byte key in base64, put where the id
// belongs, is not taken for an id and printed.
const maxIDLength = 32

// entry is one "id:base64" of a list.
type entry struct {
	id  string
	key []byte
}

func parseKeyring(s string) (*Keyring, error) {
	entries, err := parseEntries(s, func(n int) error {
		if n != subkeySize {
			return fmt.Errorf("the key has %d bytes, not %d", n, subkeySize)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("parse sealing keys: %w", err)
	}
	k := &Keyring{keyring{opened: new(openedRuns)}}
	for _, e := range entries {
		k.keys = append(k.keys, sealingKey{id: e.id, secret: e.key})
	}
	return k, nil
}

// parseEntries reads "id:base64,…". Its errors name an entry by its id, or by
// its place in the list where the id itself is in doubt.
func parseEntries(s string, checkSize func(int) error) ([]entry, error) {
	if strings.TrimSpace(s) == "" {
		return nil, errors.New("the list is empty")
	}
	var entries []entry
	var faults []error
	seen := map[string]bool{}
	for i, text := range strings.Split(s, ",") {
		e, err := parseEntry(strings.TrimSpace(text))
		switch {
		case e.id == "" && err != nil:
			faults = append(faults, fmt.Errorf("entry %d: %w", i+1, err))
			continue
		case err == nil:
			err = checkSize(len(e.key))
		}
		if err == nil && seen[e.id] {
			err = errors.New("the id is there twice")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("entry %d (id %s): %w", i+1, e.id, err))
			continue
		}
		seen[e.id] = true
		entries = append(entries, e)
	}
	return entries, errors.Join(faults...)
}

func parseEntry(text string) (entry, error) {
	id, encoded, found := strings.Cut(text, ":")
	if !found {
		return entry{}, errors.New("not of the form id:base64")
	}
	if !validID(id) {
		return entry{}, fmt.Errorf("an id is 1 to %d letters, digits, '.', '_' or '-'", maxIDLength)
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return entry{id: id}, errors.New("not base64")
	}
	return entry{id: id, key: key}, nil
}

func validID(id string) bool {
	if id == "" || len(id) > maxIDLength {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
