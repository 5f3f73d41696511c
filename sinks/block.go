package sinks

import (
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// namedColumn is a column of a table with its name there.
type namedColumn struct {
	name string
	column
}

// rowWriter decodes records into the columns of one table. It is a block's own
// and not safe for concurrent use.
type rowWriter interface {
	// write appends the record's row. After an error nothing of the record is
	// in the columns.
	write(rec *kgo.Record) error
	// columns are the table's own columns, without those that say where the row
	// came from. Those that have rows fewer than the block are padded.
	columns() []namedColumn
}

// block is rows of one topic-partition, in the order of their offsets, as
// columns ready to be sent. All its records have a Kafka timestamp in one month,
// the table's partition: a block makes one part, which is there or is not.
type block struct {
	writer rowWriter
	table  []namedColumn
	at     []int64 // offsets of the rows

	topic      dictionaryColumn
	partition  numberColumn[int32]
	offset     numberColumn[int64]
	timestamp  numberColumn[int64]
	first      int64 // offsets delivered, rows or not
	last       int64
	count      int64
	epoch      int32 // of the log's leader, at the last
	bytes      int64 // of the records' keys and values
	weight     int64 // as the queue counts them
	month      month // of every record
	oldest     int64 // earliest Kafka timestamp, ms
	rejections []rejection
	announced  *span // the range that a predecessor announced and that this block stands for
}

// blanks are blocks of one table to be filled again: their columns have grown to
// the size that a block needs. Safe for concurrent use.
type blanks struct {
	table   table
	decoder *schemas.Decoder
	free    chan *block
}

// spareBlocks bounds the blocks of one table that wait to be filled again.
const spareBlocks = 4

func newBlanks(t table, d *schemas.Decoder) *blanks {
	return &blanks{table: t, decoder: d, free: make(chan *block, spareBlocks)}
}

// take answers an empty block.
func (b *blanks) take() *block {
	select {
	case block := <-b.free:
		return block
	default:
		return newBlock(b.table.rows(b.decoder))
	}
}

// giveBack lets a block's memory be used again.
func (b *blanks) giveBack(block *block) {
	block.reset()
	select {
	case b.free <- block:
	default:
	}
}

// rejection is a record that cannot be a row.
type rejection struct {
	record *kgo.Record
	cause  error
}

func newBlock(w rowWriter) *block {
	b := &block{writer: w, table: w.columns(), topic: *newDictionary()}
	b.reset()
	return b
}

func (b *block) reset() {
	for _, c := range b.source() {
		c.reset()
	}
	for _, c := range b.table {
		c.reset()
	}
	b.at, b.rejections, b.announced = b.at[:0], nil, nil
	b.first, b.last, b.count, b.bytes, b.weight, b.month, b.oldest = -1, -1, 0, 0, 0, month{}, maxTimestamp
}

// source are the columns that every table has.
func (b *block) source() []namedColumn {
	return []namedColumn{
		{"_topic", &b.topic}, {"_partition", &b.partition}, {"_offset", &b.offset}, {"_timestamp", &b.timestamp},
	}
}

// add takes a record in, as a row or as a rejection. The columns hold copies, so
// that a record that is done is not needed any more.
func (b *block) add(rec *kgo.Record) (done bool) {
	at := timestampOf(rec)
	if b.count == 0 {
		b.first = rec.Offset
		b.month = monthOf(at)
	}
	b.last, b.epoch = rec.Offset, rec.LeaderEpoch
	b.count++
	b.bytes += int64(len(rec.Key) + len(rec.Value))
	b.weight += weight(rec)
	b.oldest = min(b.oldest, at)
	if err := b.writer.write(rec); err != nil {
		b.rejections = append(b.rejections, rejection{rec, err})
		return false
	}
	b.topic.append(rec.Topic)
	b.partition.append(rec.Partition)
	b.offset.append(rec.Offset)
	b.timestamp.append(at)
	b.at = append(b.at, rec.Offset)
	return true
}

// takes reports whether the record may join the block: an empty block takes any,
// another those of its month.
func (b *block) takes(rec *kgo.Record) bool {
	return b.count == 0 || b.month.holds(timestampOf(rec))
}

func (b *block) span() span { return span{First: b.first, Last: b.last, Count: b.count} }

func (b *block) offsets() []int64 { return b.at }

func (b *block) times() []int64 { return b.timestamp.data }

func (b *block) pick(keep []bool) rows {
	out := &picked{at: make([]int64, 0, len(b.at))}
	all := true
	for i, k := range keep {
		if k {
			out.at = append(out.at, b.at[i])
			out.written = append(out.written, b.timestamp.data[i])
		}
		all = all && k
	}
	if all {
		return b
	}
	for _, c := range b.input() {
		out.columns = append(out.columns, proto.InputColumn{Name: c.Name, Data: c.Data.(column).pick(keep)})
	}
	return out
}

// input is the block as the native protocol wants it. Columns of which no record
// had a value are left out: the table's defaults stand for them.
func (b *block) input() proto.Input {
	in := make(proto.Input, 0, len(b.table)+4)
	for _, c := range b.source() {
		in = append(in, proto.InputColumn{Name: c.name, Data: c.column})
	}
	for _, c := range b.table {
		if c.Rows() == 0 {
			continue
		}
		c.pad(len(b.at))
		in = append(in, proto.InputColumn{Name: c.name, Data: c.column})
	}
	return in
}

// picked is some of a block's rows.
type picked struct {
	at      []int64
	written []int64 // timestamps
	columns proto.Input
}

func (p *picked) offsets() []int64   { return p.at }
func (p *picked) times() []int64     { return p.written }
func (p *picked) input() proto.Input { return p.columns }

func (p *picked) pick(keep []bool) rows {
	out := &picked{}
	for i, k := range keep {
		if k {
			out.at = append(out.at, p.at[i])
			out.written = append(out.written, p.written[i])
		}
	}
	for _, c := range p.columns {
		out.columns = append(out.columns, proto.InputColumn{Name: c.Name, Data: c.Data.(column).pick(keep)})
	}
	return out
}

// maxTimestamp is the last millisecond of 2299, the last year of DateTime64(3).
const maxTimestamp = 10413791999999

// clampTime bounds milliseconds to what DateTime64(3) and toYYYYMM hold: years
// 1970 to 2299. A time outside is somebody's broken clock, not a reason to lose
// the row.
func clampTime(ms int64) int64 { return min(max(ms, 0), maxTimestamp) }

// timestampOf is the record's Kafka timestamp, as its row has it.
func timestampOf(rec *kgo.Record) int64 { return clampTime(rec.Timestamp.UnixMilli()) }

// month is one of the table's partitions, toYYYYMM in UTC, as milliseconds: from
// its first until the next one's.
type month struct{ from, until int64 }

// monthOf is the month of a timestamp.
func monthOf(ms int64) month {
	at := time.UnixMilli(ms).UTC()
	from := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	return month{from.UnixMilli(), from.AddDate(0, 1, 0).UnixMilli()}
}

func (m month) holds(ms int64) bool { return ms >= m.from && ms < m.until }
