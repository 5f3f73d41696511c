package enrich

import (
	"os"
	"testing"

	"doustream/platform/embedded"
)

// A benchmark's broker, and whatever else is outside, is this binary, started
// once more.
func TestMain(m *testing.M) {
	embedded.Main()
	outsideMain()
	os.Exit(m.Run())
}
