package stream

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// journal writes records outside of transactions: markers and what Append is
// given. It lives as long as Run, beyond the sessions, so that an exchange that
// outlives its task can leave its result behind.
type journal struct{ client *kgo.Client }

func openJournal(cfg *Config) (*journal, error) {
	client, err := cfg.newAppender()
	if err != nil {
		return nil, err
	}
	return &journal{client}, nil
}

// write has done called with the record's partition and offset once all
// replicas have it, or with an error once that is not going to be known.
// Safe from any goroutine; done must not block. It stamps the record anew: how
// long a record may be on its way counts from its timestamp, so that one that
// is written again would be too old at once, for ever.
func (j *journal) write(rec *Record, done func(*Record, error)) {
	rec.Timestamp = time.Time{}
	j.client.Produce(context.Background(), rec, done)
}

// close lets what is buffered leave, within ctx.
func (j *journal) close(ctx context.Context) error {
	err := j.client.Flush(ctx)
	j.client.Close()
	return err
}
