package schemas

import (
	"sync"

	"github.com/linkedin/goavro/v2"
)

// SchemaKind is the language of a registered schema.
type SchemaKind string

// The languages that doustream reads.
const (
	SchemaAvro SchemaKind = "AVRO"
	SchemaJSON SchemaKind = "JSON"
)

// SchemaResolver knows the schemas of a registry by id, as Confluent's framing
// names them. Resolve may block, and retries passing faults itself; an error
// means that the registry does not know the id, and costs the event. It is safe
// for concurrent use, and caches its answers.
type SchemaResolver interface {
	Resolve(id uint32) (text string, kind SchemaKind, err error)
}

// foreignSchema is a schema that somebody else registered.
type foreignSchema struct {
	name        string // of the outermost type
	fingerprint uint64
	recursive   bool
	compile     func() (*goavro.Codec, error)
}

// foreignSchemas holds what was made of registered schemas, by their text.
// Beyond maxForeign further ones are made anew for each record.
var (
	foreignLock    sync.RWMutex
	foreignSchemas = make(map[string]*foreignSchema)
)

const maxForeign = 256

func foreign(text string) (*foreignSchema, error) {
	foreignLock.RLock()
	f, ok := foreignSchemas[text]
	foreignLock.RUnlock()
	if ok {
		return f, nil
	}
	form, err := canonicalize(text)
	if err != nil {
		return nil, err
	}
	f = &foreignSchema{
		name: form.name, fingerprint: Fingerprint(string(form.out)), recursive: form.recursive,
		compile: sync.OnceValues(func() (*goavro.Codec, error) { return goavro.NewCodec(text) }),
	}
	foreignLock.Lock()
	defer foreignLock.Unlock()
	if len(foreignSchemas) < maxForeign {
		foreignSchemas[text] = f
	}
	return f, nil
}

// decode reads body under the schema. A schema that holds itself is refused:
// its data could nest without bound.
func (f *foreignSchema) decode(body []byte) (native, error) {
	if f.recursive {
		return nil, errTooDeep
	}
	codec, err := f.compile()
	if err != nil {
		return nil, errSchemaUnknown
	}
	return decodeNative(codec, body)
}
