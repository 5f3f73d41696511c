package sinks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// VerifyConfig says what Verify compares.
type VerifyConfig struct {
	Connect []kgo.Opt
	Group   string // of the sink: what it has committed is what must be there
	Prefix  string
	Tables  Tables
	Since   time.Time // by Kafka timestamp; zero: from the log's start
	// Progress, if any, is called now and then, from one goroutine, with how many
	// offsets of all have been compared.
	Progress func(done, total int64)

	silence time.Duration // tests only: in place of longestSilence
}

// Verification is what Verify found, by topic-partition.
type Verification struct {
	Partitions []VerifiedPartition
}

// OK reports whether every record is one row.
func (v *Verification) OK() bool {
	for _, p := range v.Partitions {
		if !p.OK() {
			return false
		}
	}
	return true
}

// VerifiedPartition compares the records of one topic-partition with its rows.
type VerifiedPartition struct {
	Topic     string
	Partition int32
	Table     string
	From, To  int64 // offsets compared; To is what the sink has committed
	expired   int64 // ms: what is older may be gone by the table's TTL

	letterRows, letterRecords map[int64]bool // the sink's dead letters, once they were asked for

	Records      int64 // that a read_committed reader is given
	DeadLettered int64 // of them, those that the sink made dead letters of
	Expired      int64 // of them, those that are older than rows are kept; they may be rows or not
	Missing      Gaps  // records without a row
	Surplus      Gaps  // rows without a record
	Repeated     Gaps  // offsets with more than one row, those before From included
}

// OK reports whether every record is one row.
func (p VerifiedPartition) OK() bool {
	return p.Missing.Count == 0 && p.Surplus.Count == 0 && p.Repeated.Count == 0
}

// Verify compares what Kafka holds with what ClickHouse holds, for every
// topic-partition that the sink reads: offset by offset, up to what the sink has
// committed. A transaction's markers and aborted records are no records. It only
// reads, and may run beside a sink that works; what is being inserted meanwhile
// lies beyond what it compares. It reads the topics once.
func Verify(ctx context.Context, cfg VerifyConfig) (*Verification, error) {
	options, err := cfg.Tables.options()
	if err != nil {
		return nil, err
	}
	db, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("connect to ClickHouse: %w", err)
	}
	defer db.Close()
	client, err := kgo.NewClient(cfg.Connect...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	found, err := ranges(ctx, cfg, kadm.NewClient(client))
	if err != nil {
		return nil, err
	}
	v := &verifier{cfg: cfg, db: db, progress: progress{report: cfg.Progress}}
	for _, p := range found {
		v.progress.total += p.To - p.From
	}
	for i := range found {
		if err := v.partition(ctx, &found[i]); err != nil {
			return nil, fmt.Errorf("verify %s/%d: %w", found[i].Topic, found[i].Partition, err)
		}
	}
	if err := v.beyond(ctx, found, kadm.NewClient(client)); err != nil {
		return nil, err
	}
	return &Verification{Partitions: found}, nil
}

// ranges lists the offsets to compare: from the log's start, or since, to what the
// group has committed.
func ranges(ctx context.Context, cfg VerifyConfig, admin *kadm.Client) ([]VerifiedPartition, error) {
	var topics []string
	for _, t := range tables {
		topics = append(topics, cfg.Prefix+t.topic)
	}
	committed, err := admin.FetchOffsetsForTopics(ctx, cfg.Group, topics...)
	if err == nil {
		err = committed.Error()
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // a group that never committed
		return nil, fmt.Errorf("fetch the offsets of group %s: %w", cfg.Group, err)
	}
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err == nil && !cfg.Since.IsZero() {
		starts, err = admin.ListOffsetsAfterMilli(ctx, cfg.Since.UnixMilli(), topics...)
	}
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	var out []VerifiedPartition
	for _, t := range tables {
		for _, start := range starts[cfg.Prefix+t.topic] {
			p := VerifiedPartition{Topic: start.Topic, Partition: start.Partition, Table: t.name, From: start.Offset, To: start.Offset}
			if at, ok := committed.Lookup(start.Topic, start.Partition); ok {
				p.To = max(p.From, at.At)
			}
			out = append(out, p)
		}
	}
	sortPartitions(out)
	return out, nil
}

type verifier struct {
	cfg      VerifyConfig
	db       driver.Conn
	progress progress
}

