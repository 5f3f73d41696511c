package stream

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Layout says which partitions form a task.
type Layout int

const (
	// Copartition makes one task of each partition number over all inputs and
	// state topics, which must have equal partition counts; balancer
	// doustream-copartition.
	Copartition Layout = iota
	// SingleOwner makes one task of everything, held by one member while the
	// others stand by; balancer doustream-single-owner.
	SingleOwner
)

// Config is what a Runtime needs to know. Zero values of the limits take the
// defaults named.
type Config struct {
	Connect  []kgo.Opt // seed brokers, TLS, SASL, dialer: shared by every client the runtime makes
	Role     string    // with Instance the group.instance.id; names metrics
	Instance string    // stable over restarts
	Group    string
	// TransactionalID of the role's producer. Copartition: one per instance
	// ("<group>-<instance>"); SingleOwner: one for the whole role, fenced by its successor.
	TransactionalID string

	Layout Layout
	Inputs []string
	Leader string   // one of Inputs, or "" for none
	State  []string // restored up to one's own marker, then tailed; written by Emit, Done or Append
	// Follow are topics that others write and this role only reads, all
	// partitions of them, passed to Task.Restore: read to the end that was seen
	// at start before Open, then tailed. SingleOwner only.
	Follow []string

	CommitInterval   time.Duration // default 100ms
	WindowRecords    int           // unfinished or uncommitted records per topic-partition, default 8192
	WindowBytes      int64         // and their bytes, default 64 MiB
	LeadTolerance    time.Duration // how far past the watermark a follower may be, default 1s
	SessionTimeout   time.Duration // default 10s
	RebalanceTimeout time.Duration // default 30s
	TxnTimeout       time.Duration // default 10s
	DrainTimeout     time.Duration // for a hand-over in good order, default 8s

	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: none
	Now     func() time.Time      // default time.Now
}
