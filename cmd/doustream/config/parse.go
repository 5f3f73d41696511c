package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"doustream/platform/secrets"
)

func parseInt(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("is %q, not a whole number", s)
	}
	return n, nil
}

func parseFloat(s string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return 0, fmt.Errorf("is %q, not a number", s)
	}
	return n, nil
}

func parseBool(s string) (bool, error) {
	b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(s)))
	if err != nil {
		return false, fmt.Errorf("is %q, not true or false", s)
	}
	return b, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("is %q, not a duration such as 100ms, 3m or 24h", s)
	}
	return d, nil
}

// parseList reads a,b,c; spaces around an entry and empty entries do not count.
func parseList(s string) ([]string, error) {
	var list []string
	for _, entry := range strings.Split(s, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("is %q, which names nothing", s)
	}
	return list, nil
}

// Templates maps a message template's id to how users consent to it.
type Templates map[string]string

// String is the list as it is configured.
func (t Templates) String() string {
	list := make([]string, 0, len(t))
	for id, kind := range t {
		list = append(list, id+"="+kind)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func parseTemplates(s string) (Templates, error) {
	list, err := parseList(s)
	if err != nil {
		return nil, err
	}
	templates := Templates{}
	for _, entry := range list {
		id, kind, _ := strings.Cut(entry, "=")
		if id == "" || kind != "one-time" && kind != "long-term" {
			return nil, fmt.Errorf("holds %q, not id=one-time or id=long-term", entry)
		}
		templates[id] = kind
	}
	return templates, nil
}

func parseKeyring(s string) (secrets.Keyring, error) {
	k, err := secrets.ParseKeyring(s)
	if err != nil {
		return secrets.Keyring{}, oneLine(err)
	}
	return *k, nil
}

func parsePeppers(s string) (secrets.Peppers, error) {
	p, err := secrets.ParsePeppers(s)
	if err != nil {
		return secrets.Peppers{}, oneLine(err)
	}
	return *p, nil
}

func oneLine(err error) error {
	return errors.New("is wrong: " + strings.ReplaceAll(err.Error(), "\n", "; "))
}
