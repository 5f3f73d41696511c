package enrich

import (
	"context"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/stream"
	"doustream/schemas"
)

// Exchanger asks the platform for the session behind a login's codes. It
// blocks for as long as ctx allows, is called from many goroutines at once and
// keeps nothing. Its errors carry a douyin.Kind; *douyin.Client is one.
type Exchanger interface {
	ExchangeCode(ctx context.Context, app douyin.App, code, anonymous douyin.Code) (douyin.Session, error)
}

// Output builds the records that leave. It is called from many goroutines at
// once, does not block and keeps nothing that it is given; a dead letter may
// share the bytes of its source. An error means that this record can never be
// built; *sinks.Topics is one.
type Output interface {
	Enriched(u *schemas.EnrichedUser) (*stream.Record, error)
	DeadLetter(src *stream.Record, d schemas.DeadLetter) *stream.Record
	Consent(f schemas.ConsentFact) (*stream.Record, error)
}

// loop is what a task needs of *stream.Loop, whose comments hold here.
type loop interface {
	Partition() int32
	Owner() string
	Now() time.Time
	Round() time.Time
	Post(f func()) bool
	After(d time.Duration, f func()) (stop func())
	Work(f, then func())
	Do(job stream.Job)
	Emit(out []*stream.Record, committed func())
	Append(rec *stream.Record, readBack func(error))
	Watermark() time.Time
	Frontier(topic string, partition int32) int64
	Queued(topic string, key []byte) bool
	Hold(topic string)
	Release(topic string)
	Fail(err error)
}

// finisher ends one input; *stream.Input is one.
type finisher interface {
	Done(out []*stream.Record, retired func())
}
