package sinks

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"sort"

	"github.com/twmb/franz-go/pkg/kadm"

	"doustream/schemas"
)

// bucketOffsets is how many offsets are compared by their sums at a time.
const bucketOffsets = 1 << 16

// bucketSum is what rows and records of a bucket are first compared by.
type bucketSum struct {
	rows, distinct, sum, squares uint64
}

// bucket is the records of a bucket.
type bucket struct {
	number int64
	bits   [bucketOffsets / 64]uint64
	bucketSum
	expired map[int64]bool // of these a row may be there or not
}

func newBucket(number int64) *bucket { return &bucket{number: number} }

func (b *bucket) add(offset int64) {
	at := offset % bucketOffsets
	b.bits[at/64] |= 1 << (at % 64)
	b.rows++
	b.distinct++
	b.sum += uint64(offset)
	b.squares += uint64(offset) * uint64(offset)
}

// expire says that the offset's row may be gone.
func (b *bucket) expire(offset int64) {
	if b.expired == nil {
		b.expired = make(map[int64]bool)
	}
	b.expired[offset] = true
}

func (b *bucket) has(offset int64) bool {
	at := offset % bucketOffsets
	return b.bits[at/64]&(1<<(at%64)) != 0
}

// each calls f with every offset of the bucket, ascending.
func (b *bucket) each(f func(offset int64)) {
	for i, word := range b.bits {
		for ; word != 0; word &= word - 1 {
			f(b.number*bucketOffsets + int64(i*64+bits.TrailingZeros64(word)))
		}
	}
}

// bucketsOf sums the partition's rows up, bucket by bucket.
func (v *verifier) bucketsOf(ctx context.Context, p *VerifiedPartition) (map[int64]bucketSum, error) {
	found, err := v.db.Query(ctx, fmt.Sprintf(
		"SELECT intDiv(`_offset`, %d) AS bucket, count(), uniqExact(`_offset`), sum(toUInt64(`_offset`)), sum(toUInt64(`_offset`) * toUInt64(`_offset`)) FROM %s WHERE %s GROUP BY bucket",
		bucketOffsets, quoteName(p.Table), p.where()))
	if err != nil {
		return nil, fmt.Errorf("read ClickHouse: %w", err)
	}
	defer found.Close()
	sums := make(map[int64]bucketSum)
	for found.Next() {
		var number int64
		var s bucketSum
		if err := found.Scan(&number, &s.rows, &s.distinct, &s.sum, &s.squares); err != nil {
			return nil, fmt.Errorf("read ClickHouse: %w", err)
		}
		sums[number] = s
	}
	return sums, found.Err()
}

func (p *VerifiedPartition) where() string {
	return fmt.Sprintf("`_topic` = %s AND `_partition` = %d AND `_offset` >= %d AND `_offset` < %d", quoteText(p.Topic), p.Partition, p.From, p.To)
}

