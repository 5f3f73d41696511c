package sinks

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// away is a registry that answers nobody until it is back.
type away struct {
	asked chan uint32 // who asks
	back  chan struct{}
}

func (a *away) Resolve(id uint32) (text string, kind schemas.SchemaKind, err error) {
	select {
	case a.asked <- id:
	default:
	}
	<-a.back
	schema, _ := schemas.Newest("doustream.EnrichedUser")
	return schema.Text, schemas.SchemaAvro, nil
}

// I2 and I5: while the registry is away a partition is handed over, and a sink
// ends; whoever comes next waits for it, and each record is one row.
func TestARegistryThatIsAwayHoldsUpNoHandOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	encoder, err := schemas.NewEncoder(schemas.FormatConfluent, map[string]uint32{"doustream.EnrichedUser": 7, "doustream.NotificationResult": 8})
	if err != nil {
		t.Fatal(err)
	}
	plain := w.topics
	if w.topics, err = NewTopics(TopicsConfig{Prefix: "test.", Encoder: encoder}); err != nil {
		t.Fatal(err)
	}
	framed := w.users(5, 0)
	w.topics = plain
	w.produce(append(w.users(3, 0), framed...)...)
	registry := &away{asked: make(chan uint32, 1), back: make(chan struct{})}
	cameBack := sync.OnceFunc(func() { close(registry.back) })
	cfg := w.config()
	cfg.Registry = registry
	_, stop := w.run(cfg)
	t.Cleanup(cameBack) // before stop, which this is about
	if id := <-registry.asked; id != 7 {
		t.Fatalf("asked about %d", id)
	}
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-ended:
	case <-ctx.Done():
		t.Fatal("the sink does not end while the registry is away")
	}
	_, again := w.run(cfg)
	<-registry.asked
	cameBack()
	w.once(8)
	until(t, "the offset", func() bool { return w.committed() == 8 })
	again()
	w.lettered()
}

// What is no frame asks nobody, nor does a dead letter, whatever its bytes are.
func TestWhoeverAsksNoRegistryWaitsForNone(t *testing.T) {
	t.Parallel()
	registry := &away{asked: make(chan uint32, 1), back: make(chan struct{})}
	frame := []byte{0, 0, 0, 0, 7, 2}
	for _, c := range []struct {
		name  string
		table string
		value []byte
	}{
		{"a single object", "user_events", []byte{0xC3, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"a frame cut short", "user_events", frame[:4]},
		{"nothing", "user_events", nil},
		{"a frame in a dead letter", deadLettersTable, frame},
	} {
		l := newLookup(registry, table{name: c.table})
		if !l.await(&kgo.Record{Value: c.value}, nil) || len(registry.asked) > 0 {
			t.Errorf("%s: the registry is asked", c.name)
		}
	}
	stopping := make(chan struct{})
	close(stopping)
	l := newLookup(registry, table{name: "user_events"})
	t.Cleanup(func() { close(registry.back) })
	if l.await(&kgo.Record{Value: frame}, stopping) {
		t.Error("a frame waits for nobody")
	}
}
