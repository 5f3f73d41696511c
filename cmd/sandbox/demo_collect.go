package main

import (
	"context"

	"doustream/cmd/sandbox/traffic"
)

// collect brings both readers' and the platform's words together.
func (d *demo) collect(ctx context.Context, w *watcher, manifest *traffic.Manifest) (*report, error) {
	r := &report{account: newAccount(manifest.All()), killed: d.killed, outages: d.outages}
	r.account.troubled = d.killed+d.outages > 0
	if d.world.clickhouse != nil {
		if err := d.collectRows(ctx, w, r); err != nil {
			return nil, err
		}
	}
	outcomes, faults := w.result()
	r.faults = faults
	r.account.addKafka(outcomes)
	return r, r.askPlatform(ctx, d.control)
}

// collectRows waits until ClickHouse holds as much as Kafka, and asks it.
func (d *demo) collectRows(ctx context.Context, w *watcher, r *report) error {
	house, err := openWarehouse(d.world.env)
	if err != nil {
		return err
	}
	defer house.close() //nolint:errcheck // only read from
	want, _ := w.seen()
	waiting, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	if have, err := house.await(waiting, uint64(want)); have < uint64(want) { //nolint:gosec // a count
		d.say("ClickHouse holds %d rows of %d (%v)", have, want, err)
	}
	rows, err := house.outcomes(ctx)
	if err != nil {
		return err
	}
	r.account.addRows(rows)
	for _, q := range questions {
		table, err := house.ask(ctx, q)
		if err != nil {
			return err
		}
		r.answers = append(r.answers, table)
	}
	return nil
}
