package sinks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"doustream/schemas"
)

const (
	registryTimeout = 5 * time.Second
	registryBackoff = time.Second
	// registryDoubt is how long an id that the registry did not know is taken for
	// unknown without asking again.
	registryDoubt = 10 * time.Second
	// registryCached bounds the ids remembered; frames name any number of them.
	registryCached = 4096
)

// RegistryConfig says where a schema registry is.
type RegistryConfig struct {
	URL            string
	User, Password string      // empty: no log-in
	TLS            *tls.Config // nil: the system's authorities
	Prefix         string      // of every topic's name
	Logger         *slog.Logger
}

// Registry is a Confluent schema registry: where the schemas of the output topics
// are registered, subjects by topic name, and where incoming frames' schemas are
// looked up. It implements schemas.SchemaResolver. Safe for concurrent use.
type Registry struct {
	client *sr.Client
	prefix string
	log    *slog.Logger
	closed context.Context
	close  context.CancelFunc

	mu    sync.Mutex
	known map[uint32]*answer
}

// answer is what the registry said of an id, or is about to.
type answer struct {
	done  chan struct{} // closed when the rest is there
	text  string
	kind  schemas.SchemaKind
	err   error
	until time.Time // for an id that is unknown
}

// NewRegistry makes a client. It does not connect.
func NewRegistry(cfg RegistryConfig) (*Registry, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = cfg.TLS
	options := []sr.ClientOpt{
		sr.URLs(cfg.URL), sr.UserAgent("doustream"),
		sr.HTTPClient(&http.Client{Timeout: registryTimeout, Transport: transport}),
	}
	if cfg.User != "" {
		options = append(options, sr.BasicAuth(cfg.User, cfg.Password))
	}
	client, err := sr.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("make schema registry client: %w", err)
	}
	r := &Registry{client: client, prefix: cfg.Prefix, log: cfg.Logger, known: make(map[uint32]*answer)}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.closed, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Close ends every Resolve that waits for the registry, with an error. Call it
// when the role that resolves has ended: an event whose schema cannot be resolved
// is a dead letter.
func (r *Registry) Close() { r.close() }

// Register registers the current schemas of users.enriched and
// notifications.results and answers their ids by full name, as
// schemas.NewEncoder wants them. Registering again is the same id. A registry
// that is away is waited for until ctx ends; one that refuses (an incompatible
// schema, a wrong password) is an error.
func (r *Registry) Register(ctx context.Context) (map[string]uint32, error) {
	ids := make(map[string]uint32)
	for topic, name := range map[string]string{
		schemas.TopicUsers: "doustream.EnrichedUser", schemas.TopicResults: "doustream.NotificationResult",
	} {
		schema, ok := schemas.Newest(name)
		if !ok {
			return nil, fmt.Errorf("register schema: %s is not one of ours", name)
		}
		subject := r.prefix + topic + "-value"
		err := r.persist(ctx, isRefusal, func(ctx context.Context) error {
			id, err := r.client.RegisterSchema(ctx, subject, sr.Schema{Schema: schema.Text, Type: sr.TypeAvro}, -1, -1)
			ids[name] = uint32(id)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("register schema %s: %w", subject, err)
		}
	}
	return ids, nil
}

// Resolve answers the schema of an id. It blocks while the registry is away or
// refuses us, and answers from memory what it was asked before. An error means that the registry
// does not know the id, or that its schema refers to others, which doustream does
// not read.
func (r *Registry) Resolve(id uint32) (text string, kind schemas.SchemaKind, err error) {
	a, mine := r.recall(id)
	if mine {
		a.text, a.kind, a.err = r.ask(id)
		if a.err != nil {
			a.until = time.Now().Add(registryDoubt)
		}
		close(a.done)
	}
	<-a.done
	return a.text, a.kind, a.err
}

// recall answers what is known of an id; where nothing is, the caller is to find
// out, for everybody who asks meanwhile.
func (r *Registry) recall(id uint32) (a *answer, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.known[id]; ok && !a.stale() {
		return a, false
	}
	if len(r.known) >= registryCached {
		clear(r.known) // who waits holds its answer; the rest is asked again
	}
	a = &answer{done: make(chan struct{})}
	r.known[id] = a
	return a, true
}

func (a *answer) stale() bool {
	select {
	case <-a.done:
		return a.err != nil && time.Now().After(a.until)
	default:
		return false
	}
}

func (r *Registry) ask(id uint32) (text string, kind schemas.SchemaKind, err error) {
	var schema sr.Schema
	err = r.persist(r.closed, isUnknown, func(ctx context.Context) error {
		var err error
		schema, err = r.client.SchemaByID(ctx, int(id))
		return err
	})
	switch {
	case err != nil:
		return "", "", fmt.Errorf("resolve schema %d: %w", id, err)
	case len(schema.References) > 0:
		return "", "", fmt.Errorf("resolve schema %d: it refers to other schemas", id)
	case schema.Type == sr.TypeAvro:
		return schema.Schema, schemas.SchemaAvro, nil
	case schema.Type == sr.TypeJSON:
		return schema.Schema, schemas.SchemaJSON, nil
	}
	return "", "", fmt.Errorf("resolve schema %d: of type %s", id, schema.Type)
}

// persist repeats a call until it succeeds or its error is final.
func (r *Registry) persist(ctx context.Context, final func(error) bool, call func(context.Context) error) error {
	for {
		err := call(ctx)
		if err == nil || final(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.log.Warn("ask the schema registry again", "error", err)
		if err := pause(ctx, registryBackoff); err != nil {
			return err
		}
	}
}

// isRefusal reports an answer of the registry's that asking again does not change.
func isRefusal(err error) bool {
	status := statusOf(err)
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// isUnknown reports that the registry does not know what was asked for. Any other
// refusal, a password that has run out, is waited out: it says nothing of the
// event.
func isUnknown(err error) bool { return statusOf(err) == http.StatusNotFound }

func statusOf(err error) int {
	var response *sr.ResponseError
	if errors.As(err, &response) {
		return response.StatusCode
	}
	return 0
}
