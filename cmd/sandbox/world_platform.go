package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"doustream/platform/douyin/douyintest"
	"doustream/platform/embedded"
)

// choosePlatform settles the platform's addresses, if it is to be started.
func (w *world) choosePlatform(o worldOptions) error {
	if !o.has(platformPart) {
		return nil
	}
	addr, err := w.address(platformVariable)
	if err != nil {
		return err
	}
	control, err := w.address(controlVariable)
	if err != nil {
		return err
	}
	w.env[platformVariable], w.env["DOUSTREAM_DOUYIN_OPEN_URL"], w.env[controlVariable] = "http://"+addr, "http://"+addr, "http://"+control
	return nil
}

// startPlatform starts the simulator as its own process and waits until its
// control API answers.
func (w *world) startPlatform(ctx context.Context, o worldOptions) error {
	log, err := w.log(platformPart)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	addr, control := strings.TrimPrefix(w.env[platformVariable], "http://"), w.env[controlVariable]
	w.platform, err = embedded.StartProcess(ctx, embedded.Command{
		Name: platformPart, Path: exe,
		Args: append([]string{"platform", "--addr", addr, "--control", strings.TrimPrefix(control, "http://")}, o.platform...),
		Env:  w.env.lines(), Log: log,
		Ready: func(ctx context.Context) error {
			return poll(ctx, func() error { return douyintest.NewControl(control).Health(ctx) })
		},
	})
	return err
}

// address is the loopback address that a URL variable named the last time, if
// it is free, else another one.
func (w *world) address(variable string) (string, error) {
	if ports := w.ports(variable, 1); len(ports) == 1 {
		u, err := url.Parse(w.env[variable])
		return u.Host, err
	}
	port, err := embedded.FreePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}

// pollPause lies between two looks at a condition.
const pollPause = 50 * time.Millisecond

// poll looks until a condition holds, or ctx ends; the error is then also the
// condition's last.
func poll(ctx context.Context, condition func() error) error {
	ticker := time.NewTicker(pollPause)
	defer ticker.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
