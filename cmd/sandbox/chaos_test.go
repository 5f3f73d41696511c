package main

import (
	"bytes"
	"strings"
	"testing"
)

// testChaos runs chaos with what is given and wants a card of zeros.
func testChaos(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), append([]string{"chaos", "--dir", t.TempDir()}, args...), &out, t.Output()); code != exitOK || !strings.Contains(out.String(), "all zeros\n") {
		t.Fatalf("exit %d:\n%s", code, out.String())
	}
}

// TestChaos is a short one (I1 to I8, by the oracle), of a seed that kills enrich,
// notify and ClickHouse, restarts the broker, cuts the platform off and loses the
// answer to a commit; make chaos runs long ones, also on Apache Kafka. It runs beside no other test of this package: what it
// shows is faults, not a machine that is too small.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	testChaos(t, "--events", "500", "--faults", "8", "--seed", "320", "--session-wait", "30s")
}
