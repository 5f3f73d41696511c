package sinks

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// figure is what one run has come to.
type figure struct {
	name   string // of its benchmark, without the outermost
	rows   int
	took   time.Duration
	cost   cost          // of the reader's own process; none where the engine reads itself
	engine time.Duration // processor time of ClickHouse's process
}

// figures are those of all runs, in their order.
type figures []figure

// add reports a run; of a benchmark's several the last one stands. rows/cpu-s are
// rows for each second of the processor that the reader itself has used,
// all-rows/cpu-s counts the engine's as well.
func (f *figures) add(b *testing.B, run figure) {
	_, run.name, _ = strings.Cut(b.Name(), "/")
	*f = append(*f, run)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(run.perSecond(run.took), "rows/s")
	if run.cost.CPU > 0 {
		b.ReportMetric(run.perSecond(run.cost.CPU), "rows/cpu-s")
	}
	if run.engine > 0 {
		b.ReportMetric(run.perSecond(run.cost.CPU+run.engine), "all-rows/cpu-s")
	}
	b.ReportMetric(float64(run.cost.RSS)/(1<<20), "rss-MB")
}

func (run figure) perSecond(d time.Duration) float64 { return float64(run.rows) / d.Seconds() }

// print writes them as a table, each beside the ceiling on the same Kafka. A
// benchmark that has others inside has no log of its own.
func (f *figures) print() {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "run\trows\ts\trows/s\trows/cpu-s\tof ceiling\twith engine\trss MB\t")
	var ceiling float64
	for _, run := range *f {
		own, share, both := "-", "-", "-"
		if run.cost.CPU > 0 {
			rate := run.perSecond(run.cost.CPU)
			if strings.HasSuffix(run.name, "/ceiling") {
				ceiling = rate
			}
			own, share = thousands(rate), fmt.Sprintf("%.0f %%", 100*rate/ceiling)
		}
		if run.engine > 0 {
			both = thousands(run.perSecond(run.cost.CPU + run.engine))
		}
		fmt.Fprintf(table, "%s\t%d\t%.1f\t%s\t%s\t%s\t%s\t%d\t\n", strings.ReplaceAll(run.name, "_", " "), run.rows, run.took.Seconds(),
			thousands(run.perSecond(run.took)), own, share, both, run.cost.RSS>>20)
	}
	_ = table.Flush()
}

func thousands(rate float64) string { return fmt.Sprintf("%.1fk", rate/1000) }
