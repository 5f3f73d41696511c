package main

import (
	"net/http/httptest"
	"testing"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
)

// A role whose schemas are registered still has its state to restore: it is
// ready when its tasks say so, and no moment earlier.
func TestARegistryThatAnswersMakesNoRoleReady(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&fakeRegistry{})
	t.Cleanup(server.Close)
	p := testProcess(t, 0)
	p.config.Registry.URL = server.URL
	registry, err := p.openRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	w := p.waitFor(config.Enrich)
	if _, err := p.awaitOutput(t.Context(), registry, schemas.FormatConfluent, w); err != nil {
		t.Fatal(err)
	}
	if w.check() == nil {
		t.Error("it is ready")
	}
}
