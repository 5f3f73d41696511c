package main

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// bury writes dead letters as a role would, and a transaction that is aborted.
func bury(t *testing.T, brokers string, letters ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.TransactionalID("test"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, letter := range letters {
			again := *letter
			if end == kgo.TryAbort {
				again.Value = []byte("aborted")
			}
			if err := client.ProduceSync(t.Context(), &again).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
}

func letter(reason schemas.Reason, event, topic string, value []byte) *kgo.Record {
	d := schemas.DeadLetter{
		Reason: reason, Stage: "join", Role: "enrich", EventID: event, Attempts: 2,
		Source: schemas.Source{Topic: topic, Partition: 1, Offset: 7}, SourceTimestamp: 1763800000000, FailedAt: 1763800001000,
	}
	record := &kgo.Record{Topic: schemas.TopicDeadLetters, Key: []byte("s-1"), Value: value, Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("x")}}}
	for _, h := range d.Headers() {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return record
}

func buried(t *testing.T) (environ []string, brokers string) {
	t.Helper()
	brokers, _ = fakeKafka(t)
	environ = []string{"DOUSTREAM_KAFKA_BROKERS=" + brokers, "DOUSTREAM_TOPIC_PARTITIONS=2"}
	if code, _, errs := invoke(t, environ, "topics"); code != exitOK {
		t.Fatal(errs)
	}
	bury(t, brokers,
		letter(schemas.ReasonSessionMissing, "e-1", schemas.TopicPhone, []byte(`{"n":1}`)),
		letter(schemas.ReasonDecryptFailed, "e-2", schemas.TopicPhone, []byte(`{"n":2}`)),
		letter(schemas.ReasonTooLarge, "", schemas.TopicPhone, nil),
		letter(schemas.ReasonInvalid, "e-4", "somebody.elses", []byte(`{"n":4}`)))
	return environ, brokers
}

func TestDeadLettersList(t *testing.T) {
	t.Parallel()
	environ, _ := buried(t)
	tests := []struct {
		name string
		args []string
		want []string // the sources' events, in order
	}{
		{"all", nil, []string{`"e-1"`, `"e-2"`, "–", `"e-4"`}},
		{"by reason", []string{"--reason", "session_missing,invalid"}, []string{`"e-1"`, `"e-4"`}},
		{"by topic", []string{"--topic", "somebody.elses"}, []string{`"e-4"`}},
		{"by event", []string{"--event", "e-2"}, []string{`"e-2"`}},
		{"limited", []string{"--limit", "1"}, []string{`"e-1"`}},
		{"since long ago", []string{"--since", "24h"}, []string{`"e-1"`, `"e-2"`, "–", `"e-4"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := invoke(t, environ, append([]string{"dead-letters", "ls"}, tt.args...)...)
			if code != exitOK {
				t.Fatalf("exit %d: %s", code, errs)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")[1:]
			if len(lines) != len(tt.want) {
				t.Fatalf("%d lines, want %d:\n%s", len(lines), len(tt.want), out)
			}
			for i, line := range lines {
				if !strings.Contains(line, tt.want[i]) {
					t.Errorf("line %d lacks %s: %s", i, tt.want[i], line)
				}
			}
			if strings.Contains(out, `{"n"`) {
				t.Error("ls shows what events hold")
			}
		})
	}
	if _, out, _ := invoke(t, environ, "dead-letters", "ls", "--json"); strings.Count(out, `{"place":"0/`) != 4 {
		t.Errorf("json:\n%s", out)
	}
}

func TestDeadLettersShow(t *testing.T) {
	t.Parallel()
	environ, _ := buried(t)
	code, out, errs := invoke(t, environ, "dead-letters", "show", "0/1")
	if code != exitOK || !strings.Contains(out, `doustream.reason: "decrypt_failed"`) || !strings.Contains(out, `"{\"n\":2}"`) {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if _, out, _ := invoke(t, environ, "dead-letters", "show", "--raw", "0/1"); out != `{"n":2}` {
		t.Errorf("raw: %q", out)
	}
	if code, _, errs := invoke(t, environ, "dead-letters", "show", "0/99"); code != exitFailed || !strings.Contains(errs, "there is none at 0/99") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestDeadLettersRedrive(t *testing.T) {
	t.Parallel()
	environ, brokers := buried(t)
	code, out, errs := invoke(t, environ, "dead-letters", "redrive", "--all", "--dry-run")
	if code != exitOK || !strings.Contains(out, "2 to redrive, 2 skipped") {
		t.Fatalf("dry run: exit %d: %s%s", code, out, errs)
	}
	code, out, errs = invoke(t, environ, "dead-letters", "redrive", "--reason", "decrypt_failed,too_large,invalid")
	if code != exitOK || !strings.Contains(out, "1 redriven, 2 skipped") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	var got []*kgo.Record
	err := scan(t.Context(), []kgo.Opt{kgo.SeedBrokers(strings.Split(brokers, ",")...)}, schemas.TopicPhone, 0,
		func(r *kgo.Record) error { got = append(got, r); return nil })
	if err != nil || len(got) != 1 {
		t.Fatalf("%d records in %s, %v", len(got), schemas.TopicPhone, err)
	}
	r := got[0]
	if string(r.Key) != "s-1" || string(r.Value) != `{"n":2}` || !r.Timestamp.Equal(time.UnixMilli(1763800000000)) {
		t.Errorf("not as it was: %s %s %s", r.Key, r.Value, r.Timestamp)
	}
	if len(r.Headers) != 2 || r.Headers[0].Key != "trace" || r.Headers[1].Key != headerRedriven || string(r.Headers[1].Value) != "0/1" {
		t.Errorf("headers %v", r.Headers)
	}
}
