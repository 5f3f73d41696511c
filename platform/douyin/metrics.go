package douyin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// outcomeOK stands beside the kinds of errors in the outcome label.
const outcomeOK = "ok"

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doustream_douyin_requests_total",
			Help: "Requests to the open platform by endpoint and outcome (ok or the kind of error).",
		}, []string{"endpoint", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "doustream_douyin_request_seconds",
			Help:    "Time from the wait for a connection to the end of the answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"endpoint"}),
	}
	for _, e := range Endpoints() {
		m.seconds.WithLabelValues(string(e))
		m.requests.WithLabelValues(string(e), outcomeOK)
		for _, k := range Kinds() {
			m.requests.WithLabelValues(string(e), k.String())
		}
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.seconds)
	}
	return m
}

func (m *metrics) observe(endpoint Endpoint, err error, took time.Duration) {
	outcome := outcomeOK
	if err != nil {
		outcome = KindOf(err).String()
	}
	m.requests.WithLabelValues(string(endpoint), outcome).Inc()
	m.seconds.WithLabelValues(string(endpoint)).Observe(took.Seconds())
}
