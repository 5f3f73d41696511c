package sinks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// ClickHouseConfig is what the sink role needs to know. Zero values take the
// defaults named.
type ClickHouseConfig struct {
	Connect []kgo.Opt // seed brokers, TLS, SASL, dialer
	Group   string
	Prefix  string  // of every topic's name
	Topics  *Topics // makes the dead letters of what the tables refuse
	Tables  Tables
	// Registry resolves the schemas of Confluent frames; nil: they are taken for
	// the current version.
	Registry schemas.SchemaResolver

	BlockRows        int           // records at which a block is inserted, default 100 000
	BlockBytes       int64         // and their bytes, default 64 MiB
	BlockAge         time.Duration // and the age of the first, default 1s
	InsertsPerSecond float64       // blocks into one table, default 10; blocks grow older instead
	Connections      int           // inserts at a time, default 2
	// MemoryBytes bounds the record bytes that wait or are being inserted, over
	// all partitions (default 256 MiB). A partition at its share is not fetched
	// from until it is at half of it. Columns take about as much again.
	MemoryBytes int64

	SessionTimeout   time.Duration // default 10s: how long a killed instance holds its partitions up
	RebalanceTimeout time.Duration // default 30s
	DrainTimeout     time.Duration // for an insert under way when a partition is handed over, default 8s
	InsertTimeout    time.Duration // of one insert, default 2m; then it is looked up and tried again

	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: none
}

func (c *ClickHouseConfig) setDefaults() {
	orElse(&c.BlockRows, 100_000)
	orElse(&c.BlockBytes, 64<<20)
	orElse(&c.BlockAge, time.Second)
	orElse(&c.InsertsPerSecond, 10)
	orElse(&c.Connections, 2)
	orElse(&c.MemoryBytes, 256<<20)
	orElse(&c.SessionTimeout, 10*time.Second)
	orElse(&c.RebalanceTimeout, 30*time.Second)
	orElse(&c.DrainTimeout, 8*time.Second)
	orElse(&c.InsertTimeout, 2*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func orElse[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

func (c *ClickHouseConfig) check() error {
	var faults []error
	if c.Group == "" {
		faults = append(faults, errors.New("no group"))
	}
	if c.Topics == nil {
		faults = append(faults, errors.New("no output topics"))
	}
	if c.DrainTimeout >= c.RebalanceTimeout {
		faults = append(faults, errors.New("the drain timeout must be shorter than the rebalance timeout"))
	}
	return errors.Join(faults...)
}

// ClickHouse fills the tables from users.enriched, notifications.results and
// dead-letters, each row once. Any number of instances share the partitions.
type ClickHouse struct {
	cfg     ClickHouseConfig
	log     *slog.Logger
	metrics *metrics
	server  *server

	slots  chan *connection   // as many inserts at a time as there are connections
	pace   map[string]*pace   // by table
	blanks map[string]*blanks // by table

	passes func(point string) // tests only: called before and after every step

	client *kgo.Client // set before any partition is given, like the lease
	lease  *lease

	mu         sync.Mutex              // guards what follows
	joined     bool                    // an assignment has come
	forget     context.CancelCauseFunc // ends the membership
	partitions map[topicPartition]*partition
}

type topicPartition struct {
	topic     string
	partition int32
}

// NewClickHouse checks cfg. It starts and connects nothing.
func NewClickHouse(cfg ClickHouseConfig) (*ClickHouse, error) {
	cfg.setDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("configure ClickHouse sink: %w", err)
	}
	server, err := parseServer(cfg.Tables)
	if err != nil {
		return nil, fmt.Errorf("configure ClickHouse sink: %w", err)
	}
	s := &ClickHouse{
		cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Metrics), server: server,
		slots: make(chan *connection, cfg.Connections), pace: make(map[string]*pace), blanks: make(map[string]*blanks),
		partitions: make(map[topicPartition]*partition),
		passes:     func(string) {},
	}
	for range cfg.Connections {
		s.slots <- &connection{server: server}
	}
	for _, t := range tables {
		s.pace[t.name] = newPace(cfg.InsertsPerSecond)
		s.blanks[t.name] = newBlanks(t, schemas.NewDecoder(cfg.Registry))
	}
	return s, nil
}

// Run joins the group and fills the tables until ctx ends; then it finishes the
// inserts under way, commits, leaves and returns nil. ClickHouse or Kafka being
// away is waited out inside. A partition that somebody must look after (a table
// or a right is missing) stops, is logged and counted, and the others go on.
func (s *ClickHouse) Run(ctx context.Context) error {
	err := s.membership(ctx)
	for errors.Is(err, errForgotten) {
		s.log.Warn("join the group anew", "error", err)
		err = s.membership(ctx)
	}
	for range cap(s.slots) {
		(<-s.slots).close()
	}
	return err
}

// Ready reports whether the group has given this instance its partitions, none of
// them included, and nothing of it has stopped. It says so as an error, or nil.
func (s *ClickHouse) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.joined {
		return errors.New("the group has not assigned partitions yet")
	}
	for tp, p := range s.partitions {
		if err := p.halted(); err != nil {
			return fmt.Errorf("%s/%d has stopped: %w", tp.topic, tp.partition, err)
		}
		if !p.restored() {
			return fmt.Errorf("%s/%d is being taken over", tp.topic, tp.partition)
		}
	}
	return nil
}
