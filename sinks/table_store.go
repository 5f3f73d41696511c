package sinks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// sendable is a block that the native protocol can send.
type sendable interface {
	rows
	input() proto.Input
	// times are the rows' Kafka timestamps in milliseconds, as the table has them.
	times() []int64
}

// tableStore is the table of one topic-partition, on one connection. It
// implements store. The connection is lent for one range at a time.
type tableStore struct {
	place place
	on    *connection
	sent  func(rows int, took time.Duration) // after every insert that succeeded
	put   [][]int64                          // offsets that were inserted over this store, as each insert had them
}

// insert sends the block as one data block in one INSERT.
func (t *tableStore) insert(ctx context.Context, block rows, token string) error {
	in := block.(sendable).input()
	started := time.Now()
	statement := "INSERT INTO " + quoteName(t.place.table) + " (" + columnList(in) + ") VALUES"
	err := t.on.insert(ctx, statement, append(insertSettings(token), deadline(ctx)...), in)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", t.place.table, err)
	}
	t.sent(len(block.offsets()), time.Since(started))
	t.put = append(t.put, block.offsets())
	return nil
}

// insertSettings make an insert one part that is known by its token. Nothing is
// merged on the way in: what stands behind the views is right merged or not, and
// merging it row by row takes the engine longer than all else.
func insertSettings(token string) []ch.Setting {
	return []ch.Setting{
		{Key: "insert_deduplication_token", Value: token, Important: true},
		{Key: "insert_deduplicate", Value: "1", Important: true},
		{Key: "deduplicate_blocks_in_dependent_materialized_views", Value: "1", Important: true},
		{Key: "async_insert", Value: "0", Important: true},
		{Key: "optimize_on_insert", Value: "0", Important: true},
	}
}

// deadline has the server give up when we do, a second later at most: what it
// does after its client is gone could meet what a successor does.
func deadline(ctx context.Context) []ch.Setting {
	at, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	seconds := max(1, int(time.Until(at).Seconds()))
	return []ch.Setting{{Key: "max_execution_time", Value: strconv.Itoa(seconds), Important: true}}
}

// present asks which of the block's records the table holds. A row of another
// record in the place of one, by its Kafka timestamp, is errCut: the log is not
// the one that the row came from.
func (t *tableStore) present(ctx context.Context, block rows) ([]bool, error) {
	offsets := block.offsets()
	if len(offsets) == 0 {
		return nil, nil
	}
	if err := t.catchUp(ctx); err != nil {
		return nil, err
	}
	times := block.(sendable).times()
	there := make([]bool, len(offsets))
	var at, written proto.ColInt64
	conflict := int64(-1)
	err := t.on.do(ctx, ch.Query{
		Body:   "SELECT `_offset`, toUnixTimestamp64Milli(`_timestamp`) AS t FROM " + quoteName(t.place.table) + " WHERE " + t.where(block),
		Result: proto.Results{{Name: "_offset", Data: &at}, {Name: "t", Data: &written}},
		OnResult: func(context.Context, proto.Block) error {
			for i, offset := range at {
				row, ok := indexOf(offsets, offset)
				if ok {
					there[row] = true
				}
				if ok && times[row] != written[i] {
					conflict = offset
				}
			}
			return nil
		},
		Settings: append(lookUpSettings(), deadline(ctx)...),
	})
	if err != nil {
		return nil, fmt.Errorf("select from %s: %w", t.place.table, err)
	}
	if conflict >= 0 {
		return nil, fmt.Errorf("%w: %s/%d: offset %d is a row of %s with another Kafka timestamp; the topic was made anew, or cut off and written again: "+
			"delete the rows of the log that is gone, or use another topic prefix, and start again", errCut, t.place.topic, t.place.partition, conflict, t.place.table)
	}
	return there, t.excuse(ctx, block.(sendable), there)
}

// catchUp has a replica fetch what the others have taken: what it does not know
// yet would count as missing, and go in under another token. Without the keeper, or
// with a part that no live replica has, it fails, which passes.
func (t *tableStore) catchUp(ctx context.Context) error {
	if !t.on.server.replicated {
		return nil
	}
	err := t.on.do(ctx, ch.Query{Body: syncReplica(t.place.table), Settings: deadline(ctx)})
	if err != nil {
		return fmt.Errorf("catch up with the replicas of %s: %w", t.place.table, err)
	}
	return nil
}

func syncReplica(table string) string {
	return "SYSTEM SYNC REPLICA " + quoteName(table) + " LIGHTWEIGHT"
}

// excuse counts as there what this store has inserted and the table's TTL has taken
// away at once: a backlog may be older than rows are kept.
func (t *tableStore) excuse(ctx context.Context, block sendable, there []bool) error {
	vanished := func(row int, offset int64) bool { return !there[row] && t.inserted(offset) }
	any := false
	for row, offset := range block.offsets() {
		any = any || vanished(row, offset)
	}
	if !any {
		return nil
	}
	var create proto.ColStr
	err := t.on.do(ctx, ch.Query{
		Body:   "SELECT create_table_query AS c FROM system.tables WHERE database = currentDatabase() AND name = " + quoteText(t.place.table),
		Result: proto.Results{{Name: "c", Data: &create}}, Settings: deadline(ctx),
	})
	if err != nil || create.Rows() == 0 {
		return err
	}
	expired := expiredBefore(daysOf(create.Row(0)), time.Now())
	for row, offset := range block.offsets() {
		if vanished(row, offset) && block.times()[row] < expired {
			there[row] = true
		}
	}
	return nil
}

func (t *tableStore) inserted(offset int64) bool {
	return slices.ContainsFunc(t.put, func(offsets []int64) bool {
		_, found := slices.BinarySearch(offsets, offset)
		return found
	})
}

// indexOf finds an offset among ascending ones. Most ranges have no holes, and
// then its place is its distance from the first.
func indexOf(offsets []int64, offset int64) (int, bool) {
	if i := offset - offsets[0]; i >= 0 && i < int64(len(offsets)) && offsets[i] == offset {
		return int(i), true
	}
	return slices.BinarySearch(offsets, offset)
}

// where is the condition that rows lie in the block's range.
func (t *tableStore) where(block rows) string {
	offsets := block.offsets()
	return fmt.Sprintf("`_topic` = %s AND `_partition` = %d AND `_offset` >= %d AND `_offset` <= %d",
		quoteText(t.place.topic), t.place.partition, offsets[0], offsets[len(offsets)-1])
}

// lookUpSettings: what a replica does not know yet counts as missing only when
// the quorum has agreed (no effect on tables without replicas), and no limit of
// a profile may cut the answer short.
func lookUpSettings() []ch.Setting {
	return []ch.Setting{
		{Key: "select_sequential_consistency", Value: "1", Important: true},
		{Key: "max_result_rows", Value: "0", Important: true},
	}
}

func columnList(in proto.Input) string {
	names := make([]string, len(in))
	for i, c := range in {
		names[i] = quoteName(c.Name)
	}
	return strings.Join(names, ", ")
}

var (
	nameEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`")
	textEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
)

// quoteName makes a ClickHouse identifier.
func quoteName(name string) string { return "`" + nameEscapes.Replace(name) + "`" }

// quoteText makes a ClickHouse string literal.
func quoteText(text string) string { return "'" + textEscapes.Replace(text) + "'" }
