package sinks

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// idle is a sink that is not connected, with so many partitions of users.enriched.
func idle(t *testing.T, partitions int32, change func(*ClickHouseConfig)) (*ClickHouse, *partition) {
	t.Helper()
	encoder, err := schemas.NewEncoder(schemas.FormatSingleObject, nil)
	if err != nil {
		t.Fatal(err)
	}
	topics, err := NewTopics(TopicsConfig{Encoder: encoder})
	if err != nil {
		t.Fatal(err)
	}
	cfg := ClickHouseConfig{Group: testGroup, Topics: topics, Tables: Tables{DSN: "clickhouse://127.0.0.1:1/db"}}
	change(&cfg)
	s, err := NewClickHouse(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s.client, err = kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"), kgo.ConsumeTopics(schemas.TopicUsers)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	s.lease = newLease(cfg.SessionTimeout, nil)
	given := map[string][]int32{}
	for n := range partitions {
		given[schemas.TopicUsers] = append(given[schemas.TopicUsers], n)
	}
	s.assigned(testContext(t), s.client, given)
	t.Cleanup(func() { s.release(s.all(), 0) })
	return s, s.lookup(schemas.TopicUsers, 0)
}

// polled is a record of so many bytes, as a poll brings it.
func polled(bytes int64) fetched {
	return fetched{records: []*kgo.Record{{Topic: schemas.TopicUsers, Value: make([]byte, bytes-64)}}}
}

// I9: a partition at its share of the memory is not fetched from, until half of
// that is in the table. It is the client that pauses: polling, and with it the
// group's membership, goes on.
func TestI9APartitionAtItsShareIsPausedUntilHalfOfItIsLeft(t *testing.T) {
	t.Parallel()
	s, p := idle(t, 2, func(c *ClickHouseConfig) { c.MemoryBytes = 8 << 20 }) // a share is 4 MiB
	paused := func() bool { return len(s.client.PauseFetchPartitions(nil)) > 0 }
	for _, step := range []struct {
		name   string
		do     func()
		paused bool
	}{
		{"below the share", func() { p.enqueue(polled(3 << 20)) }, false},
		{"at the share", func() { p.enqueue(polled(1 << 20)) }, true},
		{"what was on its way is kept", func() { p.enqueue(polled(1 << 20)) }, true},
		{"more than half is left", func() { p.landed(2 << 20) }, true},
		{"half is left", func() { p.landed(1 << 20) }, false},
		{"and again", func() { p.enqueue(polled(2 << 20)) }, true},
		{"a range of a predecessor is read whole", func() { p.takeWhole(true); p.enqueue(polled(9 << 20)) }, false},
		{"and then the bound counts again", func() { p.takeWhole(false); p.enqueue(polled(100)) }, true},
		{"it is gone, and may come again", func() { s.release(s.take(map[string][]int32{schemas.TopicUsers: {0}}), 0) }, false},
	} {
		step.do()
		if got := paused(); got != step.paused {
			t.Errorf("%s: paused is %v", step.name, got)
		}
	}
}

// I9: the memory is shared by the partitions, of which one that has all of it to
// itself holds no more than two blocks.
func TestI9TheMemoryIsSharedByThePartitions(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		partitions int32
		memory     int64
		block      int64
		share      int64
	}{
		{"one alone: two blocks", 1, 256 << 20, 64 << 20, 128 << 20},
		{"four: a quarter each", 4, 256 << 20, 64 << 20, 64 << 20},
		{"very many: a MiB at least, or nothing would move", 500, 256 << 20, 64 << 20, 1 << 20},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, p := idle(t, row.partitions, func(c *ClickHouseConfig) { c.MemoryBytes, c.BlockBytes = row.memory, row.block })
			if got := s.share(); got != row.share {
				t.Errorf("a share of %d; want %d", got, row.share)
			}
			if got := p.limit(); got != row.share/2 {
				t.Errorf("a block of %d bytes; want %d: one fills while another is inserted", got, row.share/2)
			}
		})
	}
}

// A block is full by its rows or by its bytes, and what comes after goes into the
// next one.
func TestABlockIsFullByRowsOrBytes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*ClickHouseConfig)
		size   int
		want   int64
	}{
		"by rows":  {func(c *ClickHouseConfig) { c.BlockRows = 3 }, 100, 3},
		"by bytes": {func(c *ClickHouseConfig) { c.BlockBytes = 1 << 20 }, 300_000, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := idle(t, 1, row.change)
			for offset := range int64(10) { // what is no row is of its block all the same
				p.rest = append(p.rest, &kgo.Record{Topic: schemas.TopicUsers, Offset: offset, Value: make([]byte, row.size)})
			}
			b := s.blanks[p.table.name].take()
			if !p.fit(b) || b.count != row.want || len(p.rest) != 10-int(row.want) || b.span() != (span{0, row.want - 1, row.want}) {
				t.Errorf("%d records of 10, %d left; want %d", b.count, len(p.rest), row.want)
			}
		})
	}
}
