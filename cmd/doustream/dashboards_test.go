package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

var metricName = regexp.MustCompile(`\bdoustream_[a-z0-9_]+`)

// checkDashboards holds the names in the alerts and the dashboard against what
// a process of all roles shows.
func checkDashboards(t *testing.T, metrics string) {
	t.Helper()
	for _, file := range []string{"prometheus/alerts.yaml", "grafana/operators.json"} {
		text, err := os.ReadFile(root + "/deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		names := metricName.FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s names only %d metrics", file, len(names))
		}
		for _, name := range names {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, suffix)
			}
			if !strings.Contains(metrics, "# TYPE "+name+" ") {
				t.Errorf("%s speaks of %s, which no process has", file, name)
			}
		}
	}
}

func TestTheDashboardIsJSON(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(root + "/deploy/grafana/operators.json")
	if err != nil || !json.Valid(text) {
		t.Errorf("not JSON: %v", err)
	}
}
