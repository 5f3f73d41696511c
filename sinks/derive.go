package sinks

import (
	"context"
	"fmt"
	"regexp"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// derivations are the materialized views whose targets a repeated insert does not
// change, by the table that they read. Views that somebody else has added are
// left alone.
var derivations = map[string][]string{
	"user_events": {"user_facts_newest", "user_first_seen_min", "consent_facts_newest"},
}

// view is a materialized view as ClickHouse describes it.
type view struct{ name, target, query, columns string }

var viewTarget = regexp.MustCompile(`(?s)^CREATE MATERIALIZED VIEW .*? TO (\S+)`)

// derive runs the views' own queries over the block's rows once more: an insert
// writes a table and its views one after another, and where it ended in between
// (the engine killed, a view out of parts) the look-up finds the rows and nobody
// would tell the views.
func (t *tableStore) derive(ctx context.Context, block rows) error {
	views, err := t.views(ctx)
	if err != nil {
		return fmt.Errorf("list views: %w", err)
	}
	filter := fmt.Sprintf("{%s: %s}", quoteText(t.place.table), quoteText(t.where(block)))
	for _, v := range views {
		err := t.on.do(ctx, ch.Query{
			Body: "INSERT INTO " + v.target + " (" + v.columns + ") " + v.query,
			Settings: append(deadline(ctx),
				ch.Setting{Key: "additional_table_filters", Value: filter, Important: true},
				ch.Setting{Key: "insert_deduplicate", Value: "0", Important: true}),
		})
		if err != nil {
			return fmt.Errorf("derive by %s: %w", v.name, err)
		}
	}
	return nil
}

func (t *tableStore) views(ctx context.Context) ([]view, error) {
	var views []view
	for _, name := range derivations[t.place.table] {
		var create, query proto.ColStr
		columns := new(proto.ColStr).Nullable()
		err := t.on.do(ctx, ch.Query{
			Body: fmt.Sprintf("SELECT create_table_query AS c, as_select AS q, "+
				"(SELECT arrayStringConcat(arrayMap(x -> concat('`', x.2, '`'), arraySort(groupArray((position, name)))), ', ') FROM system.columns WHERE database = currentDatabase() AND table = %[1]s) AS n "+
				"FROM system.tables WHERE database = currentDatabase() AND name = %[1]s AND engine = 'MaterializedView'", quoteText(name)),
			Result:   proto.Results{{Name: "c", Data: &create}, {Name: "q", Data: &query}, {Name: "n", Data: columns}},
			Settings: deadline(ctx),
		})
		if err != nil {
			return nil, err
		}
		if create.Rows() == 0 {
			continue // an installation without the view
		}
		target := viewTarget.FindStringSubmatch(create.Row(0))
		if target == nil {
			return nil, fmt.Errorf("%s has no target", name)
		}
		views = append(views, view{name: name, target: target[1], query: query.Row(0), columns: columns.Row(0).Value})
	}
	return views, nil
}
