package notify

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// BenchmarkBacklog works a backlog off on virtual time, at the platform's pace,
// and reports what share of the global rate was reached and the most memory
// that was held on the way: with what is remembered of the orders that are done
// (55 bytes each), and without. DOUSTREAM_BENCH_ORDERS is how many there are,
// 50,000 unless it says otherwise (a million: a minute and a half).
func BenchmarkBacklog(b *testing.B) {
	orders := 50_000
	if n, err := strconv.Atoi(os.Getenv("DOUSTREAM_BENCH_ORDERS")); err == nil {
		orders = n
	}
	for b.Loop() {
		workOff(b, orders)
	}
}

func workOff(b *testing.B, orders int) {
	b.Helper()
	const partitions = 4
	w := newWorld(Config{})
	w.forgets, w.counts = true, map[string]int{}
	w.published = map[int32]int64{}
	for p := range int32(partitions) {
		w.published[p] = int64(orders / partitions)
	}
	w.backlog = func(p int32, offset int64) []byte {
		n := offset*partitions + int64(p)
		return []byte(orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n%500_000), `"page":"pages/order/detail?id=8812","order_id":"8812"`))
	}
	before := heapInUse()
	i, begin := w.start(), w.now
	most, held := 0.0, 0.0
	for w.counts[resultTopic] < orders {
		w.run(w.now.Add(10 * time.Second))
		if w.counts[resultTopic]/(orders/10) != (w.counts[resultTopic]-8000)/(orders/10) { // ten times or so
			if now := heapInUse() - before; now > most {
				most, held = now, now-float64(55*i.task.dedup.len())
			}
		}
		if n := len(i.task.live); n > w.cfg.Queue {
			b.Fatalf("%d orders were taken in at once", n)
		}
		if w.now.Sub(begin) > 24*time.Hour {
			b.Fatalf("%d of %d after a day", w.counts[resultTopic], orders)
		}
	}
	b.ReportMetric(100*float64(orders)/w.now.Sub(begin).Seconds()/w.cfg.Rate, "%_of_rate")
	b.ReportMetric(most/(1<<20), "MB_most")
	b.ReportMetric(held/(1<<20), "MB_but_remembered")
	if w.counts["sends"] != orders {
		b.Fatalf("%d sends of %d orders", w.counts["sends"], orders)
	}
}
