package enrich

import (
	"os"
	"testing"

	"doustream/platform/embedded"
)

// A benchmark's broker is this binary, started once more.
func TestMain(m *testing.M) {
	embedded.Main()
	os.Exit(m.Run())
}
