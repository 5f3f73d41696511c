package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// secretHunt looks for secrets where none may be (I8): whatever doustream
// writes, other than the original bytes of a dead letter.
type secretHunt struct {
	words    map[string]string   // a secret, and what it is
	phrases  map[string]string   // likewise
	anywhere map[uint64][]hidden // likewise, by their first bytes
	found    map[string]int      // what was seen where, and how often
}

// hidden is a secret that nothing else looks like, with what it is.
type hidden struct{ secret, what string }

func hunter() *secretHunt {
	return &secretHunt{words: map[string]string{}, phrases: map[string]string{}, anywhere: map[uint64][]hidden{}, found: map[string]int{}}
}

// minToken is the shortest secret that is looked for; a phone number has eleven
// digits.
const minToken = 11

// newSecretHunt knows the apps' secrets, the keys, every code and session key,
// and what users hid in their events. Tokens it knows by their looks.
func newSecretHunt(env environment, sent []traffic.Sent, codes []douyintest.CodeHistory) *secretHunt {
	h := hunter()
	for _, app := range traffic.Apps() {
		h.phrase(string(app.Secret), "an AppSecret")
	}
	for _, name := range []string{"DOUSTREAM_SEALING_KEYS", "DOUSTREAM_PERSONAL_KEYS", "DOUSTREAM_PHONE_PEPPERS"} {
		_, key, _ := strings.Cut(env[name], ":")
		h.phrase(key, "a key of "+name)
		if raw, err := base64.StdEncoding.DecodeString(key); err == nil {
			h.phrase(string(raw), "a key of "+name)
		}
	}
	for _, c := range codes {
		h.letters(c.Code, "a login code")
		h.letters(c.SessionKey, "a session key")
		if raw, err := base64.StdEncoding.DecodeString(c.SessionKey); err == nil {
			h.letters(string(raw), "a session key's bytes")
		}
	}
	for _, s := range sent {
		h.letters(s.Code, "a login code") // the platform may never have been asked about it
		for _, number := range []string{s.Phone, s.Says["phone"]} {
			h.word(number, "a phone number")
			h.word("86"+number, "a phone number")
		}
		h.phrase(s.Says["name"], "a recipient's name")
		h.phrase(s.Says["detail"], "an address's detail")
	}
	return h
}

// word adds a secret that stands between letters of another kind.
func (h *secretHunt) word(secret, what string) {
	if len(secret) >= minToken {
		h.words[secret] = what
	}
}

// letters adds one that is found whatever stands around it: a log says code=….
func (h *secretHunt) letters(secret, what string) {
	if len(secret) >= minToken {
		stem := binary.BigEndian.Uint64([]byte(secret))
		h.anywhere[stem] = append(h.anywhere[stem], hidden{secret, what})
	}
}

// phrase adds one that is looked for everywhere, however short.
func (h *secretHunt) phrase(secret, what string) {
	if secret != "" {
		h.phrases[secret] = what
	}
}

// wordByte are the letters of which all secrets are made.
func wordByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '+' || b == '/' || b == '=' || b == '_' || b == '-' || b == '.'
}

// search looks at every word, and at every run of digits, since what stands
// around a secret may be made of the same letters.
func (h *secretHunt) search(where string, raw []byte) {
	h.searchLetters(where, raw)
	for _, of := range []func(byte) bool{wordByte, func(b byte) bool { return '0' <= b && b <= '9' }} {
		for start := 0; start < len(raw); start++ {
			end := start
			for end < len(raw) && of(raw[end]) {
				end++
			}
			if end-start >= minToken {
				word := string(raw[start:end])
				if what, ok := h.words[word]; ok {
					h.found[what+" in "+where]++
				} else if isToken.MatchString(word) {
					h.found["a token in "+where]++
				}
			}
			start = end
		}
	}
	for secret, what := range h.phrases {
		if bytes.Contains(raw, []byte(secret)) {
			h.found[what+" in "+where]++
		}
	}
}

func (h *secretHunt) searchLetters(where string, raw []byte) {
	const stem = 8
	var last uint64
	for i, b := range raw {
		if last = last<<8 | uint64(b); i < stem-1 {
			continue
		}
		for _, r := range h.anywhere[last] {
			if bytes.HasPrefix(raw[i-stem+1:], []byte(r.secret)) {
				h.found[r.what+" in "+where]++
			}
		}
	}
}

// isToken knows the platform's tokens, access and client.
var isToken = regexp.MustCompile(`(?:clt\.|0801121)[0-9a-f]{40}`)

// searchTopics looks at everything that doustream wrote to Kafka.
func (h *secretHunt) searchTopics(ctx context.Context, env environment) error {
	prefix := env["DOUSTREAM_TOPIC_PREFIX"]
	var topics []string
	for _, t := range []string{
		schemas.TopicUsers, schemas.TopicResults, schemas.TopicDeadLetters, schemas.TopicConsents,
		schemas.TopicSessions, schemas.TopicParked, schemas.TopicNotifications, schemas.TopicTokens,
	} {
		topics = append(topics, prefix+t)
	}
	records, err := readAll(ctx, env, false, topics...)
	if err != nil {
		return err
	}
	for _, rec := range records {
		h.searchRecord(rec, rec.Topic == prefix+schemas.TopicDeadLetters)
	}
	return nil
}

func (h *secretHunt) searchRecord(rec *kgo.Record, deadLetter bool) {
	if !deadLetter { // a dead letter keeps the event's own key and bytes
		h.search("the keys of "+rec.Topic, rec.Key)
		h.search("the values of "+rec.Topic, rec.Value)
	}
	for _, header := range rec.Headers {
		h.search("the headers of "+rec.Topic, header.Value)
	}
}

// searchLogs looks at what every process said.
func (h *secretHunt) searchLogs(w *world, instances []string) error {
	for _, name := range instances {
		raw, err := os.ReadFile(w.logPath(name))
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		h.search("the log of "+name, raw)
	}
	return nil
}

// searchMetrics looks at what every process shows to Prometheus.
func (h *secretHunt) searchMetrics(ctx context.Context, roles []*role) error {
	for _, r := range roles {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.addr+"/metrics", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("read metrics of %s: %w", r.name, err)
		}
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return fmt.Errorf("read metrics of %s: %w", r.name, err)
		}
		h.search("the metrics of "+r.name, raw)
	}
	return nil
}

// leaks are the findings.
func (h *secretHunt) leaks() []string {
	var leaks []string
	for what, n := range h.found {
		leaks = append(leaks, fmt.Sprintf("%s, %d times", what, n))
	}
	return leaks
}
