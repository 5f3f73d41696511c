package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// watcher reads doustream's three output topics, read committed and from their
// start, and keeps what came of which input.
type watcher struct {
	client *kgo.Client
	prefix string

	mu       sync.Mutex
	outcomes []outcome // guarded by mu
	faults   []string  // guarded by mu; records that cannot be read
	last     time.Time // guarded by mu; when the last outcome came
}

func newWatcher(env environment) (*watcher, error) {
	prefix := env["DOUSTREAM_TOPIC_PREFIX"]
	client, err := kgo.NewClient(append(kafkaOptions(env),
		kgo.ConsumeTopics(prefix+schemas.TopicUsers, prefix+schemas.TopicResults, prefix+schemas.TopicDeadLetters),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(50*time.Millisecond),
	)...)
	if err != nil {
		return nil, fmt.Errorf("connect reader: %w", err)
	}
	return &watcher{client: client, prefix: prefix, last: time.Now()}, nil
}

// run reads until ctx ends.
func (w *watcher) run(ctx context.Context) {
	defer w.client.Close()
	for ctx.Err() == nil {
		fetches := w.client.PollFetches(ctx)
		now := time.Now()
		w.mu.Lock()
		fetches.EachError(func(topic string, partition int32, err error) {
			if !errors.Is(err, context.Canceled) {
				w.faults = append(w.faults, fmt.Sprintf("read %s/%d: %v", topic, partition, err))
			}
		})
		fetches.EachRecord(func(rec *kgo.Record) { w.take(rec, now) })
		w.mu.Unlock()
	}
}

// take enters one record. The caller holds the lock.
func (w *watcher) take(rec *kgo.Record, now time.Time) {
	o, err := w.read(rec)
	if err != nil {
		w.faults = append(w.faults, fmt.Sprintf("%s/%d/%d cannot be read: %v", rec.Topic, rec.Partition, rec.Offset, err))
		return
	}
	o.at, w.last = now, now
	w.outcomes = append(w.outcomes, o)
}

func (w *watcher) read(rec *kgo.Record) (outcome, error) {
	switch rec.Topic {
	case w.prefix + schemas.TopicUsers:
		u, err := schemas.DecodeEnrichedUser(rec.Value)
		return outcome{source: u.Source, what: u.Kind.String(), partition: rec.Partition, offset: rec.Offset, session: u.SessionID}, err
	case w.prefix + schemas.TopicResults:
		r, err := schemas.DecodeNotificationResult(rec.Value)
		return outcome{source: r.Source, what: r.Status.String()}, err
	default:
		headers := make([]schemas.Header, len(rec.Headers))
		for i, h := range rec.Headers {
			headers[i] = schemas.Header{Key: h.Key, Value: h.Value}
		}
		d, err := schemas.DecodeDeadLetter(headers)
		return outcome{source: d.Source, what: string(d.Reason)}, err
	}
}

// seen answers how many outcomes there are, and when the last came.
func (w *watcher) seen() (int, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.outcomes), w.last
}

func (w *watcher) result() ([]outcome, []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outcomes, w.faults
}
