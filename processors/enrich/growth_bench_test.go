package enrich

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkBacklogGrowth enriches backlogs of each decade: what an event costs
// and what the process takes at most must not grow with the backlog. The
// session table does grow, with the sessions, a tenth of the events; peak-MB is
// what is resident beside it. DOUSTREAM_BENCH_EVENTS is the largest backlog; a
// million unless it is set.
func BenchmarkBacklogGrowth(b *testing.B) {
	for events := 10_000; events <= benchCount(b, "DOUSTREAM_BENCH_EVENTS", 1_000_000); events *= 10 {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			bl := newBacklog(b, events)
			bl.visits, bl.keys = nil, nil // the bare loop's
			bl.hold = underLimit(b)
			bl.run(b, func(b *testing.B) { bl.grow(b) })
		})
	}
}

// grow is one pass of enrich in a process whose peak is its own.
func (bl *backlog) grow(b *testing.B) {
	b.StopTimer()
	debug.FreeOSMemory()
	forgetPeak()
	cfg := testConfig()
	cfg.Held = bl.hold
	registry := cfg.Metrics.(*prometheus.Registry)
	b.StartTimer()
	stop := startRole(b, bl.connect, cfg, bl.deps)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Minute); enrichedSoFar(b, registry) < bl.events; <-tick.C {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d", enrichedSoFar(b, registry), bl.events)
		}
	}
	table := gaugeOf(b, registry, "doustream_enrich_session_bytes")
	stop()
	b.StopTimer()
	b.ReportMetric((float64(resident("VmHWM"))-table)/(1<<20), "peak-MB")
	b.ReportMetric(table/(1<<20), "table-MB")
	b.StartTimer()
}

// forgetPeak has Linux count the peak anew from here on.
func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

func gaugeOf(b *testing.B, registry *prometheus.Registry, name string) float64 {
	families, err := registry.Gather()
	must(b, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return 0
}
