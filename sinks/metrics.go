package sinks

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the sink role, each by table.
type metrics struct {
	rows, blocks, retries, rejected *prometheus.CounterVec
	lost                            *prometheus.CounterVec
	inserts, freshness, blockRows   *prometheus.HistogramVec
	lag, stopped                    *prometheus.GaugeVec
	fetchErrors                     prometheus.Counter
}

// newMetrics registers with r, or with nothing where r is nil. Every series that
// can occur exists from the start.
func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	m := &metrics{
		rows:     counters("rows_total", "Rows inserted into ClickHouse.", "table"),
		blocks:   counters("blocks_total", "Blocks whose rows are in ClickHouse and whose offset is committed.", "table"),
		retries:  counters("retries_total", "Steps tried again after an error that passes.", "table", "step"),
		rejected: counters("rejected_total", "Records that cannot be rows and became dead letters.", "table", "stage"),
		lost:     counters("lost_offsets_total", "Offsets that Kafka deleted before they were read, at most. Not zero: somebody must act.", "table"),
		inserts: histograms("insert_seconds", "Duration of inserts that succeeded.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "table"),
		freshness: histograms("freshness_seconds", "Age of a block's oldest record, by its Kafka timestamp, when its rows are in ClickHouse and committed.",
			[]float64{.1, .25, .5, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 1800, 21600}, "table"),
		blockRows: histograms("block_rows", "Rows of an insert.", []float64{1, 10, 100, 1000, 10_000, 50_000, 100_000, 500_000}, "table"),
		lag:       gauges("lag_records", "Offsets between what is committed and the end of the log, over this instance's partitions.", "table"),
		stopped:   gauges("stopped_partitions", "Partitions that have stopped and need an operator.", "table"),
		fetchErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "doustream", Subsystem: "sink", Name: "fetch_errors_total", Help: "Fetches from Kafka that failed.",
		}),
	}
	r.MustRegister(m.rows, m.blocks, m.retries, m.rejected, m.lost, m.inserts, m.freshness, m.blockRows, m.lag, m.stopped, m.fetchErrors)
	m.initialise()
	return m
}

func (m *metrics) initialise() {
	for _, t := range tables {
		for _, c := range []*prometheus.CounterVec{m.rows, m.blocks, m.lost} {
			c.WithLabelValues(t.name)
		}
		for _, step := range []string{stepAnnounce, stepReject, stepInsert, stepSettle} {
			m.retries.WithLabelValues(t.name, step)
		}
		m.rejected.WithLabelValues(t.name, stageDecode)
		m.rejected.WithLabelValues(t.name, stageInsert)
		for _, h := range []*prometheus.HistogramVec{m.inserts, m.freshness, m.blockRows} {
			h.WithLabelValues(t.name)
		}
		m.lag.WithLabelValues(t.name)
		m.stopped.WithLabelValues(t.name)
	}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "doustream", Subsystem: "sink", Name: name, Help: help}, labels)
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "doustream", Subsystem: "sink", Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "doustream", Subsystem: "sink", Name: name, Help: help, Buckets: buckets}, labels)
}

// sent counts one insert.
func (m *metrics) sent(table string) func(rows int, took time.Duration) {
	return func(rows int, took time.Duration) {
		m.rows.WithLabelValues(table).Add(float64(rows))
		m.blockRows.WithLabelValues(table).Observe(float64(rows))
		m.inserts.WithLabelValues(table).Observe(took.Seconds())
	}
}

// settled counts one block that is in and committed.
func (m *metrics) settled(table string, b *block) {
	m.blocks.WithLabelValues(table).Inc()
	m.freshness.WithLabelValues(table).Observe(time.Since(time.UnixMilli(b.oldest)).Seconds())
}

// lag is one partition's part of its table's gauge.
type lag struct {
	mu        sync.Mutex
	gauge     prometheus.Gauge
	end, done int64
	shown     int64
}

func (l *lag) start(gauge prometheus.Gauge, t takeover) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gauge, l.end, l.done = gauge, t.end, max(0, t.committed)
	l.show(l.end - l.done)
}

func (l *lag) saw(end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = max(l.end, end)
	l.show(l.end - l.done)
}

func (l *lag) committed(offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = offset
	l.show(l.end - l.done)
}

// forget takes the partition out of the gauge.
func (l *lag) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gauge != nil {
		l.show(0)
		l.gauge = nil
	}
}

func (l *lag) show(n int64) {
	if l.gauge == nil {
		return
	}
	n = max(0, n)
	l.gauge.Add(float64(n - l.shown))
	l.shown = n
}
