package enrich

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkLoginLatency has people log in at a quarter and at half of the rate
// that two cores bear, and reports how long it takes from the publication of a
// login until a read_committed reader has its result. No transaction at all
// would take the platform's latency; commits every interval add half of it at
// the median, all of it at the tail.
func BenchmarkLoginLatency(b *testing.B) {
	const latency = 50 * time.Millisecond
	for _, rate := range []int{2500, 4500} {
		o := outside{Latency: latency, Rate: float64(rate), Logins: rate * 4}
		var r report
		b.Run(fmt.Sprintf("rate=%d/latency=%v", rate, latency), func(b *testing.B) {
			underLimit(b)
			out := startOutside(b, o)
			client := out.client(b, 1024)
			stop := theRole(b, out.connect(), 1024, client)
			out.begin(b)
			r = out.result(b)
			stop()
			client.CloseIdle()
			if !r.All {
				b.Error("not all logins are through")
			}
			b.ReportMetric(0, "ns/op")
			for name, took := range map[string]time.Duration{"p50": r.P50, "p99": r.P99, "p99.9": r.P999} {
				b.ReportMetric(float64(took.Milliseconds()), name+"-ms")
			}
		})
		fmt.Printf("login to result, %d/s, platform %v, commit interval 100ms: p50 %v, p99 %v, p99.9 %v\n",
			rate, latency, r.P50.Round(time.Millisecond), r.P99.Round(time.Millisecond), r.P999.Round(time.Millisecond))
	}
}
