package enrich

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
	"doustream/schemas"
)

// Config is what the enrich processor needs to know. Zero values take the
// defaults named.
type Config struct {
	Apps        []douyin.App // the mini-apps; one at least
	TopicPrefix string       // of every topic
	// Partitions of the input topics, to count records that a producer's
	// partitioner put into the wrong one. 0: they are not counted.
	Partitions int32

	// InFlight is how many exchanges may be under way at once in this process,
	// default 1024, and how many more may have their SENT written meanwhile. What
	// is more waits, and after JoinWait is parked.
	InFlight int
	// AppRate bounds the exchanges per second and app. 0: no bound.
	AppRate float64
	// Deadline bounds one exchange, from the moment its SENT was written to the
	// answer: default 5s. A successor waits as long before it sends again.
	Deadline time.Duration

	CodeLife      time.Duration // default 3m: an older code is not sent
	JoinWait      time.Duration // default 2s: what is unfinished then is parked
	SessionWait   time.Duration // default 3m: past it, without a login, session_missing
	SessionLife   time.Duration // default 72h
	WatermarkLife time.Duration // default 24h; negative: a watermark never gets stale

	// ParkedRecords and ParkedBytes bound what a task keeps parked of each
	// topic: defaults 65536 records and 64 MiB. At the bound that topic pauses;
	// what is already in its window may still be parked.
	ParkedRecords int
	ParkedBytes   int64
	// LargestRecord is the size in bytes above which an event is too_large,
	// whatever it says, since it could neither be parked nor be a dead letter:
	// default 1 MiB, and 64 KiB less a margin for what Kafka adds.
	LargestRecord int

	// Held is told by how many bytes the memory of the session tables has grown
	// or, negative, shrunk, in steps of some MiB. It must not block, and is
	// called from many goroutines. nil: nobody is told.
	Held func(bytes int64)

	Logger  *slog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Deps are what the processor works with. Only Registry may be nil.
type Deps struct {
	Exchanger Exchanger
	Output    Output
	Sealing   *secrets.Keyring // doustream's own state
	Personal  *secrets.Keyring // phone, name and address in results
	Peppers   *secrets.Peppers
	Registry  schemas.SchemaResolver // nil: Confluent frames are schema_unknown
}

// What topics have room for beyond an input record, less Kafka's own overhead.
const largestRecord = 1<<20 + 60<<10

// largestResult is how large an enriched record may be, in bytes: what every
// topic takes whose limit nobody has touched. Larger ones come of texts that no
// device, place or address has.
const largestResult = 1_000_000 - 16<<10

func (c Config) withDefaults() Config {
	c.InFlight = cmp.Or(c.InFlight, 1024)
	c.Deadline = cmp.Or(c.Deadline, 5*time.Second)
	c.CodeLife = cmp.Or(c.CodeLife, 3*time.Minute)
	c.JoinWait = cmp.Or(c.JoinWait, 2*time.Second)
	c.SessionWait = cmp.Or(c.SessionWait, 3*time.Minute)
	c.SessionLife = cmp.Or(c.SessionLife, 72*time.Hour)
	c.WatermarkLife = cmp.Or(c.WatermarkLife, 24*time.Hour)
	c.ParkedRecords = cmp.Or(c.ParkedRecords, 65536)
	c.ParkedBytes = cmp.Or(c.ParkedBytes, 64<<20)
	c.LargestRecord = cmp.Or(c.LargestRecord, largestRecord)
	if c.Held == nil {
		c.Held = func(int64) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// check names every fault at once.
func (c Config) check(d Deps) error {
	var faults []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	need(len(c.Apps) > 0, "no app is configured")
	seen := map[string]bool{}
	for _, a := range c.Apps {
		need(a.ID != "", "an app has no id")
		need(!seen[a.ID], "app %q is configured twice", a.ID)
		seen[a.ID] = true
	}
	need(c.InFlight > 0, "in flight: %d exchanges", c.InFlight)
	need(c.AppRate >= 0, "app rate: %g a second", c.AppRate)
	for name, d := range map[string]time.Duration{
		"deadline": c.Deadline, "code life": c.CodeLife, "join wait": c.JoinWait,
		"session wait": c.SessionWait, "session life": c.SessionLife,
	} {
		need(d > 0, "%s: %v", name, d)
	}
	need(c.ParkedRecords > 0 && c.ParkedBytes > 0, "parked events need room")
	need(d.Exchanger != nil && d.Output != nil, "no exchanger or no output")
	need(d.Sealing != nil && !d.Sealing.Empty(), "no sealing key")
	need(d.Personal != nil && !d.Personal.Empty(), "no personal key")
	need(d.Peppers != nil, "no pepper")
	if len(faults) > 0 {
		return fmt.Errorf("configure enrich: %w", errors.Join(faults...))
	}
	return nil
}
