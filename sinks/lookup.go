package sinks

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// lookup waits for the schemas that a partition's frames name, before they are
// read: a registry that is away keeps who asks it waiting for as long as it is, and
// the partition must be handed over all the same. It is fill's own.
type lookup struct {
	registry schemas.SchemaResolver // nil: nobody is asked
	known    map[uint32]bool
}

// lookupBound bounds the ids that are remembered; in truth there is one for each
// version of the schema.
const lookupBound = 256

func newLookup(registry schemas.SchemaResolver, t table) lookup {
	if t.name == deadLettersTable { // of which nothing but headers is read
		registry = nil
	}
	return lookup{registry, make(map[uint32]bool)}
}

// await returns when the registry has said what it knows of the record's schema;
// false: the partition stops.
func (l *lookup) await(rec *kgo.Record, stopping <-chan struct{}) bool {
	if l.registry == nil {
		return true
	}
	id, framed := schemas.ConfluentID(rec.Value)
	if !framed || l.known[id] {
		return true
	}
	said := make(chan error, 1)
	go func() {
		_, _, err := l.registry.Resolve(id)
		said <- err
	}()
	select {
	case err := <-said:
		if err == nil { // else it may be known later
			if len(l.known) >= lookupBound {
				clear(l.known)
			}
			l.known[id] = true
		}
		return true
	case <-stopping:
		return false
	}
}
