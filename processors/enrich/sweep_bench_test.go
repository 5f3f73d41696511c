package enrich

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"
	"text/tabwriter"
	"time"
)

const benchPartitions = 4

// sweepVariable has BenchmarkExchange run every cell when it is "all"; passesVariable
// says how often (1); and beforeVariable is the path of another build of these tests.
const (
	sweepVariable  = "DOUSTREAM_BENCH_SWEEP"
	passesVariable = "DOUSTREAM_BENCH_PASSES"
	beforeVariable = "DOUSTREAM_BENCH_BEFORE"
)

// BenchmarkExchange exchanges a backlog of login codes with the simulated
// platform, and beside it does so in the bare loop: the same consumer, client,
// codec and producer around as many goroutines as may be in flight, with no
// order, commit or state. Both run at the same time, each on one half of the
// processors, and change places every few seconds: where others use the machine too,
// what was measured one after another is off by a tenth. Kafka, the platform and the
// reader are another process on the same half. Garbage is collected as the program
// does, on both sides; outside it is not.
//
// The rate is of answers of the platform while everything is under way; that results
// keep up with them is looked after. The ceiling is the lesser of the bare loop's rate
// and in flight / latency. The error beside a ratio is a standard error, from the
// scatter of its pairs of spells.
func BenchmarkExchange(b *testing.B) { compare(b, whoBare, cells()) }

// BenchmarkWhole has the contenders run alone, one after another, on all processors.
// Its rates are what a machine does; its ratios are off by a tenth, see above.
func BenchmarkWhole(b *testing.B) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond, 50 * time.Millisecond} {
		c := cell{outside{Latency: latency}, 1024, "even"}.filled(runtime.NumCPU())
		for _, who := range []string{whoBare, whoEnrich} {
			b.Run(c.name()+"/"+who, func(b *testing.B) {
				r := c.run(b, runtime.NumCPU(), who)[0]
				b.ReportMetric(r.rate(), "logins/s")
				b.ReportMetric(0, "ns/op")
				fmt.Printf("%s, %s, alone on %d processors: %.0f logins/s, CPU %s\n", c.name(), who, runtime.NumCPU(), r.rate(), r.cost())
			})
		}
	}
}

// BenchmarkLedger tells the price of the ledger from that of the rest: beside
// doustream runs a bare loop that writes two facts for each login.
func BenchmarkLedger(b *testing.B) {
	var all []*measured
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		all = append(all, &measured{cell: cell{outside{Latency: latency}, 1024, "even"}.filled(oneHalf())})
	}
	compare(b, whoLedger, all)
}

// BenchmarkBefore tells what a change gains: beside doustream runs the one in another
// build of these tests (go test -c).
func BenchmarkBefore(b *testing.B) {
	if os.Getenv(beforeVariable) == "" {
		b.Skip("set " + beforeVariable)
	}
	compare(b, whoBefore, cells())
}

// compare prints what doustream comes to beside another.
func compare(b *testing.B, with string, cells []*measured) {
	for range benchCount(b, passesVariable, 1) {
		var done []*measured
		for _, m := range cells {
			b.Run(m.name(), func(b *testing.B) { m.measure(b, with) })
			if len(m.full.spells) > 0 { // selected
				done = append(done, m)
			}
		}
		printSweep(with, done)
	}
}

// measure adds a pass.
func (m *measured) measure(b *testing.B, with string) {
	rows := m.run(b, oneHalf(), with, whoEnrich)
	m.bare.add(rows[0])
	m.full.add(rows[1])
	(&measured{m.cell, rows[0], rows[1]}).report(b)
}

// oneHalf is how many processors each of two contenders has.
func oneHalf() int { return max(1, runtime.NumCPU()/2) }

// cell is one point of the sweep.
type cell struct {
	outside
	inFlight int
	what     string
}

func cells() (all []*measured) {
	latencies, inFlight := []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond}, []int{1024}
	if os.Getenv(sweepVariable) == "all" {
		latencies = []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}
		inFlight = []int{256, 1024, 4096}
	}
	for _, keys := range []string{"even", "zipf"} {
		for _, latency := range latencies {
			for _, n := range inFlight {
				c := cell{outside{Latency: latency, Zipf: keys == "zipf"}, n, keys}
				all = append(all, &measured{cell: c.filled(oneHalf())})
			}
		}
	}
	slow := cell{outside{Latency: 50 * time.Millisecond, Hot: 20, HotFor: 3 * time.Second}, 1024, "one slow key"}
	long := cell{outside{Latency: 50 * time.Millisecond, Hot: 1000}, 1024, "one session with 1,000 logins"}
	return append(all, &measured{cell: slow.filled(oneHalf())}, &measured{cell: long.filled(oneHalf())})
}

// bound is in flight / latency, in logins a second; 0: none.
func (c cell) bound() float64 {
	if c.Latency == 0 {
		return 0
	}
	return float64(c.inFlight) / c.Latency.Seconds()
}

// filled is the cell with more logins than can be done while a contender runs.
func (c cell) filled(processors int) cell {
	rate := 9000 * float64(processors)
	if bound := c.bound(); bound > 0 {
		rate = min(rate, 1.2*bound)
	}
	c.Logins = int(rate*(warmUp+spells*lasting+2*time.Second).Seconds()) + 4*c.inFlight
	return c
}

func (c cell) name() string {
	return fmt.Sprintf("%s/latency=%v/in-flight=%d", c.what, c.Latency, c.inFlight)
}

