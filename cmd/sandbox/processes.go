package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"doustream/platform/embedded"
)

// programs starts doustream processes in a world.
type programs struct {
	world  *world
	binary string
}

// newPrograms finds or builds the doustream program: the one that is named, or
// beside this one, or from the source around the working directory.
func newPrograms(ctx context.Context, w *world, named string) (*programs, error) {
	if named != "" {
		return &programs{w, named}, nil
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	beside := filepath.Join(filepath.Dir(exe), "doustream")
	if _, err := os.Stat(beside); err == nil {
		return &programs{w, beside}, nil
	}
	built := filepath.Join(w.dir, "bin", "doustream")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", built, "doustream/cmd/doustream").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("build doustream: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return &programs{w, built}, nil
}

// role is one doustream process, that can be killed, paused and started again
// under the same name.
type role struct {
	*embedded.Process
	name string
	addr string // host:port of its metrics and health
}

// start starts a role ("enrich", "sink", "notify", "run") as the instance of
// that name, with further environment, and waits until it is ready.
func (p *programs) start(ctx context.Context, command, instance string, env ...string) (*role, error) {
	port, err := embedded.FreePort()
	if err != nil {
		return nil, err
	}
	log, err := p.world.log(instance)
	if err != nil {
		return nil, err
	}
	r := &role{name: instance, addr: fmt.Sprintf("127.0.0.1:%d", port)}
	r.Process, err = embedded.StartProcess(ctx, embedded.Command{
		Name: instance, Path: p.binary, Args: []string{command}, Log: log,
		Env: append(append(p.world.env.lines(), "DOUSTREAM_INSTANCE_ID="+instance, "DOUSTREAM_HTTP_ADDR="+r.addr), env...),
		Ready: func(ctx context.Context) error {
			return poll(ctx, func() error { return r.ready(ctx) })
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%w (see %s)", err, log.Name())
	}
	return r, nil
}

// ready asks the process whether it is.
func (r *role) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.addr+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", r.name, resp.Status)
	}
	return nil
}

// run runs a command of doustream's to its end and gives what it printed.
func (p *programs) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Env = append(os.Environ(), p.world.env.lines()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("doustream %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}
