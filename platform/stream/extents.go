package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// extent is where a log begins and ends.
type extent struct{ start, end int64 }

// extentWait is how long a broker may take to say where its logs begin, or end.
const extentWait = 5 * time.Second

// readExtents asks for the extents of inputs. One that has no leader, or whose
// leader does not answer, is not among them; it must not hold up those beside it.
func (s *session) readExtents(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[topicPartition]extent, error) {
	if len(offsets) == 0 {
		return nil, nil
	}
	admin, topics := kadm.NewClient(s.producer), slices.Sorted(maps.Keys(offsets))
	list := func(what string, ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (kadm.ListedOffsets, error) {
		ctx, cancel := context.WithTimeout(ctx, extentWait)
		defer cancel()
		listed, err := ask(ctx, topics...)
		if err = unusable(err); err != nil {
			return nil, fmt.Errorf("list %s offsets: %w", what, err)
		}
		return listed, nil
	}
	starts, err := list("start", admin.ListStartOffsets)
	if err != nil {
		return nil, err
	}
	ends, err := list("end", admin.ListEndOffsets)
	if err != nil {
		return nil, err
	}
	extents := make(map[topicPartition]extent)
	for topic, numbers := range offsets {
		for number := range numbers {
			start, known := starts.Lookup(topic, number)
			end, both := ends.Lookup(topic, number)
			if err := errors.Join(start.Err, end.Err); !known || !both || err != nil {
				s.log.Warn("an input has nobody to ask for its extent", "topic", topic, "partition", number, "error", err)
				continue
			}
			extents[topicPartition{topic, number}] = extent{start.Offset, end.Offset}
		}
	}
	return extents, nil
}

// unusable is the error of a list of offsets that holds none; nil: some were
// listed, and the others are missing or say why.
func unusable(err error) error {
	var some *kadm.ShardErrors
	if errors.As(err, &some) && !some.AllFailed {
		return nil
	}
	return err
}