// row is what a contender came to, spell by spell.
type row struct {
	spells     []spell
	processors int
}

// spell is what it came to in one: answers of the platform, and CPU of its own process
// and of what is outside.
type spell struct {
	logins               float64
	lasted, own, outside time.Duration
}

func (r *row) add(more row) {
	r.spells, r.processors = append(r.spells, more.spells...), more.processors
}

func (r *row) logins() (sum float64) {
	for _, s := range r.spells {
		sum += s.logins
	}
	return sum
}

func (r *row) sum(of func(spell) time.Duration) (sum time.Duration) {
	for _, s := range r.spells {
		sum += of(s)
	}
	return sum
}

// rate is logins a second while it ran.
func (r *row) rate() float64 {
	return r.logins() / r.sum(func(s spell) time.Duration { return s.lasted }).Seconds()
}

// each is seconds of CPU of a login, in the process and outside it; busy what share
// of the machine that was: less than 1 is idle, or somebody else's.
func (r *row) each() (own, outside, busy float64) {
	own = r.sum(func(s spell) time.Duration { return s.own }).Seconds()
	outside = r.sum(func(s spell) time.Duration { return s.outside }).Seconds()
	lasted := r.sum(func(s spell) time.Duration { return s.lasted }).Seconds()
	return own / r.logins(), outside / r.logins(), (own + outside) / lasted / float64(r.processors)
}

func (r *row) cost() string {
	own, outside, busy := r.each()
	return fmt.Sprintf("%.0f + %.0f us (%.0f%% busy)", 1e6*own, 1e6*outside, 100*busy)
}

// measured is what a cell came to in all passes.
type measured struct {
	cell
	bare, full row
}

// ceiling is what there is to reach, in logins a second.
func (m *measured) ceiling() float64 {
	if m.bound() > 0 {
		return min(m.bound(), m.bare.rate())
	}
	return m.bare.rate()
}

func (m *measured) ratio() float64 { return m.full.rate() / m.ceiling() }

// deviation is the standard error of ratio, as far as pairs of spells tell: by how much
// they miss it. In a pair each contender has had either half of the processors.
func (m *measured) deviation() float64 {
	var misses []float64
	for i := 0; i+1 < len(m.full.spells); i += 2 {
		full, at := row{spells: m.full.spells[i : i+2]}, m.ceiling()
		if at == m.bare.rate() {
			at = (&row{spells: m.bare.spells[i : i+2]}).rate()
		}
		misses = append(misses, (full.rate()-m.ratio()*at)/m.ceiling())
	}
	_, scatter := meanAndDeviation(misses)
	return scatter / math.Sqrt(float64(len(misses)))
}

func (m *measured) share() string {
	return fmt.Sprintf("%.1f%% +- %.1f", 100*m.ratio(), 100*m.deviation())
}

func (m *measured) report(b *testing.B) {
	b.ReportMetric(m.bare.rate(), "bare/s")
	b.ReportMetric(m.full.rate(), "logins/s")
	b.ReportMetric(100*m.ratio(), "%-of-ceiling")
	b.ReportMetric(100*m.deviation(), "%-error")
	b.ReportMetric(0, "ns/op")
}

// isWorking tells cells that the processors bound from those that the platform's
// latency does.
func (m *measured) isWorking() bool { return m.bound() == 0 || m.bound() > 1.1*m.bare.rate() }

// printSweep prints a table, doustream beside the ceiling. Each had half of the processors.
func printSweep(with string, cells []*measured) {
	if len(cells) == 0 {
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "keys\tplatform\tin flight\tin flight/latency\t%[1]s/s\tdoustream/s\tof ceiling\t%[1]s: CPU, its own + outside\tdoustream\tspells\t\n", with)
	for _, m := range cells {
		bound := "-"
		if m.bound() > 0 {
			bound = fmt.Sprintf("%.0f", m.bound())
		}
		fmt.Fprintf(w, "%s\t%v\t%d\t%s\t%.0f\t%.0f\t%s\t%s\t%s\t%d\t\n", m.what, m.Latency, m.inFlight, bound,
			m.bare.rate(), m.full.rate(), m.share(), m.bare.cost(), m.full.cost(), len(m.full.spells))
	}
	_ = w.Flush()
	printMeans(cells)
}

// printMeans prints what the ratios of all cells come to together.
func printMeans(cells []*measured) {
	for _, of := range []struct {
		what    string
		working bool
	}{{"processors bound", true}, {"latency bounds", false}} {
		var all []float64
		for _, m := range cells {
			if m.isWorking() == of.working {
				all = append(all, m.ratio())
			}
		}
		if len(all) > 1 {
			mean, scatter := meanAndDeviation(all)
			fmt.Printf("what %s: %.1f%% of the ceiling in the mean of %d cells, standard error %.1f; %.1f to %.1f%%\n",
				of.what, 100*mean, len(all), 100*scatter/math.Sqrt(float64(len(all))), 100*slices.Min(all), 100*slices.Max(all))
		}
	}
}

// meanAndDeviation are the mean of some figures, and their standard deviation.
func meanAndDeviation(of []float64) (mean, deviation float64) {
	for _, x := range of {
		mean += x / float64(len(of))
	}
	for _, x := range of {
		deviation += (x - mean) * (x - mean) / float64(len(of)-1)
	}
	return mean, math.Sqrt(deviation)
}