// compare finds where a bucket's rows and records differ.
func (v *verifier) compare(ctx context.Context, p *VerifiedPartition, b *bucket, rows bucketSum) error {
	if b.bucketSum == rows {
		return nil
	}
	found, err := v.db.Query(ctx, fmt.Sprintf("SELECT `_offset`, count() FROM %s WHERE %s AND intDiv(`_offset`, %d) = %d GROUP BY `_offset` ORDER BY `_offset`",
		quoteName(p.Table), p.where(), bucketOffsets, b.number))
	if err != nil {
		return fmt.Errorf("read ClickHouse: %w", err)
	}
	defer found.Close()
	there := newBucket(b.number)
	for found.Next() {
		var offset int64
		var n uint64
		if err := found.Scan(&offset, &n); err != nil {
			return fmt.Errorf("read ClickHouse: %w", err)
		}
		there.add(offset)
		if n > 1 {
			p.Repeated.add(offset)
		}
		if !b.has(offset) {
			p.Surplus.add(offset)
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("read ClickHouse: %w", err)
	}
	var missing []int64
	b.each(func(offset int64) {
		if !there.has(offset) && !b.expired[offset] {
			missing = append(missing, offset)
		}
	})
	return v.miss(ctx, p, missing)
}

// miss notes records without a row, save for those that the sink made dead letters
// of: the table of dead letters tells, or the topic, where a live sink has not come
// to its row yet.
func (v *verifier) miss(ctx context.Context, p *VerifiedPartition, missing []int64) error {
	for _, source := range []func(context.Context, *VerifiedPartition) (map[int64]bool, error){v.letterRows, v.letterRecords} {
		if len(missing) == 0 {
			return nil
		}
		letters, err := source(ctx, p)
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		before := len(missing)
		missing = slices.DeleteFunc(missing, func(offset int64) bool { return letters[offset] })
		p.DeadLettered += int64(before - len(missing))
	}
	for _, offset := range missing {
		p.Missing.add(offset)
	}
	return nil
}

// letterRows are the offsets of the partition that dead_letters has.
func (v *verifier) letterRows(ctx context.Context, p *VerifiedPartition) (map[int64]bool, error) {
	if p.letterRows != nil {
		return p.letterRows, nil
	}
	found, err := v.db.Query(ctx, fmt.Sprintf("SELECT DISTINCT source_offset FROM %s WHERE role = %s AND source_topic = %s AND source_partition = %d AND source_offset >= %d AND source_offset < %d",
		quoteName(deadLettersTable), quoteText(role), quoteText(p.Topic), p.Partition, p.From, p.To))
	if err != nil {
		return nil, err
	}
	defer found.Close()
	p.letterRows = make(map[int64]bool)
	for found.Next() {
		var offset int64
		if err := found.Scan(&offset); err != nil {
			return nil, err
		}
		p.letterRows[offset] = true
	}
	return p.letterRows, found.Err()
}

// letterRecords are the offsets of the partition that the dead-letters topic has.
func (v *verifier) letterRecords(ctx context.Context, p *VerifiedPartition) (map[int64]bool, error) {
	if p.letterRecords != nil {
		return p.letterRecords, nil
	}
	search := letterSearch{connect: v.cfg.Connect, deadLetters: v.cfg.Prefix + schemas.TopicDeadLetters, topic: p.Topic, partition: p.Partition}
	offsets, err := search.run(ctx, p.From, v.cfg.Since.Add(-clockSkew))
	if err != nil {
		return nil, err
	}
	p.letterRecords = make(map[int64]bool, len(offsets))
	for _, offset := range offsets {
		p.letterRecords[offset] = true
	}
	return p.letterRecords, nil
}

// repeatedBefore finds repeated rows of records that the log no longer holds.
func (v *verifier) repeatedBefore(ctx context.Context, p *VerifiedPartition) error {
	found, err := v.db.Query(ctx, fmt.Sprintf("SELECT `_offset` FROM %s WHERE `_topic` = %s AND `_partition` = %d AND `_offset` < %d GROUP BY `_offset` HAVING count() > 1 ORDER BY `_offset`",
		quoteName(p.Table), quoteText(p.Topic), p.Partition, p.From))
	if err != nil {
		return fmt.Errorf("read ClickHouse: %w", err)
	}
	defer found.Close()
	for found.Next() {
		var offset int64
		if err := found.Scan(&offset); err != nil {
			return fmt.Errorf("read ClickHouse: %w", err)
		}
		p.Repeated.add(offset)
	}
	return found.Err()
}

// beyond finds rows of offsets that the log has not reached: of a topic that was
// made again.
func (v *verifier) beyond(ctx context.Context, partitions []VerifiedPartition, admin *kadm.Client) error {
	var topics []string
	for _, t := range tables {
		topics = append(topics, v.cfg.Prefix+t.topic)
	}
	highest := make([]int64, len(partitions))
	for i, p := range partitions {
		query := fmt.Sprintf("SELECT max(`_offset`) FROM %s WHERE `_topic` = %s AND `_partition` = %d AND `_offset` >= %d",
			quoteName(p.Table), quoteText(p.Topic), p.Partition, p.To)
		if err := v.db.QueryRow(ctx, query).Scan(&highest[i]); err != nil {
			return fmt.Errorf("read ClickHouse: %w", err)
		}
	}
	// The ends are listed after the rows: what was written in between is not
	// beyond them.
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	for i := range partitions {
		p := &partitions[i]
		if end, ok := ends.Lookup(p.Topic, p.Partition); ok && highest[i] >= max(end.Offset, p.To) && highest[i] > 0 {
			p.Surplus.add(highest[i])
		}
	}
	return nil
}

// maxGaps bounds how many ranges of offsets are listed for one finding.
const maxGaps = 1000

// Gaps are offsets, as ranges.
type Gaps struct {
	Count  int64
	Ranges [][2]int64 // first and last, ascending; at most a thousand
}

// add takes offsets in ascending order; others make ranges of their own.
func (g *Gaps) add(offset int64) {
	g.Count++
	if n := len(g.Ranges); n > 0 && g.Ranges[n-1][1] == offset-1 {
		g.Ranges[n-1][1] = offset
	} else if n < maxGaps {
		g.Ranges = append(g.Ranges, [2]int64{offset, offset})
	}
}

func sortPartitions(partitions []VerifiedPartition) {
	sort.Slice(partitions, func(i, j int) bool {
		a, b := partitions[i], partitions[j]
		if a.Topic != b.Topic {
			return a.Topic < b.Topic
		}
		return a.Partition < b.Partition
	})
}
