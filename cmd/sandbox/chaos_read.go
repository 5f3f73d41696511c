package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// readAll reads topics from their starts to the ends that they have now.
func readAll(ctx context.Context, env environment, committed bool, topics ...string) ([]*kgo.Record, error) {
	ends, err := endsOf(ctx, env, committed, topics)
	if err != nil {
		return nil, err
	}
	assign, left := map[string]map[int32]kgo.Offset{}, map[string]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset == 0 {
			return
		}
		if assign[o.Topic] == nil {
			assign[o.Topic] = map[int32]kgo.Offset{}
		}
		assign[o.Topic][o.Partition] = kgo.NewOffset().AtStart()
		left[fmt.Sprint(o.Topic, "/", o.Partition)] = o.Offset
	})
	if len(left) == 0 {
		return nil, nil
	}
	level := kgo.ReadUncommitted()
	if committed {
		level = kgo.ReadCommitted()
	}
	// A transaction's end is a record too: kept, it tells that the end was reached.
	client, err := kgo.NewClient(append(kafkaOptions(env), kgo.ConsumePartitions(assign), kgo.FetchIsolationLevel(level), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, fmt.Errorf("connect reader: %w", err)
	}
	defer client.Close()
	var all []*kgo.Record
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("read %v, %d partitions left: %w", topics, len(left), err)
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			at := fmt.Sprint(rec.Topic, "/", rec.Partition)
			if rec.Offset >= left[at]-1 {
				delete(left, at)
			}
			if !rec.Attrs.IsControl() {
				all = append(all, rec)
			}
		})
	}
	return all, nil
}

func endsOf(ctx context.Context, env environment, committed bool, topics []string) (kadm.ListedOffsets, error) {
	client, err := kgo.NewClient(kafkaOptions(env)...)
	if err != nil {
		return nil, fmt.Errorf("connect reader: %w", err)
	}
	defer client.Close()
	list := kadm.NewClient(client).ListEndOffsets
	if committed {
		list = kadm.NewClient(client).ListCommittedOffsets
	}
	ends, err := list(ctx, topics...)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, fmt.Errorf("ask for the ends of %v: %w", topics, err)
	}
	return ends, nil
}

// openTransactions names the partitions of which a read-committed reader does
// not see the end, since a transaction is open there.
func openTransactions(ctx context.Context, env environment, topics ...string) ([]string, error) {
	ends, err := endsOf(ctx, env, false, topics)
	if err != nil {
		return nil, err
	}
	stable, err := endsOf(ctx, env, true, topics)
	if err != nil {
		return nil, err
	}
	var open []string
	ends.Each(func(o kadm.ListedOffset) {
		if s, ok := stable.Lookup(o.Topic, o.Partition); ok && s.Offset < o.Offset {
			open = append(open, fmt.Sprintf("%s/%d from %d to %d", o.Topic, o.Partition, s.Offset, o.Offset))
		}
	})
	slices.Sort(open)
	return open, nil
}

// sinkIsDone is an error while the sink's group has not committed all that there
// is in the output topics.
func sinkIsDone(ctx context.Context, env environment) error {
	client, err := kgo.NewClient(kafkaOptions(env)...)
	if err != nil {
		return fmt.Errorf("connect reader: %w", err)
	}
	defer client.Close()
	last := map[schemas.Source]int64{}
	records, err := readAll(ctx, env, true, outputTopics(env)...)
	for _, rec := range records {
		last[schemas.Source{Topic: rec.Topic, Partition: rec.Partition}] = rec.Offset
	}
	return errors.Join(err, hasCommitted(ctx, client, env["DOUSTREAM_GROUP_PREFIX"]+"doustream-sink", last))
}

// rolesAreDone is an error while the groups that read the inputs have not
// committed all of them.
func rolesAreDone(ctx context.Context, env environment, inputs []input) error {
	client, err := kgo.NewClient(kafkaOptions(env)...)
	if err != nil {
		return fmt.Errorf("connect reader: %w", err)
	}
	defer client.Close()
	events, orders := map[schemas.Source]int64{}, map[schemas.Source]int64{}
	for _, in := range inputs {
		last := events
		if in.source.Topic == env["DOUSTREAM_TOPIC_PREFIX"]+schemas.TopicOrders {
			last = orders
		}
		at := schemas.Source{Topic: in.source.Topic, Partition: in.source.Partition}
		last[at] = max(last[at], in.source.Offset)
	}
	prefix := env["DOUSTREAM_GROUP_PREFIX"] + "doustream-"
	return errors.Join(hasCommitted(ctx, client, prefix+"enrich", events), hasCommitted(ctx, client, prefix+"notify", orders))
}

