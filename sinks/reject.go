package sinks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

const (
	role        = "sink"
	stageDecode = "decode" // the record cannot be read
	stageInsert = "insert" // ClickHouse refuses the row
)

// rejectAll makes dead letters of the block's records that cannot be rows. Those
// that are in Kafka are not made again by a retry.
func (p *partition) rejectAll(ctx context.Context, b *block) error {
	for len(b.rejections) > 0 {
		r := b.rejections[0]
		reason := schemas.ReasonOf(r.cause)
		if reason == "" {
			reason = schemas.ReasonUndecodable
		}
		if err := p.deadLetter(ctx, r.record, reason, stageDecode); err != nil {
			return err
		}
		b.rejections = b.rejections[1:]
	}
	return nil
}

// reject makes a dead letter of the record at an offset whose row the table
// refuses. The block holds its columns only, so the record is read again.
func (p *partition) reject(ctx context.Context, offset int64, cause error) error {
	rec, err := p.read(ctx, offset)
	if err != nil {
		return fmt.Errorf("read record again: %w", err)
	}
	p.log.Error("ClickHouse refuses a row", "offset", offset, "error", cause)
	return p.deadLetter(ctx, rec, schemas.ReasonInvalid, stageInsert)
}

// deadLetter produces the record's dead letter, unless it is there already: made by
// a predecessor, or by a try of ours whose answer did not come.
func (p *partition) deadLetter(ctx context.Context, rec *kgo.Record, reason schemas.Reason, stage string) error {
	there, err := p.letters.has(ctx, rec, p.delivery.pending.First)
	if err != nil || there {
		return err
	}
	letter := p.sink.cfg.Topics.DeadLetter(rec, schemas.DeadLetter{
		Reason: reason, Stage: stage, Role: role, Attempts: 1, FailedAt: time.Now().UnixMilli(),
	})
	if err := p.sink.client.ProduceSync(ctx, letter).FirstErr(); err != nil {
		p.letters.doubt()
		return fmt.Errorf("produce dead letter: %w", err)
	}
	p.letters.made(rec.Offset)
	p.sink.metrics.rejected.WithLabelValues(p.table.name, stage).Inc()
	return nil
}

// errGone: the table refuses a row and the log no longer holds its record, so that
// it can be neither.
var errGone = errors.New("the record is gone from the log")

// read fetches one record of the partition by a client of its own.
func (p *partition) read(ctx context.Context, offset int64) (*kgo.Record, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, p.sink.cfg.Connect...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.place.topic: {p.place.partition: kgo.NewOffset().At(offset)}}),
	)...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	fetches := client.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		return nil, err
	}
	records := fetches.Records()
	if len(records) == 0 || records[0].Offset != offset {
		return nil, errGone
	}
	return records[0], nil
}
