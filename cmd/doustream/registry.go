package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
	"doustream/sinks"
)

const (
	registryTimeout  = 5 * time.Second  // of one request
	registryPatience = 15 * time.Second // of one look-up: then an event's schema counts as unknown
	registryRetry    = 500 * time.Millisecond
	unknownLife      = time.Minute // how long an id that the registry does not know is not asked for again
	unknownMost      = 10_000
)

// schemaRegistry looks schemas up and remembers them. Safe for concurrent use.
type schemaRegistry struct {
	client *sr.Client
	ctx    context.Context //nolint:containedctx // the process's: look-ups come without one

	mu      sync.Mutex
	known   map[uint32]sr.Schema
	unknown map[uint32]time.Time // when it was asked for
}

// openRegistry answers nil without a registry. It connects to nothing.
func openRegistry(ctx context.Context, section config.RegistrySection) (*schemaRegistry, error) {
	if section.URL == "" {
		return nil, nil //nolint:nilnil // no registry is an answer
	}
	trust, err := section.TLS()
	if err != nil {
		return nil, fmt.Errorf("set up schema registry: %w", err)
	}
	opts := []sr.ClientOpt{
		sr.URLs(section.URL), sr.UserAgent("doustream"),
		sr.HTTPClient(&http.Client{Timeout: registryTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust}}),
	}
	if section.User != "" {
		opts = append(opts, sr.BasicAuth(section.User, section.Password.Reveal()))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("set up schema registry: %w", err)
	}
	return &schemaRegistry{client: client, ctx: ctx, known: map[uint32]sr.Schema{}, unknown: map[uint32]time.Time{}}, nil
}

// resolver is r as the processors take it: nothing at all without a registry.
func resolver(r *schemaRegistry) schemas.SchemaResolver {
	if r == nil {
		return nil
	}
	return r
}

// Resolve implements schemas.SchemaResolver. A schema that is not known yet is
// asked for; while the registry does not answer, it is asked again for a
// quarter of a minute.
func (r *schemaRegistry) Resolve(id uint32) (string, schemas.SchemaKind, error) {
	if schema, found, refused := r.remembered(id); found {
		return schema.Schema, kindOf(schema), nil
	} else if refused {
		return "", "", fmt.Errorf("resolve schema %d: the registry does not know it", id)
	}
	ctx, cancel := context.WithTimeout(r.ctx, registryPatience)
	defer cancel()
	for {
		schema, err := r.client.SchemaByID(ctx, int(id))
		if err == nil {
			r.remember(id, schema)
			return schema.Schema, kindOf(schema), nil
		}
		var answer *sr.ResponseError
		if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
			r.refuse(id)
			return "", "", fmt.Errorf("resolve schema %d: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return "", "", fmt.Errorf("resolve schema %d: %w", id, err)
		case <-time.After(registryRetry):
		}
	}
}

func kindOf(schema sr.Schema) schemas.SchemaKind {
	if schema.Type == sr.TypeJSON {
		return schemas.SchemaJSON
	}
	return schemas.SchemaAvro
}

func (r *schemaRegistry) remembered(id uint32) (schema sr.Schema, found, refused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	schema, found = r.known[id]
	at, asked := r.unknown[id]
	return schema, found, asked && time.Since(at) < unknownLife
}

func (r *schemaRegistry) remember(id uint32, schema sr.Schema) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[id] = schema
	delete(r.unknown, id)
}

// refuse notes an id that is none. Garbage can name any number, so the notes
// are bounded.
func (r *schemaRegistry) refuse(id uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.unknown) >= unknownMost {
		clear(r.unknown)
	}
	r.unknown[id] = time.Now()
}

// result is what a role writes for others: its topic, and its schema's full name.
type result struct{ topic, schema string }

var (
	enrichedUsers       = result{schemas.TopicUsers, "doustream.EnrichedUser"}
	notificationResults = result{schemas.TopicResults, "doustream.NotificationResult"}
)

// awaitOutput makes the builder of a role's output records. Where they are
// framed for a registry, it waits until that has their schema.
func (p *process) awaitOutput(ctx context.Context, what result, format schemas.Format, w *waiting) (*schemaRegistry, *sinks.Topics, error) {
	registry, err := openRegistry(ctx, p.config.Registry)
	if err != nil {
		return nil, nil, err
	}
	ids := map[string]uint32{}
	if format == schemas.FormatConfluent {
		err := await(ctx, p.log, "the schema registry", w, func(ctx context.Context) error { return registry.register(ctx, p.config, what, ids) })
		if err != nil {
			return nil, nil, err
		}
	}
	encoder, err := schemas.NewEncoder(format, ids)
	if err != nil {
		return nil, nil, err
	}
	output, err := sinks.NewTopics(sinks.TopicsConfig{Prefix: p.config.Names.TopicPrefix, Encoder: encoder})
	return registry, output, err
}

// register puts the schema of a result into the registry, under the subject
// that its topic gives it, and the number it has there into ids.
func (r *schemaRegistry) register(ctx context.Context, c *config.Config, what result, ids map[string]uint32) error {
	schema, ok := schemas.Newest(what.schema)
	if !ok {
		return fatal{fmt.Errorf("register schema %s: it is not there", what.schema)}
	}
	subject := c.Names.TopicPrefix + what.topic + "-value"
	made, err := r.client.CreateSchema(ctx, subject, sr.Schema{Schema: schema.Text, Type: sr.TypeAvro})
	if err != nil {
		return fmt.Errorf("register schema %s as %s: %w", what.schema, subject, err)
	}
	ids[what.schema] = uint32(made.ID)
	return nil
}
