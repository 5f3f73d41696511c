package main

import (
	"context"
	"fmt"
	"net/http"

	"doustream/cmd/doustream/config"
	"doustream/platform/douyin"
)

// openPlatform makes a role's client of the open platform.
func (p *process) openPlatform(role config.Use, inFlight int) (*douyin.Client, error) {
	return douyin.NewClient(douyin.Config{
		AppsURL: p.config.Platform.AppsURL, OpenURL: p.config.Platform.OpenURL,
		MaxConns: inFlight, Timeout: p.config.Platform.Timeout, Metrics: p.roleMetrics(role),
	})
}

const healthPlatform = "open platform"

// watchPlatform keeps the process from being ready until the open platform has
// answered once. The roles go on meanwhile: what does not need the platform is
// not held up by it.
func (p *process) watchPlatform(ctx context.Context) {
	w := &waiting{}
	p.health.Add(healthPlatform, w.check)
	go func() {
		err := await(ctx, p.log, "the open platform", w, func(ctx context.Context) error {
			for _, host := range platformHosts(p.config) {
				if err := reach(ctx, host); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			p.health.Add(healthPlatform, func() error { return nil })
		}
	}()
}

func platformHosts(c *config.Config) []string {
	if c.Platform.AppsURL == c.Platform.OpenURL {
		return []string{c.Platform.AppsURL}
	}
	return []string{c.Platform.AppsURL, c.Platform.OpenURL}
}

// reach asks for any answer at all, by the proxy that requests take.
func reach(ctx context.Context, host string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, host, nil)
	if err != nil {
		return fmt.Errorf("reach %s: %w", host, err)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("reach %s: %w", host, err)
	}
	return res.Body.Close()
}
