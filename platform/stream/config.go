package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	Leader string // one of Inputs, or "" for none
	// Overlap are inputs whose records are handed over in offset order without
	// waiting for the one of their key before them to be Done: the task sees to
	// what order asks for.
	Overlap []string
	State   []string // restored up to one's own marker, then tailed; written by Emit, Done or Append
	// Follow are topics that others write and this role only reads, all
	// partitions of them, passed to Task.Restore: read, behind all state, to the
	// end that was seen then, before Open, and tailed after it. SingleOwner only.
	Follow []string

	// BatchBytes is how large a batch of records a topic takes, by name: its
	// max.message.bytes. Others take the client's default, 1000012.
	BatchBytes map[string]int32

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

// leaseMargin is what a lease ends before the coordinator's session time-out:
// room for a request that was begun inside it.
const leaseMargin = 2 * time.Second

// withDefaults fills what is zero and reports everything that is wrong at once.
func (c Config) withDefaults() (Config, error) {
	orDuration(&c.CommitInterval, 100*time.Millisecond)
	orDuration(&c.LeadTolerance, time.Second)
	orDuration(&c.SessionTimeout, 10*time.Second)
	orDuration(&c.RebalanceTimeout, 30*time.Second)
	orDuration(&c.TxnTimeout, 10*time.Second)
	orDuration(&c.DrainTimeout, 8*time.Second)
	if c.WindowRecords == 0 {
		c.WindowRecords = 8192
	}
	if c.WindowBytes == 0 {
		c.WindowBytes = 64 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, errors.Join(c.faults()...)
}

func (c *Config) faults() []error {
	var faults []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("stream: "+format, args...))
		}
	}
	wrong(c.Role == "", "Role is empty")
	wrong(c.Instance == "", "Instance is empty")
	wrong(c.Group == "", "Group is empty")
	wrong(c.TransactionalID == "", "TransactionalID is empty")
	wrong(len(c.Inputs) == 0, "Inputs is empty")
	wrong(c.Leader != "" && !slices.Contains(c.Inputs, c.Leader), "Leader %q is not one of Inputs", c.Leader)
	for _, topic := range c.Overlap {
		wrong(!slices.Contains(c.Inputs, topic), "Overlap %q is not one of Inputs", topic)
	}
	wrong(c.Layout != Copartition && c.Layout != SingleOwner, "Layout %d is unknown", c.Layout)
	wrong(c.Layout == Copartition && len(c.Follow) > 0, "Follow needs Layout SingleOwner")
	wrong(c.WindowRecords < 1, "WindowRecords is %d", c.WindowRecords)
	wrong(c.WindowBytes < 1, "WindowBytes is %d", c.WindowBytes)
	wrong(c.SessionTimeout <= leaseMargin, "SessionTimeout %v leaves nothing of a lease", c.SessionTimeout)
	wrong(c.DrainTimeout >= c.RebalanceTimeout, "DrainTimeout %v is not within RebalanceTimeout %v", c.DrainTimeout, c.RebalanceTimeout)
	for _, topic := range duplicates(c.Inputs, c.State, c.Follow) {
		wrong(true, "topic %q is named twice", topic)
	}
	return faults
}

func orDuration(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

func duplicates(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	var twice []string
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			twice = append(twice, all[i])
		}
	}
	return slices.Compact(twice)
}

// member is the group.instance.id: a restart takes its predecessor's place.
func (c *Config) member() string { return c.Role + "-" + c.Instance }
