package main

import (
	"context"
	"fmt"
	"net/http"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
	"doustream/sinks"
)

// openRegistry answers nil without a registry. It connects to nothing.
func (p *process) openRegistry() (*sinks.Registry, error) {
	section := p.config.Registry
	if section.URL == "" {
		return nil, nil //nolint:nilnil // no registry is an answer
	}
	trust, err := section.TLS()
	if err != nil {
		return nil, fmt.Errorf("set up schema registry: %w", err)
	}
	return sinks.NewRegistry(sinks.RegistryConfig{
		URL: section.URL, User: section.User, Password: section.Password.Reveal(), TLS: trust,
		Prefix: p.config.Names.TopicPrefix, Logger: p.log,
	})
}

// resolver is r as the processors take it: nothing at all without a registry.
func resolver(r *sinks.Registry) schemas.SchemaResolver {
	if r == nil {
		return nil
	}
	return r
}

// awaitOutput makes the builder of output records. Where they are framed for a
// registry, it waits until that has their schemas.
func (p *process) awaitOutput(ctx context.Context, registry *sinks.Registry, format schemas.Format, w *waiting) (*sinks.Topics, error) {
	var ids map[string]uint32
	if format == schemas.FormatConfluent {
		trouble := fmt.Errorf("waiting for the schema registry at %s", p.config.Registry.URL)
		w.trouble.Store(&trouble) // not to be touched again: it is read at any time
		var err error
		if ids, err = registry.Register(ctx); err != nil {
			return nil, err
		}
	}
	encoder, err := schemas.NewEncoder(format, ids)
	if err != nil {
		return nil, err
	}
	return sinks.NewTopics(sinks.TopicsConfig{Prefix: p.config.Names.TopicPrefix, Encoder: encoder})
}

// closeRegistry ends the look-ups that still wait; the role has ended by then.
func closeRegistry(r *sinks.Registry) {
	if r != nil {
		r.Close()
	}
}

// reachRegistry asks the registry for any answer that lets us in.
func reachRegistry(ctx context.Context, section config.RegistrySection) error {
	trust, err := section.TLS()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, section.URL+"/subjects", nil)
	if err != nil {
		return fmt.Errorf("reach %s: %w", section.URL, err)
	}
	if section.User != "" {
		req.SetBasicAuth(section.User, section.Password.Reveal())
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("reach %s: %w", section.URL, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("reach %s: it answers %s", section.URL, res.Status)
	}
	return nil
}
