package embedded_test

import (
	"os"
	"testing"

	"doustream/platform/embedded"
)

func TestMain(m *testing.M) {
	embedded.Main()
	os.Exit(m.Run())
}
