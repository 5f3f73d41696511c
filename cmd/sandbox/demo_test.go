package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestDemo is the whole program, smaller: real doustream processes between the
// engines, every kind of event and order, everything that can be wrong, and an
// account that must hold (I1, I3, I4, I5, I7, I10).
func TestDemo(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"v1", "v2"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			code := run(t.Context(), []string{
				"demo", "--no-clickhouse", "--dir", t.TempDir(), "--driver", driver,
				"--visits", "40", "--over", "2s", "--think", "50ms", "--patience", time.Minute.String(),
			}, &out, t.Output())
			if code != exitOK {
				t.Fatalf("exit %d:\n%s", code, out.String())
			}
			for _, part := range []string{"LOGIN", "PROFILE", "PHONE", "LOCATION", "ADDRESS", "DEVICE", "SUBSCRIPTION", "SENT", "UNKNOWN", "too_large", "code_outcome_unknown", "twice: holds."} {
				if !strings.Contains(out.String(), part) {
					t.Errorf("the report has no %s:\n%s", part, out.String())
				}
			}
		})
	}
}
