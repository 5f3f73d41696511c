package sinks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// letters knows which records of a partition are dead letters of the sink's
// already, so that each is made once: a letter leaves before its range is
// committed, and whoever comes in between, after a crash or an answer that was
// lost, would make it again. The dead-letters topic itself tells: a letter's role
// and source name its record. It is read only where there is something to doubt.
//
// What remains is a letter that its producer sent and that the broker appends
// after the successor has looked: the lease bounds how late that can be, and a
// repeat shows by an equal role and source.
//
// It is write's own.
type letters struct {
	search   *letterSearch
	suspect  int64   // what lies before this offset a predecessor may have made a letter of
	doubtful bool    // an answer was lost
	searched bool    // the topic was read for what is suspect
	found    []int64 // offsets of letters found, ascending
	own      []int64 // offsets of letters made since
}

// has reports whether the record's letter is in the topic.
// least is where the range that is being delivered begins.
func (l *letters) has(ctx context.Context, rec *kgo.Record, least int64) (bool, error) {
	if slices.Contains(l.own, rec.Offset) {
		return true, nil
	}
	if l.doubtful || !l.searched && rec.Offset < l.suspect {
		found, err := l.search.run(ctx, least, rec.Timestamp.Add(-clockSkew))
		if err != nil {
			return false, fmt.Errorf("look for dead letters: %w", err)
		}
		l.found = append(l.found, found...)
		slices.Sort(l.found)
		l.found = slices.Compact(l.found)
		l.doubtful, l.searched = false, true
	}
	_, there := slices.BinarySearch(l.found, rec.Offset)
	return there, nil
}

func (l *letters) made(offset int64) { l.own = append(l.own, offset) }

// doubt says that a letter may have been made or not.
func (l *letters) doubt() { l.doubtful = true }

// settled forgets what nobody will ask for again.
func (l *letters) settled() { l.own = l.own[:0] }

// clockSkew is how far the clocks of who wrote a record and of who made it a dead
// letter may be apart.
const clockSkew = time.Hour

// letterSearch reads the dead-letters topic for the sink's letters of one
// topic-partition. Running it again reads on from where it was.
type letterSearch struct {
	connect     []kgo.Opt
	deadLetters string
	topic       string
	partition   int32
	next        map[int32]kgo.Offset // where each partition is read on from
}

// run answers the offsets, from least on, of records whose letters are in the topic
// now; the first run reads letters made since. Letters leave outside transactions,
// so they are read whether or not another's transaction around them is open.
func (s *letterSearch) run(ctx context.Context, least int64, since time.Time) ([]int64, error) {
	client, err := kgo.NewClient(append(slices.Clone(s.connect), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	ends, err := s.bounds(ctx, kadm.NewClient(client), since)
	if err != nil {
		return nil, err
	}
	from := make(map[int32]kgo.Offset)
	for partition := range ends {
		from[partition] = s.next[partition]
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{s.deadLetters: from})
	var found []int64
	for len(ends) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.deadLetters, err)
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if offset, ok := s.ours(rec); ok && offset >= least {
				found = append(found, offset)
			}
			s.next[rec.Partition] = kgo.NewOffset().At(rec.Offset + 1)
			if end, open := ends[rec.Partition]; open && rec.Offset+1 >= end {
				delete(ends, rec.Partition)
			}
		})
	}
	return found, nil
}

// bounds answers where each partition that has something to be read ends, and sets
// where those that were never read begin.
func (s *letterSearch) bounds(ctx context.Context, admin *kadm.Client, since time.Time) (map[int32]int64, error) {
	starts, err := admin.ListOffsetsAfterMilli(ctx, max(0, since.UnixMilli()), s.deadLetters)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets by time: %w", err)
	}
	listed, err := admin.ListEndOffsets(ctx, s.deadLetters)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	if s.next == nil {
		s.next = make(map[int32]kgo.Offset)
	}
	ends := make(map[int32]int64)
	for partition, end := range listed[s.deadLetters] {
		start, _ := starts.Lookup(s.deadLetters, partition)
		if _, read := s.next[partition]; !read {
			s.next[partition] = kgo.NewOffset().At(start.Offset)
		}
		if end.Offset > max(start.Offset, s.next[partition].EpochOffset().Offset) {
			ends[partition] = end.Offset
		}
	}
	return ends, nil
}

// ours is the offset of the record that a letter of the sink's was made of.
func (s *letterSearch) ours(rec *kgo.Record) (offset int64, ok bool) {
	headers := make([]schemas.Header, len(rec.Headers))
	for i, h := range rec.Headers {
		headers[i] = schemas.Header{Key: h.Key, Value: h.Value}
	}
	d, err := schemas.DecodeDeadLetter(headers)
	if err != nil || d.Role != role || d.Source.Topic != s.topic || d.Source.Partition != s.partition {
		return 0, false
	}
	return d.Source.Offset, true
}
