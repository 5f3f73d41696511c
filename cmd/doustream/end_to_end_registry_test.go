package main

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// fakeRegistry is as much of a schema registry as producers, doustream and
// consumers need.
type fakeRegistry struct {
	mu       sync.Mutex
	subjects []string // by id, from 1
	schemas  []map[string]any
}

func (r *fakeRegistry) register(subject string, schema map[string]any) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, have := range r.subjects {
		if have == subject {
			return i + 1
		}
	}
	r.subjects = append(r.subjects, subject)
	r.schemas = append(r.schemas, schema)
	return len(r.subjects)
}

func (r *fakeRegistry) subject(id int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.subjects[id-1]
}

func (r *fakeRegistry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	switch {
	case len(parts) == 3 && parts[0] == "subjects" && req.Method == http.MethodPost:
		var schema map[string]any
		_ = json.NewDecoder(req.Body).Decode(&schema)
		_ = json.NewEncoder(w).Encode(map[string]any{"id": r.register(parts[1], schema)})
	case len(parts) == 3 && parts[0] == "schemas" && parts[2] != "":
		var id int
		_ = json.Unmarshal([]byte(parts[2]), &id)
		r.mu.Lock()
		defer r.mu.Unlock()
		if id < 1 || id > len(r.schemas) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error_code":40403,"message":"Schema not found"}`))
			return
		}
		_ = json.NewEncoder(w).Encode(r.schemas[id-1])
	default:
		_, _ = w.Write([]byte(`[]`))
	}
}

func framed(id int, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), body...)
}

// With a registry results are framed for it, under a subject of their topic's
// name, and events that are framed are looked up in it.
func TestEndToEndRegistry(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{}
	jsonID := registry.register("miniapp.device-value", map[string]any{"schema": `{"type":"object"}`, "schemaType": "JSON"})
	server := httptest.NewServer(registry)
	t.Cleanup(server.Close)
	w := newWorld(t, "DOUSTREAM_SCHEMA_REGISTRY_URL="+server.URL)
	enrich := w.role("enrich")
	login := w.platform.Login(testApp, "u")
	w.publish(schemas.TopicLogin, "l", "s", map[string]any{"code": login.Code})
	event := asJSON(t, map[string]any{"event_id": "d", "app_id": testApp, "session_id": "s", "occurred_at": 1763800000123, "payload": map[string]any{"model": "x"}})
	w.produce(schemas.TopicDevice, "s", framed(jsonID, event))
	w.produce(schemas.TopicDevice, "s", framed(4711, event))

	users := collect(w, schemas.TopicUsers, 2, func(r *kgo.Record) (schemas.EnrichedUser, error) {
		if id := binary.BigEndian.Uint32(r.Value[1:]); r.Value[0] != 0 || registry.subject(int(id)) != w.prefix+schemas.TopicUsers+"-value" {
			t.Errorf("framed % x", r.Value[:5])
		}
		return decodeUser(r)
	})
	letters := collect(w, schemas.TopicDeadLetters, 1, decodeLetter)
	w.stop(enrich)
	if kinds := users[0].Kind + users[1].Kind; kinds != schemas.KindLogin+schemas.KindDevice {
		t.Errorf("enriched %v", users)
	}
	if letters[0].Reason != schemas.ReasonSchemaUnknown {
		t.Errorf("an unknown id ended as %s", letters[0].Reason)
	}
}
