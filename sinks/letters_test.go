package sinks

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// lettered asserts that each of the offsets of users.enriched, partition 0, is one
// dead letter in Kafka, and nothing else is.
func (w *world) lettered(offsets ...int64) {
	w.t.Helper()
	client := w.newClient(kgo.ConsumeTopics("test."+schemas.TopicDeadLetters), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer client.Close()
	search := letterSearch{topic: "test." + schemas.TopicUsers}
	times := make(map[int64]int)
	w.produce(&kgo.Record{Topic: "test." + schemas.TopicDeadLetters, Value: []byte("the end")})
	for {
		fetches := client.PollFetches(testContext(w.t))
		if err := fetches.Err(); err != nil {
			w.t.Fatal(err)
		}
		ended := false
		fetches.EachRecord(func(rec *kgo.Record) {
			if offset, ok := search.ours(rec); ok {
				times[offset]++
			}
			ended = ended || string(rec.Value) == "the end"
		})
		if ended {
			break
		}
	}
	for _, offset := range offsets {
		if times[offset] != 1 {
			w.t.Errorf("offset %d has %d dead letters", offset, times[offset])
		}
	}
	if len(times) != len(offsets) {
		w.t.Errorf("dead letters %v of offsets %v", times, offsets)
	}
}

// I5, of the sink's own dead letters: killed around the step that makes them, or
// in the middle of looking for the row at fault, the successor makes none again.
func TestI5ADeadLetterOfTheSinkIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.exec("ALTER TABLE user_events ADD CONSTRAINT no_3 CHECK event_id != 'e-0-3'")
	garbage := &kgo.Record{Topic: "test." + schemas.TopicUsers, Value: []byte("garbage")}
	var bad []int64
	rows, end := 0, int64(0)
	for _, point := range []string{"before reject", "after reject", "before settle", "after insert"} {
		w.produce(append(w.users(10, 0), garbage)...) // the fourth is refused by the table, the last cannot be read
		bad = append(bad, end+3, end+10)
		rows, end = rows+9, end+11
		w.kill(point, 1)
	}
	_, stop := w.run(w.config())
	w.once(rows)
	until(t, "the last commit", func() bool { return w.committed() == end })
	stop()
	w.lettered(bad...)
}

// A lost answer leaves open whether the letter was made.
func TestALostAnswerMakesNoSecondDeadLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.produce(w.users(3, 0)...)
	l := letters{search: &letterSearch{connect: []kgo.Opt{kgo.SeedBrokers(w.brokers...)}, deadLetters: "test." + schemas.TopicDeadLetters, topic: "test." + schemas.TopicUsers}}
	rec := &kgo.Record{Topic: "test." + schemas.TopicUsers, Offset: 2, Timestamp: time.Now()}
	has := func() bool {
		t.Helper()
		there, err := l.has(testContext(t), rec, 0)
		if err != nil {
			t.Fatal(err)
		}
		return there
	}
	if has() {
		t.Fatal("a letter that nobody made")
	}
	letter := schemas.DeadLetter{Reason: schemas.ReasonInvalid, Role: "enrich"}
	w.produce(w.topics.DeadLetter(rec, letter)) // another role's of the same record
	letter.Role = role
	l.doubt()
	if has() {
		t.Fatal("enrich's letter is taken for the sink's")
	}
	w.produce(w.topics.DeadLetter(rec, letter))
	if has() {
		t.Fatal("looked without a doubt")
	}
	l.doubt()
	if !has() {
		t.Fatal("the letter is not found")
	}
	ctx := testContext(t)
	l.search.deadLetters, l.search.next = "nowhere", nil
	l.doubt()
	if _, err := l.has(ctx, rec, 0); err == nil || errors.Is(err, ctx.Err()) {
		t.Fatalf("a topic that is not there: %v", err)
	}
}
