package main

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAPlanIsItsSeeds(t *testing.T) {
	t.Parallel()
	c := cast{roles: []string{"enrich-1", "notify-1", "sink-1"}, clickhouse: true}
	first := planFaults(7, 400, time.Minute, c)
	if !reflect.DeepEqual(first, planFaults(7, 400, time.Minute, c)) {
		t.Error("one seed, two plans")
	}
	if reflect.DeepEqual(first, planFaults(8, 400, time.Minute, c)) {
		t.Error("two seeds, one plan")
	}
	kinds, targets := map[faultKind]bool{}, map[string]bool{}
	for i, f := range first {
		kinds[f.kind], targets[f.target] = true, true
		if f.at < 0 || f.at > time.Minute || i > 0 && f.at < first[i-1].at {
			t.Errorf("fault %d is at %s", i, f.at)
		}
	}
	for _, item := range c.menu() {
		if !kinds[item.kind] {
			t.Errorf("%s never happens", item.kind)
		}
	}
	for _, r := range c.roles {
		if !targets[r] {
			t.Errorf("%s never suffers", r)
		}
	}
	for _, e := range unheardEnds {
		if !targets[e.name] {
			t.Errorf("no commit %s is unheard", e.name)
		}
	}
	for _, f := range planFaults(7, 400, time.Minute, cast{roles: c.roles, nodes: 3}) {
		if (f.kind == faultBroker || f.kind == faultNode) && !slices.Contains([]string{"1", "2", "3"}, f.target) || f.kind == faultReboot || f.kind == faultEnd || f.kind == faultHouse {
			t.Errorf("Apache Kafka without ClickHouse suffers %s", f)
		}
	}
}

// TestTheSeedReproducesThePlan, as the program prints it; what is asked for
// beside the seed counts too.
func TestTheSeedReproducesThePlan(t *testing.T) {
	t.Parallel()
	plan := func(args ...string) string {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"chaos", "--plan", "--faults", "30"}, args...), &out, t.Output()); code != exitOK {
			t.Fatalf("exit %d", code)
		}
		return out.String()
	}
	first := plan("--seed", "9")
	if lines := strings.Count(first, "\n"); lines != 30 {
		t.Errorf("%d lines for 30 faults", lines)
	}
	if plan("--seed", "9") != first || plan("--seed", "10") == first {
		t.Error("the seed does not make the plan")
	}
	for line := range strings.Lines(plan("--kinds", "SIGTERM,kill -9")) {
		if !strings.Contains(line, "kill -9 ") && !strings.Contains(line, "SIGTERM ") {
			t.Errorf("not asked for: %s", line)
		}
	}
}
