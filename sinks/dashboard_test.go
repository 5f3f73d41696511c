package sinks

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// dashboard is what a test cares for of Grafana's format.
type dashboard struct {
	Panels []struct {
		Title   string
		Type    string
		Targets []struct{ RawSQL string }
	}
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
}

// macros stand for what Grafana's data source writes in their place. Rows were
// inserted within the second that has begun, which now() leaves out.
var macros = strings.NewReplacer(
	"$__dateFilter(day)", "day >= toDate('2025-11-01') AND day <= toDate('2025-11-30')",
	"$__timeFilter(occurred_at)", "occurred_at >= toDateTime('2025-11-01 00:00:00') AND occurred_at <= toDateTime('2025-11-30 00:00:00')",
	"$__timeFilter(_inserted_at)", "_inserted_at >= toDateTime('2025-11-01 00:00:00') AND _inserted_at <= now() + INTERVAL 1 MINUTE",
	"$__timeInterval(_inserted_at)", "toStartOfInterval(toDateTime(_inserted_at), INTERVAL 60 second)",
	"${app:singlequote}", "'tt1','tt2'",
)

// Every query of the analysts' dashboard is one that ClickHouse answers, from a
// little of everything with a row at least.
func TestEveryQueryOfTheDashboardIsAnswered(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../deploy/grafana/analysts.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, migrated(t).DSN())
	insertALittleOfEverything(t, conn)
	queries := make(map[string]string)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			queries[p.Title] = target.RawSQL
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			queries["variable "+v.Name] = v.Query
		}
	}
	if len(queries) < 15 {
		t.Fatalf("%d queries", len(queries))
	}
	for title, query := range queries {
		t.Run(title, func(t *testing.T) {
			query = macros.Replace(query)
			if strings.Contains(query, "$") {
				t.Fatalf("a macro that this test does not know: %s", query)
			}
			if n := count(t, conn, "SELECT count() FROM ("+query+")"); n == 0 {
				t.Errorf("no row: %s", query)
			}
		})
	}
}
