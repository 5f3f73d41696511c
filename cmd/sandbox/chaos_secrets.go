package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// secretHunt looks for secrets where none may be (I8): whatever doustream
// writes, other than the original bytes of a dead letter.
type secretHunt struct {
	needles map[string]string // a secret, and what it is
	found   map[string]int    // what was seen where, and how often
}

// minToken is the shortest secret that is looked for; a phone number has eleven
// digits.
const minToken = 11

// newSecretHunt knows the apps' secrets, the keys, every code, the phone
// numbers, and the session keys of some users.
func newSecretHunt(ctx context.Context, env environment, sent []traffic.Sent, codes []douyintest.CodeHistory, control *douyintest.Control) (*secretHunt, error) {
	h := &secretHunt{needles: map[string]string{}, found: map[string]int{}}
	for _, app := range traffic.Apps() {
		h.add(string(app.Secret), "an AppSecret")
	}
	for _, name := range []string{"DOUSTREAM_SEALING_KEYS", "DOUSTREAM_PERSONAL_KEYS", "DOUSTREAM_PHONE_PEPPERS"} {
		_, key, _ := strings.Cut(env[name], ":")
		h.add(key, "a key of "+name)
		if raw, err := base64.StdEncoding.DecodeString(key); err == nil {
			h.add(string(raw), "a key of "+name)
		}
	}
	users := map[[2]string]bool{}
	for _, c := range codes {
		h.add(c.Code, "a login code")
		if len(users) < 200 {
			users[[2]string{c.AppID, c.User}] = true
		}
	}
	for _, s := range sent {
		h.add(s.Phone, "a phone number")
		h.add("86"+s.Phone, "a phone number")
	}
	for user := range users {
		login, err := control.User(ctx, user[0], user[1])
		if err != nil {
			return nil, fmt.Errorf("ask for a session key: %w", err)
		}
		h.add(login.SessionKey, "a session key")
	}
	return h, nil
}

func (h *secretHunt) add(secret, what string) {
	if len(secret) >= minToken {
		h.needles[secret] = what
	}
}

// wordByte are the letters of which all secrets are made.
func wordByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '+' || b == '/' || b == '=' || b == '_' || b == '-' || b == '.'
}

// search looks at every word, and at every run of digits, since what stands
// around a secret may be made of the same letters.
func (h *secretHunt) search(where string, raw []byte) {
	for _, of := range []func(byte) bool{wordByte, func(b byte) bool { return '0' <= b && b <= '9' }} {
		for start := 0; start < len(raw); start++ {
			end := start
			for end < len(raw) && of(raw[end]) {
				end++
			}
			if end-start >= minToken {
				if what, ok := h.needles[string(raw[start:end])]; ok {
					h.found[what+" in "+where]++
				}
			}
			start = end
		}
	}
	for secret, what := range h.needles {
		if strings.Contains(what, "AppSecret") || strings.Contains(what, "key of") {
			if bytes.Contains(raw, []byte(secret)) {
				h.found[what+" in "+where]++
			}
		}
	}
}

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
func (h *secretHunt) searchLogs(w *world, roles []*role) error {
	for _, r := range roles {
		raw, err := os.ReadFile(w.logPath(r.name))
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		h.search("the log of "+filepath.Base(r.name), raw)
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
