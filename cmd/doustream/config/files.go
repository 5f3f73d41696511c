package config

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

const (
	fileSuffix  = "_FILE"
	maxFileSize = 1 << 20
)

var indexed = regexp.MustCompile(`_\d+_`)

// readFiles puts the contents of NAME_FILE in the place of NAME, for secrets.
// Files that the uses do not need may be out of their reach.
func readFiles(values map[string]string, uses []Use, faults *Faults) {
	for name, path := range values {
		secret, ok := strings.CutSuffix(name, fileSuffix)
		if !ok {
			continue
		}
		v, known := secretNamed(secret)
		if !known {
			continue
		}
		delete(values, name)
		if !needed(v.Uses, uses) {
			continue
		}
		if _, both := values[secret]; both {
			faults.add(name, "and %s are both set", secret)
			continue
		}
		text, err := readFile(path)
		if err != nil {
			faults.add(name, "cannot be read: %v", err)
			// The fault of the file is the one to show, not that the value is missing.
			faults.add(secret, "is to come from %s, which cannot be read", name)
			continue
		}
		values[secret] = text
	}
}

// readFile reads a secret; a line end behind it, which editors and echo leave,
// does not belong to it.
func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(b), "\r\n")
	switch {
	case len(b) > maxFileSize:
		return "", fmt.Errorf("%s is over %d bytes", path, maxFileSize)
	case strings.TrimSpace(text) == "":
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

func secretNamed(name string) (Variable, bool) {
	known := Variables(&Config{})
	i := slices.IndexFunc(known, func(v Variable) bool { return v.Secret && sameName(v.Name, name) })
	if i < 0 {
		return Variable{}, false
	}
	return known[i], true
}

// unknownNames lists what is set and no section declares: mostly a misspelling.
func unknownNames(values map[string]string) []string {
	known := Variables(&Config{})
	var names []string
	for name := range values {
		if !slices.ContainsFunc(known, func(v Variable) bool { return sameName(v.Name, name) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sameName compares names, an index in the one standing for every index.
func sameName(declared, name string) bool {
	return declared == name || indexed.ReplaceAllString(declared, "_#_") == indexed.ReplaceAllString(name, "_#_")
}
