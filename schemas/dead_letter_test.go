package schemas

import (
	"strings"
	"testing"
)

var sampleDeadLetter = DeadLetter{
	Reason: ReasonDecryptFailed, Stage: "decrypt", Role: "enrich", EventID: "e1", Source: sampleSource,
	SourceTimestamp: 1763800000123, Attempts: 2, FailedAt: 1763800000456,
}

func TestDeadLetterHeaders(t *testing.T) {
	t.Parallel()
	texts := make(map[string]string)
	for _, h := range sampleDeadLetter.Headers() {
		texts[h.Key] = string(h.Value)
	}
	mustEqual(t, texts, map[string]string{
		"doustream.reason": "decrypt_failed", "doustream.stage": "decrypt", "doustream.role": "enrich", "doustream.event_id": "e1",
		"doustream.source": "eu.miniapp.phone/11/1099511627776", "doustream.source.timestamp": "1763800000123",
		"doustream.attempts": "2", "doustream.failed_at": "1763800000456",
	})
}

func TestDeadLetterComesBack(t *testing.T) {
	t.Parallel()
	unread := sampleDeadLetter
	unread.EventID = ""
	for _, d := range []DeadLetter{sampleDeadLetter, unread} {
		headers := append([]Header{{Key: "traceparent", Value: []byte("x")}}, d.Headers()...)
		got, err := DecodeDeadLetter(headers)
		if err != nil || got != d {
			t.Errorf("DecodeDeadLetter = %+v, %v, want %+v", got, err, d)
		}
	}
}

func TestDeadLetterRefuses(t *testing.T) {
	t.Parallel()
	without := func(key string) []Header {
		var rest []Header
		for _, h := range sampleDeadLetter.Headers() {
			if h.Key != key {
				rest = append(rest, h)
			}
		}
		return rest
	}
	with := func(key, value string) []Header {
		return append(without(key), Header{Key: key, Value: []byte(value)})
	}
	for name, headers := range map[string][]Header{
		"no headers":                       nil,
		"no reason":                        without(HeaderReason),
		"no source":                        without(HeaderSource),
		"a source without partition":       with(HeaderSource, "topic"),
		"a source without topic":           with(HeaderSource, "/1/2"),
		"a source with words":              with(HeaderSource, "t/one/2"),
		"a source whose offset is a word":  with(HeaderSource, "t/1/two"),
		"a partition beyond 32 bits":       with(HeaderSource, "t/4294967296/2"),
		"attempts that are no number":      with(HeaderAttempts, "some"),
		"a timestamp that is no number":    with(HeaderSourceTimestamp, ""),
		"a time of failure that is a word": with(HeaderFailedAt, "now"),
	} {
		if d, err := DecodeDeadLetter(headers); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// Reasons are named in the outside contract: in lower case, one word.
func TestReasonOf(t *testing.T) {
	t.Parallel()
	err := error(Reject(ReasonInvalid, "occurred_at", "out of range"))
	if ReasonOf(err) != ReasonInvalid || ReasonOf(nil) != "" {
		t.Errorf("ReasonOf(%v) = %q", err, ReasonOf(err))
	}
	if text := err.Error(); text != "invalid: occurred_at: out of range" || strings.ToLower(text) != text {
		t.Errorf("it reads %q", text)
	}
}
