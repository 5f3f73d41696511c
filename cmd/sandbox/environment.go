package main

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"doustream/cmd/sandbox/traffic"
)

// environment holds what a doustream process must be told, by variable. It is
// the contents of the env file.
type environment map[string]string

// What the env file holds beside doustream's own variables.
const controlVariable = "SANDBOX_PLATFORM_CONTROL_URL"

// Variables that the sandbox itself reads back.
const (
	brokersVariable  = "DOUSTREAM_KAFKA_BROKERS"
	dsnVariable      = "DOUSTREAM_CLICKHOUSE_DSN"
	platformVariable = "DOUSTREAM_DOUYIN_APPS_URL"
)

// readEnvironment reads an env file; one that is not there is empty.
func readEnvironment(path string) (environment, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return environment{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read env file: %w", err)
	}
	defer f.Close()
	env := environment{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if inner, quoted := strings.CutPrefix(value, "'"); quoted {
			value = strings.ReplaceAll(strings.TrimSuffix(inner, "'"), `'\''`, `'`)
		}
		env[name] = value
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read env file: %w", err)
	}
	return env, nil
}

// write makes the env file, for its owner alone: it holds secrets.
func (e environment) write(path string) error {
	var b strings.Builder
	b.WriteString("# What a doustream process needs to live in this sandbox: set -a; . " + shellQuote(path) + "; set +a\n")
	for _, line := range e.lines() {
		name, value, _ := strings.Cut(line, "=")
		b.WriteString(name + "=" + shellQuote(value) + "\n")
	}
	if err := os.WriteFile(path+".new", []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write env file: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write env file: %w", err)
	}
	return nil
}

// lines are "NAME=value", sorted: what os/exec takes.
func (e environment) lines() []string {
	lines := make([]string, 0, len(e))
	for _, name := range slices.Sorted(maps.Keys(e)) {
		lines = append(lines, name+"="+e[name])
	}
	return lines
}

func shellQuote(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./:,=+@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// addSecrets names the mini-apps, and makes the keys and peppers that are not
// there yet: what was sealed before a restart must open after it.
func (e environment) addSecrets() {
	for i, app := range traffic.Apps() {
		e[fmt.Sprintf("DOUSTREAM_APPS_%d_ID", i)], e[fmt.Sprintf("DOUSTREAM_APPS_%d_SECRET", i)] = app.ID, string(app.Secret)
	}
	for _, name := range []string{"DOUSTREAM_SEALING_KEYS", "DOUSTREAM_PERSONAL_KEYS", "DOUSTREAM_PHONE_PEPPERS"} {
		e.keep(name, func() string { return "sandbox:" + base64.StdEncoding.EncodeToString(random(32)) })
	}
}

// addLoopback has every doustream process listen on this machine alone, on a
// port of its own that its log names.
func (e environment) addLoopback() {
	e.keep("DOUSTREAM_HTTP_ADDR", func() string { return "127.0.0.1:0" })
}

func (e environment) keep(name string, fresh func() string) {
	if e[name] == "" {
		e[name] = fresh()
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
