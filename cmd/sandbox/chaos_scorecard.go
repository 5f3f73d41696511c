package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// examplesShown is how many findings of one charge are told; a file has all.
const examplesShown = 8

// writeFindings writes every finding to a file.
func writeFindings(path string, o *oracle) error {
	var b strings.Builder
	for _, c := range charges {
		for _, f := range o.findings[c] {
			fmt.Fprintf(&b, "%s: %s\n", c, f)
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

// printScorecard tells what was done and what came of it.
func printScorecard(out io.Writer, o *oracle, h *havoc, seed uint64, took time.Duration) {
	fmt.Fprintf(out, "\nchaos, seed %d: %d records in, %d results, in %s\n\nfaults\n", seed, len(o.inputs), len(o.outputs), took.Round(time.Second))
	for _, kind := range slices.Sorted(maps.Keys(h.count)) {
		fmt.Fprintf(out, "  %6d  %s\n", h.count[kind], kind)
	}
	if n := h.crashes(); n > 0 {
		fmt.Fprintf(out, "  %6d  times a process ended by itself and was started again\n", n)
	}
	fmt.Fprint(out, "\nwhat the faults cost: answers that nobody can have heard, and what hung on them\n")
	for _, what := range slices.Sorted(maps.Keys(o.excused)) {
		fmt.Fprintf(out, "  %6d  %s\n", o.excused[what], what)
	}
	fmt.Fprint(out, "\nscorecard\n")
	for _, c := range charges {
		found := o.findings[c]
		if !o.judges(c) {
			fmt.Fprintf(out, "  %6s  %s: not judged, without ClickHouse\n", "-", c)
			continue
		}
		fmt.Fprintf(out, "  %6d  %s\n", len(found), c)
		slices.Sort(found)
		for _, f := range found[:min(len(found), examplesShown)] {
			fmt.Fprintf(out, "          - %s\n", strings.ReplaceAll(f, "\n", " "))
		}
	}
	if o.guilty() {
		fmt.Fprintf(out, "\nNOT all zeros. The same plan again: --seed %d\n", seed)
		return
	}
	fmt.Fprintln(out, "\nall zeros")
}

// judges says whether there was something to judge a charge by.
func (o *oracle) judges(c charge) bool {
	return o.asked || !slices.Contains([]charge{chargeRowLost, chargeRowDoubled, chargeRowDiffers, chargeUser, chargeVerify}, c)
}

// crashes is how often processes ended by themselves.
func (h *havoc) crashes() int {
	n := 0
	for _, k := range h.keepers {
		k.mu.Lock()
		n += len(k.crashes)
		k.mu.Unlock()
	}
	return n
}
