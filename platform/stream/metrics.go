package stream

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what the runtime counts. Lag, holds and pauses are read off the
// tasks when somebody looks.
type metrics struct {
	retired       prometheus.Counter
	restored      prometheus.Counter
	commits       prometheus.Counter
	aborted       prometheus.Counter
	sessions      prometheus.Counter
	lost          prometheus.Counter
	commitLatency prometheus.Histogram
	batchRecords  prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, r *runtime) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "doustream", Subsystem: "stream", Name: name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "doustream", Subsystem: "stream", Name: name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		retired:       counter("retired_records_total", "Input records whose results were put in offset order."),
		restored:      counter("restored_records_total", "Records of state topics that were read."),
		commits:       counter("commits_total", "Transactions, or commits of offsets alone, that succeeded."),
		aborted:       counter("aborted_transactions_total", "Transactions that were aborted and made again."),
		sessions:      counter("sessions_total", "Times that the runtime joined its group anew."),
		lost:          counter("lost_offsets_total", "Offsets of inputs that were deleted before they were read."),
		commitLatency: histogram("commit_seconds", "From the end of a commit interval until its results could be read.", prometheus.ExponentialBuckets(0.001, 2, 14)),
		batchRecords:  histogram("commit_records", "Output records in a commit.", prometheus.ExponentialBuckets(1, 4, 10)),
	}
	if reg == nil {
		return m
	}
	reg = prometheus.WrapRegistererWith(prometheus.Labels{"role": r.cfg.Role}, reg)
	reg.MustRegister(m.retired, m.restored, m.commits, m.aborted, m.sessions, m.lost, m.commitLatency, m.batchRecords)
	gauge := func(name, help string, read func(*partition) float64) {
		for _, topic := range r.cfg.Inputs {
			reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Namespace: "doustream", Subsystem: "stream", Name: name, Help: help, ConstLabels: prometheus.Labels{"topic": topic},
			}, func() float64 { return r.sum(topic, read) }))
		}
	}
	gauge("committed_lag_records", "Offsets between the log's end and what this instance has committed.", func(p *partition) float64 { return float64(p.lag()) })
	gauge("window_records", "Records fetched and not committed.", func(p *partition) float64 { n, _ := p.flow.held(); return float64(n) })
	gauge("paused_partitions", "Partitions whose window is full.", func(p *partition) float64 {
		if p.flow.isPaused() {
			return 1
		}
		return 0
	})
	return m
}

func (m *metrics) committed(records int, took time.Duration) {
	m.commits.Inc()
	m.commitLatency.Observe(took.Seconds())
	m.batchRecords.Observe(float64(records))
}

// sum adds up a figure of a topic's partitions that are held now.
func (r *runtime) sum(topic string, read func(*partition) float64) float64 {
	var total float64
	s := r.current.Load()
	if s == nil {
		return 0
	}
	for _, l := range s.tasks() {
		for _, p := range l.parts {
			if p.topic == topic {
				total += read(p)
			}
		}
	}
	return total
}
