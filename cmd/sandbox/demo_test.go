package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// everything is what a report of an undisturbed demo names.
var everything = []string{
	"LOGIN", "PROFILE", "PHONE", "LOCATION", "ADDRESS", "DEVICE", "SUBSCRIPTION",
	"SENT", "EXPIRED", "INVALID", "NO_CREDIT", "REFUSED", "UNKNOWN",
	"too_large", "code_outcome_unknown", "session_missing", "watermark_stale", "twice: holds.",
}

// testDemo runs a demo with what is given beside a small traffic, and holds it
// to its exit code and its report.
func testDemo(t *testing.T, parts []string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	args = append([]string{"demo", "--dir", t.TempDir(), "--think", "50ms", "--patience", "2m"}, args...)
	if code := run(t.Context(), args, &out, t.Output()); code != exitOK {
		t.Fatalf("exit %d:\n%s", code, out.String())
	}
	for _, part := range parts {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the report has no %s:\n%s", part, out.String())
		}
	}
}

// TestDemo is the whole program, smaller: real doustream processes between the
// engines, every kind of event and order, everything that can be wrong, and an
// account that must hold in Kafka and in ClickHouse (I1, I3, I4, I5, I7, I10).
func TestDemo(t *testing.T) {
	t.Parallel()
	testDemo(t, everything, "--visits", "40", "--over", "2s", "--session-wait", "15s")
}

// TestDemoDriverV1 sends by the older API.
func TestDemoDriverV1(t *testing.T) {
	t.Parallel()
	testDemo(t, everything, "--no-clickhouse", "--driver", "v1", "--visits", "40", "--over", "2s", "--session-wait", "15s")
}

// TestDemoThroughTrouble: the account holds although processes die by kill -9
// and the platform fails in every way all the while (I1, I2, I3, I5, I7).
func TestDemoThroughTrouble(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	testDemo(t, []string{"kill -9", "twice: holds."}, "--visits", "100", "--over", "12s", "--session-wait", "20s", "--kill", "2500ms", "--outage", "700ms")
}

// TestDemoOnApacheKafka is the demo on the real broker.
func TestDemoOnApacheKafka(t *testing.T) {
	if os.Getenv("DOUSTREAM_TEST_KAFKA") == "" {
		t.Skip("set DOUSTREAM_TEST_KAFKA, as make test-kafka does")
	}
	testDemo(t, everything, "--kafka", "apache", "--visits", "100", "--over", "10s", "--session-wait", "30s")
}
