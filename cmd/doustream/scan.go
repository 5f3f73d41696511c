package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const scanTimeout = 15 * time.Second // without anything new

// scan visits the committed records of a topic that were written since, to the
// end that it has now, each partition in the order of its offsets.
func scan(ctx context.Context, opts []kgo.Opt, topic string, since time.Duration, visit func(*kgo.Record) error) error {
	client, err := kgo.NewClient(append(opts,
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the last offset before the end may be one
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return fmt.Errorf("make kafka client: %w", err)
	}
	defer client.Close()
	ends, err := scanRange(ctx, client, topic, since)
	if err != nil {
		return err
	}
	for len(ends) > 0 {
		fetches, err := pollWithin(ctx, client)
		if err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for iter := fetches.RecordIter(); !iter.Done(); {
			record := iter.Next()
			end, wanted := ends[record.Partition]
			if !wanted {
				continue
			}
			if record.Offset >= end-1 { // beyond it, if what lies there was aborted, compacted or deleted
				delete(ends, record.Partition)
			}
			if record.Offset >= end || record.Attrs.IsControl() {
				continue
			}
			if err := visit(record); err != nil {
				return err
			}
		}
	}
	return nil
}

func pollWithin(ctx context.Context, client *kgo.Client) (kgo.Fetches, error) {
	ctx, cancel := context.WithTimeout(ctx, scanTimeout)
	defer cancel()
	fetches := client.PollFetches(ctx)
	return fetches, fetches.Err()
}

// scanRange sets the client to read from since, and answers the end of each
// partition that has anything.
func scanRange(ctx context.Context, client *kgo.Client, topic string, since time.Duration) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, scanTimeout)
	defer cancel()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil && since > 0 {
		starts, err = admin.ListOffsetsAfterMilli(ctx, time.Now().Add(-since).UnixMilli(), topic)
	}
	if err == nil {
		err = topicError(starts, topic)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of %s: %w", topic, err)
	}
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = topicError(stable, topic)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of %s: %w", topic, err)
	}
	ends := map[int32]int64{}
	from := map[int32]kgo.Offset{}
	stable.Each(func(end kadm.ListedOffset) {
		start, ok := starts.Lookup(topic, end.Partition)
		if ok && start.Offset >= 0 && start.Offset < end.Offset {
			ends[end.Partition] = end.Offset
			from[end.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	return ends, nil
}

func topicError(offsets kadm.ListedOffsets, topic string) error {
	if err := offsets.Error(); err != nil {
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return errors.New("the topic does not exist (doustream topics makes it)")
		}
		return err
	}
	if len(offsets[topic]) == 0 {
		return errors.New("the topic does not exist (doustream topics makes it)")
	}
	return nil
}
