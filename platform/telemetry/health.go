package telemetry

import (
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
)

// errStarting is a part's state until it first reports.
var errStarting = errors.New("starting")

// Health collects the readiness of a process's parts. Safe for concurrent
// use; the zero value has no part and is not ready, since nothing has started.
type Health struct {
	mu     sync.Mutex
	checks map[string]func() error
}

// Add names a part and how to ask it: nil means ready, an error says what it
// is waiting for, in words without secrets. check must not block. A nil check
// means that the part is starting; a later Add of the name takes its place.
func (h *Health) Add(name string, check func() error) {
	if check == nil {
		check = func() error { return errStarting }
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.checks == nil {
		h.checks = map[string]func() error{}
	}
	h.checks[name] = check
}

// Report answers one line for each part, in the order of their names, and
// whether all of them are ready.
func (h *Health) Report() (lines string, ready bool) {
	h.mu.Lock()
	checks := make(map[string]func() error, len(h.checks))
	for name, check := range h.checks {
		checks[name] = check
	}
	h.mu.Unlock()

	names := make([]string, 0, len(checks))
	for name := range checks {
		names = append(names, name)
	}
	sort.Strings(names)
	ready = len(names) > 0
	var b strings.Builder
	for _, name := range names {
		state := "ready"
		if err := checks[name](); err != nil {
			state, ready = "not ready: "+err.Error(), false
		}
		fmt.Fprintf(&b, "%s: %s\n", name, state)
	}
	if len(names) == 0 {
		b.WriteString("starting\n")
	}
	return b.String(), ready
}

// ServeHTTP answers 200 when every part is ready, otherwise 503, with the
// report.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	lines, ready := h.Report()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(lines))
}
