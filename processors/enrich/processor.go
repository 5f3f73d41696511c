package enrich

import (
	"doustream/platform/stream"
)

// New checks cfg and deps and answers what makes a task for each partition.
// The tasks of one New share its limits on exchanges and its metrics.
func New(cfg Config, deps Deps) (func(*stream.Loop) stream.Task, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(deps); err != nil {
		return nil, err
	}
	return func(*stream.Loop) stream.Task { panic("enrich: not built yet") }, nil
}