type progress struct {
	report      func(done, total int64)
	done, total int64
	shown       time.Time
}

func (p *progress) add(n int64) {
	p.done += n
	if p.report != nil && (time.Since(p.shown) > 200*time.Millisecond || p.done >= p.total) {
		p.shown = time.Now()
		p.report(p.done, p.total)
	}
}

// partition compares one topic-partition, bucket by bucket, as it reads Kafka.
func (v *verifier) partition(ctx context.Context, p *VerifiedPartition) error {
	if err := v.prepare(ctx, p); err != nil {
		return err
	}
	if err := v.repeatedBefore(ctx, p); err != nil {
		return err
	}
	if p.From == p.To {
		return nil
	}
	sums, err := v.bucketsOf(ctx, p)
	if err != nil {
		return err
	}
	current := newBucket(p.From / bucketOffsets)
	done := p.From
	finish := func(next int64) error {
		if err := v.compare(ctx, p, current, sums[current.number]); err != nil {
			return err
		}
		delete(sums, current.number)
		current = newBucket(next / bucketOffsets)
		return nil
	}
	err = v.readOffsets(ctx, p, func(offset, written int64) error {
		if offset/bucketOffsets != current.number {
			if err := finish(offset); err != nil {
				return err
			}
		}
		current.add(offset)
		if p.Records++; written < p.expired {
			current.expire(offset)
			p.Expired++
		}
		v.progress.add(offset + 1 - done)
		done = offset + 1
		return nil
	})
	if err != nil {
		return fmt.Errorf("read Kafka: %w", err)
	}
	if err := finish(p.To); err != nil {
		return err
	}
	for number, sum := range sums { // rows where Kafka has no record at all
		if err := v.compare(ctx, p, newBucket(number), sum); err != nil {
			return err
		}
	}
	v.progress.add(p.To - done)
	return nil
}

// prepare has the replica that is asked catch up with the others, and reads how
// long the table's rows are kept.
func (v *verifier) prepare(ctx context.Context, p *VerifiedPartition) error {
	if v.cfg.Tables.Layout.Replicated() {
		if err := v.db.Exec(ctx, syncReplica(p.Table)); err != nil {
			return fmt.Errorf("catch up with the replicas of %s: %w", p.Table, err)
		}
	}
	var create string
	err := v.db.QueryRow(ctx, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = "+quoteText(p.Table)).Scan(&create)
	if err != nil {
		return fmt.Errorf("look at table %s: %w", p.Table, err)
	}
	p.expired = expiredBefore(daysOf(create), time.Now())
	return nil
}

// readOffsets calls f with the offset and the timestamp of every record of the
// range that a read_committed reader is given, in order.
func (v *verifier) readOffsets(ctx context.Context, p *VerifiedPartition, f func(offset, written int64) error) error {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, v.cfg.Connect...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.Topic: {p.Partition: kgo.NewOffset().At(p.From)}}),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	silence, read := cmp.Or(v.cfg.silence, longestSilence), p.From
	for {
		bounded, cancel := context.WithTimeout(ctx, silence)
		fetches := client.PollFetches(bounded)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(fetches.Err(), context.DeadlineExceeded) {
			return ended(ctx, client, p, read)
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, rec := range fetches.Records() {
			if rec.Offset >= p.To {
				return nil
			}
			if !rec.Attrs.IsControl() {
				if err := f(rec.Offset, timestampOf(rec)); err != nil {
					return err
				}
			}
			if rec.Offset == p.To-1 {
				return nil
			}
			read = rec.Offset + 1
		}
	}
}

// longestSilence is how long Kafka may give nothing of a range before it is asked
// whether there is anything.
const longestSilence = 15 * time.Second

// ended tells a log that ends before the range does from one that does not answer:
// what was not read was not compared, and its rows are no surplus. Aborted records at
// the end have their marker behind them, which is read.
func ended(ctx context.Context, client *kgo.Client, p *VerifiedPartition, read int64) error {
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, p.Topic)
	if err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	end, ok := ends.Lookup(p.Topic, p.Partition)
	if !ok || end.Err != nil {
		return fmt.Errorf("list end offset: %w", errors.Join(end.Err, errNoAnswer))
	}
	if until := min(end.Offset, p.To); read < until {
		return fmt.Errorf("it gives nothing of offsets %d to %d", read, until-1)
	}
	return nil
}
