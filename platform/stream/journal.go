package stream

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// journal writes records outside of transactions: markers and what Append is
// given. It lives as long as Run, beyond the sessions, so that an exchange that
// outlives its task can leave its result behind.
type journal struct{ client atomic.Pointer[kgo.Client] }

func openJournal(cfg *Config) (*journal, error) {
	client, err := cfg.newAppender()
	if err != nil {
		return nil, err
	}
	j := &journal{}
	j.client.Store(client)
	return j, nil
}

// renewWait is how long a new session waits to hear how the producer is.
const renewWait = 5 * time.Second

// renew makes a new client if the producer of the one there is was refused. A
// client keeps such an answer for good, and fails whatever it is given: a broker
// that had a bad moment, or was given the rights since, would not be asked again.
func (j *journal) renew(ctx context.Context, cfg *Config) error {
	if len(cfg.State) == 0 {
		return nil // it is not going to write
	}
	ctx, cancel := context.WithTimeout(ctx, renewWait)
	defer cancel()
	_, _, err := j.client.Load().ProducerID(ctx)
	if !refusedForGood(err) {
		return nil
	}
	cfg.Logger.Warn("appending producer was refused, another is made", "error", err)
	client, err := cfg.newAppender()
	if err != nil {
		return err
	}
	j.client.Swap(client).Close()
	return nil
}

// refusedForGood tells an answer that will be the same when it is asked for
// again from trouble that passes.
func refusedForGood(err error) bool {
	var refused *kerr.Error
	return errors.As(err, &refused) && !refused.Retriable
}

// write has done called with the record's partition and offset once all
// replicas have it, or with an error once that is not going to be known.
// Safe from any goroutine; done must not block. It stamps the record anew: how
// long a record may be on its way counts from its timestamp, so that one that
// is written again would be too old at once, for ever.
func (j *journal) write(rec *Record, done func(*Record, error)) {
	rec.Timestamp = time.Time{}
	j.client.Load().Produce(context.Background(), rec, done)
}

// close lets what is buffered leave, within ctx.
func (j *journal) close(ctx context.Context) error {
	client := j.client.Load()
	err := client.Flush(ctx)
	client.Close()
	return err
}
