package config

import (
	"errors"
	"fmt"
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
