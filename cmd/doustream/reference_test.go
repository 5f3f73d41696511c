package main

import (
	"bytes"
	"os"
	"testing"

	"doustream/cmd/doustream/config"
)

func TestEnvironmentReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	have, err := os.ReadFile(root + "/deploy/environment.md")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := config.WriteReference(&want); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want.Bytes()) {
		t.Error("deploy/environment.md is not what the configuration structs say: run make docs")
	}
}
