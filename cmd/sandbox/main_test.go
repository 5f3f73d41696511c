package main

import (
	"os"
	"testing"

	"doustream/platform/embedded"
)

// TestMain lets this binary be what the sandbox starts itself as: a part, or the open platform.
func TestMain(m *testing.M) {
	embedded.Main()
	if len(os.Args) > 1 && os.Args[1] == "platform" {
		main()
	}
	os.Exit(m.Run())
}
