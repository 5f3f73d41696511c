package stream

import "context"

// Runtime runs one role's tasks on this instance.
type Runtime struct{ runtime }

// New checks cfg. It starts nothing.
func New(cfg Config, newTask func(*Loop) Task) (*Runtime, error) { return newRuntime(cfg, newTask) }

// Run joins the group and runs tasks until ctx ends, then drains, commits,
// leaves and returns nil. Errors that pass are retried inside; an error that is
// returned needs an operator: a fenced producer, a partition count that
// changed, an input whose log lacks what was read, missing rights, configuration.
func (r *Runtime) Run(ctx context.Context) error { return r.run(ctx) }

// Ready reports whether the instance has joined and every task that it holds
// is open; a standby is ready.
func (r *Runtime) Ready() bool { return r.ready() }

// Marker tells the owner that a state record marks, and whether it is a marker
// at all. A marker's key begins with "\x00marker|".
func Marker(rec *Record) (owner string, ok bool) { return marker(rec) }
