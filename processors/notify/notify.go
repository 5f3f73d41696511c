package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// Platform is the open platform; *douyin.Client is one. Its methods block
// until the answer or the context's end and are called from many goroutines.
// Their errors are told apart by douyin.KindOf.
type Platform interface {
	NotifyV1(ctx context.Context, token douyin.Token, n douyin.Notification) (logID string, err error)
	NotifyV2(ctx context.Context, token douyin.Token, n douyin.Notification) (logID string, err error)
	AccessToken(ctx context.Context, app douyin.App) (douyin.Issued, error)
	ClientToken(ctx context.Context, app douyin.App) (douyin.Issued, error)
	StableClientToken(ctx context.Context, app douyin.App) (douyin.Issued, error)
}

// Output makes the records that leave. It does not block and is called from
// one goroutine at a time; src and its bytes may be kept.
type Output interface {
	Result(r *schemas.NotificationResult) (*stream.Record, error)
	DeadLetter(src *stream.Record, d schemas.DeadLetter) *stream.Record
}

// Deps are the others that notify works with.
type Deps struct {
	Platform Platform
	Output   Output
	Keys     *secrets.Keyring // seals the state
	Logger   *slog.Logger
	Metrics  prometheus.Registerer // nil: none
}

// New checks cfg and answers the maker of the role's task, for a
// stream.Runtime of the SingleOwner layout whose inputs are cfg.Orders, whose
// state topics are cfg.Notifications and cfg.Tokens, and which follows
// cfg.Consents. The error names everything that is wrong.
func New(cfg Config, deps Deps) (func(*stream.Loop) stream.Task, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure notify: %w", err)
	}
	if deps.Keys == nil || deps.Keys.Empty() {
		return nil, errors.New("configure notify: no sealing key")
	}
	m := newMetrics(deps.Metrics, cfg)
	return func(l *stream.Loop) stream.Task { return newTask(cfg, deps, m, l) }, nil
}

// loop is what a task needs of the runtime; *stream.Loop has it. Its methods
// are called from the loop, save Post and Lease, which are safe from any
// goroutine. None blocks.
type loop interface {
	Owner() string
	Now() time.Time
	Context() context.Context
	Partitions(topic string) []int32
	Post(f func()) bool
	After(d time.Duration, f func()) (stop func())
	Emit(out []*stream.Record, committed func())
	Lease() time.Time
	Fail(err error)
}
