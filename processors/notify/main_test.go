package notify

import (
	"flag"
	"os"
	"testing"
)

// Failures are found again by their seed; no files are left behind.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("rapid.nofailfile", "true")
	os.Exit(m.Run())
}
