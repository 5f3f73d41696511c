package enrich

import (
	"log/slog"
	"math/rand/v2"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// processor is what the tasks of one New share. Its fields do not change after
// New; what they point to is safe for concurrent use.
type processor struct {
	cfg       Config
	names     *names
	apps      map[string]douyin.App
	exchanger Exchanger
	output    Output
	sealing   *secrets.Keyring
	personal  *secrets.Keyring
	peppers   *secrets.Peppers
	registry  schemas.SchemaResolver
	facts     factSealer
	gate      gate
	deadlines *deadlines // of exchanges
	metrics   *metrics
	isOurs    func(appID string) bool // configured, made once
	logger    *slog.Logger

	// The limits of Config in ms.
	joinWait, sessionWait, sessionLife int64

	// What tests put something predictable in place of.
	spawn  func(func()) // nil: the task's own errands
	clock  func() time.Time
	random func() float64
	marker func(*stream.Record) (owner string, ok bool)
}

// New checks cfg and deps and answers what makes a task for each partition.
// The tasks of one New share its limits on exchanges and its metrics.
func New(cfg Config, deps Deps) (func(*stream.Loop) stream.Task, error) {
	p, err := newProcessor(cfg, deps)
	if err != nil {
		return nil, err
	}
	return func(l *stream.Loop) stream.Task { return p.newTask(l) }, nil
}

func newProcessor(cfg Config, deps Deps) (*processor, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(deps); err != nil {
		return nil, err
	}
	p := &processor{
		cfg: cfg, names: newNames(cfg.TopicPrefix), apps: map[string]douyin.App{},
		exchanger: deps.Exchanger, output: deps.Output,
		sealing: deps.Sealing, personal: deps.Personal, peppers: deps.Peppers, registry: deps.Registry,
		metrics: newMetrics(cfg.Metrics, cfg), logger: cfg.Logger,
		joinWait:    cfg.JoinWait.Milliseconds(),
		sessionWait: cfg.SessionWait.Milliseconds(),
		sessionLife: cfg.SessionLife.Milliseconds(),
		clock:       time.Now,
		random:      rand.Float64,
		marker:      stream.Marker,
	}
	p.isOurs = p.configured
	for _, app := range cfg.Apps {
		p.apps[app.ID] = app
	}
	p.facts = newFactSealer(deps.Sealing, p.names.sessions)
	p.gate = newLimits(cfg, p.metrics)
	p.deadlines = newDeadlines(cfg.Deadline)
	return p, nil
}

func (p *processor) decodeOptions() schemas.DecodeOptions {
	return schemas.DecodeOptions{Known: p.isOurs, Registry: p.registry, Now: p.clock()}
}

func (p *processor) configured(appID string) bool {
	_, ok := p.apps[appID]
	return ok
}
