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

// Template is what is known of a message template.
type Template struct {
	Kind     string   // how users consent to it: one-time or long-term
	Keywords []string // that an order must fill in; none: not checked
}

// Templates maps message templates' ids to what is known of them.
type Templates map[string]Template

// String is the list as it is configured.
func (t Templates) String() string {
	list := make([]string, 0, len(t))
	for id, template := range t {
		list = append(list, id+"="+strings.Join(append([]string{template.Kind}, template.Keywords...), ":"))
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
		id, known, _ := strings.Cut(entry, "=")
		parts := strings.Split(known, ":")
		if id == "" || parts[0] != "one-time" && parts[0] != "long-term" || slices.Contains(parts, "") {
			return nil, fmt.Errorf("holds %q, not id=one-time or id=long-term, with :keyword for each that an order fills in", entry)
		}
		if _, twice := templates[id]; twice {
			return nil, fmt.Errorf("holds the template %q twice", id)
		}
		templates[id] = Template{Kind: parts[0], Keywords: parts[1:]}
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