// hasCommitted is an error while a group has not committed the last offset of each
// partition.
func hasCommitted(ctx context.Context, client *kgo.Client, group string, last map[schemas.Source]int64) error {
	committed, err := kadm.NewClient(client).FetchOffsets(ctx, group)
	if err != nil {
		return fmt.Errorf("ask for the offsets of %s: %w", group, err)
	}
	for at, offset := range last {
		if c, ok := committed.Lookup(at.Topic, at.Partition); !ok || c.At <= offset {
			err = errors.Join(err, fmt.Errorf("%s/%d: committed %d of %d", at.Topic, at.Partition, c.At, offset+1))
		}
	}
	return err
}

// outputTopics are those that doustream's readers read.
func outputTopics(env environment) []string {
	prefix := env["DOUSTREAM_TOPIC_PREFIX"]
	return []string{prefix + schemas.TopicUsers, prefix + schemas.TopicResults, prefix + schemas.TopicDeadLetters}
}

// readInputs reads what the input topics hold: what was sent, and what a
// producer's retry may have sent twice.
func readInputs(ctx context.Context, env environment) ([]input, error) {
	prefix := env["DOUSTREAM_TOPIC_PREFIX"]
	topics := []string{prefix + schemas.TopicOrders}
	for _, t := range schemas.InputTopics() {
		topics = append(topics, prefix+t)
	}
	records, err := readAll(ctx, env, false, topics...)
	if err != nil {
		return nil, err
	}
	inputs := make([]input, len(records))
	for i, rec := range records {
		var ids struct {
			Event        string `json:"event_id"`
			Notification string `json:"notification_id"`
		}
		if len(rec.Value) < 64<<10 && json.Unmarshal(rec.Value, &ids) != nil {
			ids.Event, ids.Notification = "", ""
		}
		inputs[i] = input{schemas.Source{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}, ids.Event + ids.Notification, digestOf(rec)}
	}
	return inputs, nil
}

// readOutputs reads what a read-committed consumer finds in the output topics.
func readOutputs(ctx context.Context, env environment, keys readerKeys) (seen []sighting, garbled []string, err error) {
	prefix := env["DOUSTREAM_TOPIC_PREFIX"]
	records, err := readAll(ctx, env, true, outputTopics(env)...)
	if err != nil {
		return nil, nil, err
	}
	for _, rec := range records {
		s, err := sight(rec, rec.Topic[len(prefix):], keys)
		if err != nil {
			garbled = append(garbled, fmt.Sprintf("%s/%d/%d: %v", rec.Topic, rec.Partition, rec.Offset, err))
			continue
		}
		s.topic, s.partition, s.at = rec.Topic, rec.Partition, rec.Timestamp
		seen = append(seen, s)
	}
	return seen, garbled, nil
}

func sight(rec *kgo.Record, topic string, keys readerKeys) (sighting, error) {
	switch topic {
	case schemas.TopicUsers:
		u, err := schemas.DecodeEnrichedUser(rec.Value)
		if err != nil {
			return sighting{}, err
		}
		says, err := keys.facts(rec, &u)
		return sighting{
			source: u.Source, what: u.Kind.String(), enriched: true, id: u.EventID, app: u.AppID, session: u.SessionID,
			openID: u.OpenID, occurred: u.OccurredAt, says: says,
		}, err
	case schemas.TopicResults:
		r, err := schemas.DecodeNotificationResult(rec.Value)
		return sighting{source: r.Source, what: r.Status.String(), id: r.NotificationID, app: r.AppID, openID: r.OpenID}, err
	}
	headers := make([]schemas.Header, len(rec.Headers))
	for i, h := range rec.Headers {
		headers[i] = schemas.Header{Key: h.Key, Value: h.Value}
	}
	d, err := schemas.DecodeDeadLetter(headers)
	return sighting{source: d.Source, what: string(d.Reason), digest: digestOf(rec)}, err
}

// readConsents reads what doustream made known of users' consent.
func readConsents(ctx context.Context, env environment) ([]consent, error) {
	records, err := readAll(ctx, env, true, env["DOUSTREAM_TOPIC_PREFIX"]+schemas.TopicConsents)
	if err != nil {
		return nil, err
	}
	consents := make([]consent, len(records))
	for i, rec := range records {
		f, err := schemas.DecodeConsentFact(rec.Value)
		if err != nil {
			return nil, fmt.Errorf("read consent: %w", err)
		}
		consents[i] = consent{rec.Timestamp, f.Source, f.AppID, f.OpenID, f.TemplateID, f.Status, f.OccurredAt}
	}
	return consents, nil
}
