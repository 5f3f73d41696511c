package sinks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errCut: the log is not the one that was read: it was cut off (an unclean
// election), or its topic made anew. Other records stand, or will stand, where
// rows came from; reading on would skip those that the look-up takes for their
// predecessors, and double what the log has lost.
var errCut = errors.New("the log lost records that were read")

// cutOff is the error of a partition whose log ends, or was cut, before what was
// read of it. It says what brings table and log together again.
func (p *partition) cutOff(read, end int64) error {
	return fmt.Errorf("%w: %s/%d was read up to %d and was cut off at %d; to go on, stop the sinks, delete the rows of this topic and partition whose _offset is %d or more from %s, "+
		"set the offset of group %s there to %d, start again",
		errCut, p.place.topic, p.place.partition, read, end, end, p.place.table, p.sink.cfg.Group, end)
}

// madeAnew is the error of a partition whose topic was deleted while it was read.
func (p *partition) madeAnew() error {
	return fmt.Errorf("%w: %s was deleted, or made anew; to go on, stop the sinks, delete the rows of this topic from %s, or keep them and use another topic prefix, "+
		"delete what group %s has committed of it, start again", errCut, p.place.topic, p.place.table, p.sink.cfg.Group)
}

// endTries is how often, a second apart, a log's end is asked for before it is
// believed to lie before what was committed: a broker that lost the leadership and
// does not know it yet names an end that has passed.
const endTries = 5

// reaches makes sure that the log has what the group knows of it: the committed
// offset, and the whole of the range that is announced. It waits for a log that
// has nobody to ask.
func (p *partition) reaches(t *takeover) error {
	read := t.committed
	if t.pending != nil {
		read = max(read, t.pending.Last+1)
	}
	for tries := 1; read > t.end; tries++ {
		if tries > endTries {
			return p.cutOff(read, t.end)
		}
		ctx, cancel := p.untilStopped()
		err := pause(ctx, time.Second)
		if err == nil {
			err = p.readEnd(ctx, t)
		}
		cancel()
		if p.stopped() {
			return errStopped
		}
		if err != nil {
			p.log.Warn("look for the log's end", "error", err)
			tries--
		}
	}
	return nil
}

func (p *partition) readEnd(ctx context.Context, t *takeover) error {
	ends, err := kadm.NewClient(p.sink.client).ListEndOffsets(ctx, p.place.topic)
	if err = unusable(err); err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	end, ok := ends.Lookup(p.place.topic, p.place.partition)
	if !ok || end.Err != nil {
		return fmt.Errorf("list end offset: %w", errors.Join(end.Err, errNoAnswer))
	}
	t.end = end.Offset
	return nil
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

var errNoAnswer = errors.New("no answer for the partition")

// fetchFailed looks at what a fetch reports of a partition. What the client tells
// of lost data stops it, the others go on; the rest passes.
func (s *ClickHouse) fetchFailed(topic string, number int32, err error) {
	s.metrics.fetchErrors.Inc()
	var loss *kgo.ErrDataLoss
	p := s.lookup(topic, number)
	switch {
	case p != nil && errors.As(err, &loss):
		p.fail(p.cutOff(loss.ConsumedTo, loss.ResetTo))
		return
	case p != nil && errors.Is(err, kerr.UnknownTopicID):
		p.fail(p.madeAnew())
		return
	}
	s.log.Warn("fetch from Kafka", "topic", topic, "partition", number, "error", err)
}
