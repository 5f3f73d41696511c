package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"doustream/cmd/doustream/config"
	"doustream/platform/softlimit"
	"doustream/platform/telemetry"
)

// process is what the roles of one process share.
type process struct {
	config  *config.Config
	log     *slog.Logger
	health  *telemetry.Health
	metrics *prometheus.Registry
	memory  *softlimit.Limit
}

// roleMetrics is the registry for one role's metrics, which two roles of one
// process may name alike.
func (p *process) roleMetrics(role config.Use) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"role": string(role)}, p.metrics)
}

// role runs until ctx ends, which is no error.
type role = func(ctx context.Context, p *process) error

var roles = map[config.Use]role{
	config.Enrich: runEnrich,
	config.Sink:   runSink,
	config.Notify: runNotify,
}

// ports are the default ports of the HTTP server, by what runs.
var ports = map[config.Use]string{config.Enrich: ":8081", config.Sink: ":8082", config.Notify: ":8083"}

// serve runs roles until the first signal, a role's failure, or the deadline
// that a stop has.
func (a *app) serve(polling context.Context, uses ...config.Use) error {
	c, log, err := a.load(uses...)
	if err != nil {
		return err
	}
	build := telemetry.ReadBuild(version)
	p := &process{config: c, log: log, health: &telemetry.Health{}, metrics: telemetry.NewRegistry(build), memory: softlimit.New()}
	for _, use := range uses {
		p.health.Add(string(use), nil)
	}
	if slices.Contains(uses, config.Enrich) || slices.Contains(uses, config.Notify) {
		p.watchPlatform(polling)
	}
	stopServing, addr, err := p.serveHTTP(a.work, uses)
	if err != nil {
		return err
	}
	defer stopServing()
	watching, unwatch := context.WithCancel(a.work)
	defer unwatch()
	go p.memory.Watch(watching)
	log.Info("started", "roles", uses, "instance", c.Process.Instance, "version", build.Version, "revision", build.Revision, "http", addr)
	wanted := map[config.Use]role{}
	for _, use := range uses {
		wanted[use] = roles[use]
	}
	err = p.runRoles(polling, a.work, wanted)
	log.Info("stopped")
	return err
}

// ended is how a role came to its end.
type ended struct {
	role config.Use
	err  error
}

func (p *process) runRoles(polling, work context.Context, roles map[config.Use]role) error {
	ctx, stop := context.WithCancel(polling)
	defer stop()
	ends := make(chan ended, len(roles)) // room for all, so that none is held up when we are gone
	for use, run := range roles {
		go func() { ends <- ended{use, run(ctx, p)} }()
	}
	var failure error
	var overdue <-chan time.Time
	stopping := polling.Done()
	for left := len(roles); left > 0; {
		select {
		case end := <-ends:
			left--
			if err := p.judge(ctx, end); err != nil && failure == nil {
				failure = err
				stop() // the other roles of the process end in good order
				overdue = time.After(p.config.Process.ShutdownTimeout)
			}
		case <-stopping:
			stopping = nil
			p.log.Info("stopping: finishing what has begun; a second signal stops at once")
			overdue = time.After(p.config.Process.ShutdownTimeout)
		case <-overdue:
			return errors.Join(failure, fmt.Errorf("stop in good order: not done after %s; what was under way will be done again", p.config.Process.ShutdownTimeout))
		case <-work.Done():
			p.log.Warn("stopped at once; what was under way will be done again")
			return failure
		}
	}
	return failure
}

// judge tells a role's failure from its orderly end.
func (p *process) judge(ctx context.Context, end ended) error {
	switch {
	case ctx.Err() != nil && (end.err == nil || errors.Is(end.err, context.Canceled)):
		p.log.Info("role ended", "role", end.role)
		return nil
	case end.err == nil:
		return fmt.Errorf("run %s: it ended by itself", end.role)
	}
	p.log.Error("role failed", "role", end.role, "error", end.err)
	return fmt.Errorf("run %s: %w", end.role, errors.Join(errReported, end.err))
}

// serveHTTP opens the address for metrics and health, and the one for profiles
// if there is one.
func (p *process) serveHTTP(ctx context.Context, uses []config.Use) (stop func(), addr string, err error) {
	section := p.config.Process
	server, err := p.listen(ctx, section.HTTPAddr, defaultAddr(uses))
	if err != nil {
		return nil, "", fmt.Errorf("%sHTTP_ADDR: %w", config.Prefix, err)
	}
	servers := []*telemetry.Server{server}
	if section.PprofAddr != "" {
		profiles, err := telemetry.ListenProfiles(ctx, section.PprofAddr, p.log)
		if err != nil {
			return nil, "", fmt.Errorf("%sPPROF_ADDR: %w", config.Prefix, errors.Join(err, server.Close()))
		}
		servers = append(servers, profiles)
	}
	p.log.Info("listening", "http", server.Addr())
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{}, len(servers))
	for _, s := range servers {
		go func() {
			if err := s.Serve(ctx); err != nil {
				p.log.Error("http server ended", "error", err)
			}
			done <- struct{}{}
		}()
	}
	return func() {
		cancel()
		for range servers {
			<-done
		}
	}, server.Addr(), nil
}

func defaultAddr(uses []config.Use) string {
	if len(uses) == 1 {
		return ports[uses[0]]
	}
	return ":8080"
}

// listen opens the address asked for, or else the default one. Several
// processes on one machine are no reason to fail where no address was asked
// for: then any free port will do, and the log names it.
func (p *process) listen(ctx context.Context, asked, otherwise string) (*telemetry.Server, error) {
	if asked != "" {
		return telemetry.Listen(ctx, asked, p.metrics, p.health, p.log)
	}
	server, err := telemetry.Listen(ctx, otherwise, p.metrics, p.health, p.log)
	if err != nil {
		p.log.Warn("default http address is taken, using another", "error", err)
		return telemetry.Listen(ctx, ":0", p.metrics, p.health, p.log)
	}
	return server, nil
}
