package sinks

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"doustream/schemas"
)

func testRegistry(t *testing.T, cfg RegistryConfig) *Registry {
	t.Helper()
	r, err := NewRegistry(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestRegistryRegistersUnderTheTopicsNames(t *testing.T) {
	t.Parallel()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	r := testRegistry(t, RegistryConfig{URL: fake.URL(), Prefix: "test."})
	ids, err := r.Register(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Register(testContext(t))
	if err != nil || ids["doustream.EnrichedUser"] != again["doustream.EnrichedUser"] {
		t.Fatalf("%v, %v, %v", ids, again, err)
	}
	encoder, err := schemas.NewEncoder(schemas.FormatConfluent, ids)
	if err != nil {
		t.Fatal(err)
	}
	u := everyKind()[5]
	value, err := encoder.EnrichedUser(nil, &u)
	if err != nil {
		t.Fatal(err)
	}
	back, err := schemas.NewDecoder(r).EnrichedUser(value)
	if err != nil || back.EventID != u.EventID {
		t.Fatalf("%+v, %v", back, err)
	}
	client, err := sr.NewClient(sr.URLs(fake.URL()))
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"test.users.enriched-value", "test.notifications.results-value"} {
		if _, err := client.SchemaByVersion(testContext(t), subject, -1); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
}

func TestRegistryResolves(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		switch {
		case strings.HasSuffix(r.URL.Path, "/1"):
			if n <= 2 { // away for once, and then refusing us
				w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusUnauthorized}[n-1])
				return
			}
			_, _ = w.Write([]byte(`{"schema":"\"string\""}`))
		case strings.HasSuffix(r.URL.Path, "/2"):
			_, _ = w.Write([]byte(`{"schema":"{}","schemaType":"JSON"}`))
		case strings.HasSuffix(r.URL.Path, "/3"):
			_, _ = w.Write([]byte(`{"schema":"x","schemaType":"PROTOBUF"}`))
		case strings.HasSuffix(r.URL.Path, "/4"):
			_, _ = w.Write([]byte(`{"schema":"x","references":[{"name":"a","subject":"b","version":1}]}`))
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error_code":40403,"message":"Schema not found"}`))
		}
	}))
	t.Cleanup(registry.Close)
	r := testRegistry(t, RegistryConfig{URL: registry.URL})

	t.Run("one that is away is waited for, and many who ask are one question", func(t *testing.T) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if text, kind, err := r.Resolve(1); text != `"string"` || kind != schemas.SchemaAvro || err != nil {
					t.Errorf("%q %q %v", text, kind, err)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != 3 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		if _, kind, err := r.Resolve(2); kind != schemas.SchemaJSON || err != nil {
			t.Errorf("%q %v", kind, err)
		}
	})
	for name, id := range map[string]uint32{"another language": 3, "references": 4, "unknown": 5} {
		t.Run(name+" is an error, remembered for a while", func(t *testing.T) {
			before := asked.Load()
			for range 3 {
				if _, _, err := r.Resolve(id); err == nil {
					t.Error("no error")
				}
			}
			if n := asked.Load() - before; n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestRegistryEndsWaitingAtClose(t *testing.T) {
	t.Parallel()
	r := testRegistry(t, RegistryConfig{URL: "http://127.0.0.1:1"})
	done := make(chan error, 1)
	go func() { _, _, err := r.Resolve(1); done <- err }()
	r.Close()
	select {
	case err := <-done:
		if err == nil {
			t.Error("no error")
		}
	case <-testContext(t).Done():
		t.Error("still waiting")
	}
}

func TestI8RegistryKeepsItsPassword(t *testing.T) {
	t.Parallel()
	var authorized atomic.Bool
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		authorized.Store(user == "u" && password == "hunter2")
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(registry.Close)
	var log bytes.Buffer
	r := testRegistry(t, RegistryConfig{URL: registry.URL, User: "u", Password: "hunter2", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := r.Register(ctx)
	if err == nil || !authorized.Load() {
		t.Fatalf("%v, authorized %v", err, authorized.Load())
	}
	if strings.Contains(err.Error()+log.String(), "hunter2") {
		t.Fatal("the password is told")
	}
}
