package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// endTries is how often a log's end is asked for (of inputs a second apart, of
// state at each look) before it is believed to lie before what was committed, or
// acknowledged: a broker that has lost the
// leadership and does not know it yet names an end that has passed.
const endTries = 5

// history is what the runtime remembers of topics from one session to the next.
type history struct {
	mu   sync.Mutex
	ids  map[string]kadm.TopicID
	lost map[topicPartition]int64 // up to where lost inputs were counted
}

func newHistory() *history {
	return &history{ids: make(map[string]kadm.TopicID), lost: make(map[topicPartition]int64)}
}

// sameTopic refuses a topic that took the place of the one that was read.
func (h *history) sameTopic(topic string, id kadm.TopicID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.ids[topic]; ok && known != id {
		return &OperatorError{
			Advice: "nothing that was known of it holds: stop every instance of the role, set the group's offsets of an input to the new topic's start, start again",
			Err:    fmt.Errorf("topic %s was deleted and made anew while it was read", topic),
		}
	}
	h.ids[topic] = id
	return nil
}

// lose counts inputs that were deleted unread, each offset once however often a
// session begins before the first offset past them is committed.
func (h *history) lose(tp topicPartition, from, to int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	from = max(from, h.lost[tp])
	h.lost[tp] = max(to, h.lost[tp])
	return max(0, to-from)
}

// startOffsets decides where the reading of inputs begins: at the committed
// offset, if the log has it. Where nothing is committed it is the log's start.
// Where retention was faster it is the start as well: nothing can be done for
// what was deleted, but to say so. An offset past the log's end is an error: the
// log was cut off, and another record will stand, or stands, where one was read.
// A log that cannot be asked is read on where it was left, or from offset 0, when
// it has a leader again; a fetch that finds another log then ends the session.
func (s *session) startOffsets(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[topicPartition]kgo.EpochOffset, error) {
	for tries := 1; ; tries++ {
		extents, err := s.readExtents(ctx, offsets)
		if err != nil {
			return nil, err
		}
		from, err := s.placeOffsets(offsets, extents)
		if err == nil || tries == endTries {
			return from, err
		}
		s.log.Warn("where to begin the inputs is not known, will look again", "error", err)
		if err := sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

func (s *session) placeOffsets(offsets map[string]map[int32]kgo.Offset, extents map[topicPartition]extent) (map[topicPartition]kgo.EpochOffset, error) {
	from := make(map[topicPartition]kgo.EpochOffset)
	for topic, numbers := range offsets {
		for number, offset := range numbers {
			tp, at := topicPartition{topic, number}, offset.EpochOffset()
			switch log, known := extents[tp]; {
			case known && at.Offset > log.end:
				return nil, s.cutOff(tp, at.Offset, log.end)
			case !known && at.Offset < 0:
				at = kgo.EpochOffset{Epoch: -1}
			}
			from[tp] = at
		}
	}
	for tp, at := range from {
		start := extents[tp].start
		if at.Offset >= start {
			continue
		}
		from[tp] = kgo.EpochOffset{Epoch: -1, Offset: start}
		if at.Offset < 0 {
			continue
		}
		if n := s.history.lose(tp, at.Offset, start); n > 0 {
			s.metrics.lost.Add(float64(n))
			s.log.Error("inputs were deleted before they were read, they are lost",
				"topic", tp.topic, "partition", tp.number, "from", at.Offset, "to", start)
		}
	}
	return from, nil
}

// cutOff is the error of an input whose log lacks what was read and committed.
func (s *session) cutOff(tp topicPartition, committed, end int64) error {
	return &OperatorError{
		Advice: fmt.Sprintf("the log was truncated, or its topic made anew; to go on, stop every instance of the role and set the group's offset of this partition: "+
			"after a truncation to %d, in a new topic to its start", end),
		Err: fmt.Errorf("input %s/%d was cut off at %d, and group %s has committed %d", tp.topic, tp.number, end, s.cfg.Group, committed),
	}
}

// cutError tells errors of a fetch that mean that the log is not what was read
// any more, and returns nil for the others. What ends the session without an
// operator is decided by the next: it reads all state again, and its inputs from
// the committed offsets, whose epochs the client has the broker check.
func (s *session) cutError(topic string, number int32, err error) error {
	var loss *kgo.ErrDataLoss
	switch {
	case errors.As(err, &loss):
		part := s.input(topicPartition{topic, number})
		if part != nil && part.committed.Load() > loss.ResetTo {
			return s.cutOff(topicPartition{topic, number}, part.committed.Load(), loss.ResetTo)
		}
	case errors.Is(err, kerr.OffsetOutOfRange), errors.Is(err, kerr.UnknownTopicID):
	default:
		return nil
	}
	return fmt.Errorf("fetch %s/%d: the log was cut off, or deleted up to a later offset: %w", topic, number, err)
}
