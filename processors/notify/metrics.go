package notify

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// metrics are notify's figures. Labels are enums, and the configured apps.
type metrics struct {
	results        map[schemas.Status]prometheus.Counter
	attempts       map[string]prometheus.Counter
	latency        prometheus.Histogram
	total          prometheus.Histogram
	deadLetters    prometheus.Counter
	repeats        prometheus.Counter
	consentsUnread prometheus.Counter
	tokens         map[string]prometheus.Counter
	queued         prometheus.Gauge
	queuedBytes    prometheus.Gauge
	remembered     prometheus.Gauge
	consents       prometheus.Gauge
	heldBack       map[string]prometheus.Gauge
	inFlight       map[string]prometheus.Gauge
	stopped        map[string]prometheus.Gauge
	rate           map[string]prometheus.Gauge
	tokenExpiry    map[string]prometheus.Gauge
}

const (
	tokenFetched = "fetched"
	tokenAdopted = "adopted"
	tokenDropped = "dropped"
	tokenFailed  = "failed"
)

var statusNames = map[schemas.Status]string{
	schemas.StatusUnknown: "UNKNOWN", schemas.StatusSent: "SENT", schemas.StatusRefused: "REFUSED",
	schemas.StatusNoCredit: "NO_CREDIT", schemas.StatusExpired: "EXPIRED", schemas.StatusInvalid: "INVALID",
}

func newMetrics(reg prometheus.Registerer, cfg Config) *metrics {
	m := &metrics{
		results: map[schemas.Status]prometheus.Counter{}, attempts: map[string]prometheus.Counter{},
		tokens: map[string]prometheus.Counter{}, heldBack: map[string]prometheus.Gauge{}, inFlight: map[string]prometheus.Gauge{},
		stopped: map[string]prometheus.Gauge{}, rate: map[string]prometheus.Gauge{}, tokenExpiry: map[string]prometheus.Gauge{},
	}
	r := registrar{reg}
	results := r.counters("results_total", "Orders that have their result, by status; repeats not counted.", "status")
	for s, name := range statusNames {
		m.results[s] = results.WithLabelValues(name)
	}
	attempts := r.counters("attempts_total", "Sends that the platform was asked for, by outcome.", "outcome")
	m.attempts["ok"] = attempts.WithLabelValues("ok")
	for _, k := range douyin.Kinds() {
		m.attempts[k.String()] = attempts.WithLabelValues(k.String())
	}
	tokens := r.counters("tokens_total", "Tokens, by what happened.", "event")
	for _, e := range []string{tokenFetched, tokenAdopted, tokenDropped, tokenFailed} {
		m.tokens[e] = tokens.WithLabelValues(e)
	}
	m.latency = r.histogram("send_seconds", "From a request to the platform to its answer.", prometheus.ExponentialBuckets(0.005, 2, 12))
	m.total = r.histogram("order_seconds", "From an order's taking in to its result.", prometheus.ExponentialBuckets(0.02, 2, 18))
	m.deadLetters = r.counter("dead_letters_total", "Orders without a readable notification_id.")
	m.repeats = r.counter("repeats_total", "Orders whose notification_id was known.")
	m.consentsUnread = r.counter("consents_unreadable_total", "Consent facts that could not be read.")
	m.queued = r.gauge("queued", "Orders taken in and without a result.")
	m.queuedBytes = r.gauge("queued_bytes", "Memory that the queued orders take.")
	m.remembered = r.gauge("remembered", "Results remembered for repeated notification_ids.")
	m.consents = r.gauge("consents", "Entries of the ledger of consents.")
	heldBack := r.gauges("held_back", "Orders that were read and have no room: their app has its share of the queue.", "app_id")
	inFlight := r.gauges("in_flight", "Sends intended and unanswered.", "app_id")
	stopped := r.gauges("stopped", "1 while sending pauses: the app is refused, a quota is used up, no answer, or no token.", "app_id")
	rate := r.gauges("rate", "Sends per second that are allowed now.", "app_id")
	expiry := r.gauges("token_expires_timestamp_seconds", "When the token ends; 0: there is none.", "app_id")
	for _, app := range cfg.Apps {
		m.heldBack[app.ID] = heldBack.WithLabelValues(app.ID)
		m.inFlight[app.ID] = inFlight.WithLabelValues(app.ID)
		m.stopped[app.ID] = stopped.WithLabelValues(app.ID)
		m.rate[app.ID] = rate.WithLabelValues(app.ID)
		m.tokenExpiry[app.ID] = expiry.WithLabelValues(app.ID)
	}
	return m
}

func (m *metrics) attempt(err error, took time.Duration) {
	outcome := "ok"
	if err != nil {
		outcome = douyin.KindOf(err).String()
	}
	m.attempts[outcome].Inc()
	m.latency.Observe(took.Seconds())
}

func (m *metrics) finished(o outcome, took time.Duration) {
	m.results[o.status].Inc()
	m.total.Observe(took.Seconds())
}

// observe sets the gauges.
func (t *Task) observe() {
	now := t.loop.Now()
	t.metrics.queued.Set(float64(len(t.live)))
	t.metrics.queuedBytes.Set(float64(t.bytes))
	t.metrics.remembered.Set(float64(t.dedup.len()))
	t.metrics.consents.Set(float64(len(t.ledger.entries)))
	for _, a := range t.apps {
		_, usable := a.token.usable(now)
		t.metrics.heldBack[a.ID].Set(float64(len(a.stalled)))
		t.metrics.inFlight[a.ID].Set(float64(a.inFlight))
		t.metrics.rate[a.ID].Set(a.bucket.rate)
		t.metrics.stopped[a.ID].Set(0)
		if a.gate.pause > 0 || !usable {
			t.metrics.stopped[a.ID].Set(1)
		}
		t.metrics.tokenExpiry[a.ID].Set(float64(a.token.token.ExpiresAt) / 1000)
	}
}

// unobserve clears what only the owner can say.
func (t *Task) unobserve() {
	t.metrics.queued.Set(0)
	t.metrics.queuedBytes.Set(0)
	t.metrics.remembered.Set(0)
	t.metrics.consents.Set(0)
	for _, a := range t.apps {
		t.metrics.heldBack[a.ID].Set(0)
		t.metrics.inFlight[a.ID].Set(0)
		t.metrics.rate[a.ID].Set(0)
		t.metrics.stopped[a.ID].Set(0)
		t.metrics.tokenExpiry[a.ID].Set(0)
	}
}

// registrar makes metrics of doustream_notify, and registers them if there is
// where.
type registrar struct{ reg prometheus.Registerer }

func (r registrar) register(c prometheus.Collector) {
	if r.reg != nil {
		r.reg.MustRegister(c)
	}
}

func (r registrar) counters(name, help, label string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "doustream", Subsystem: "notify", Name: name, Help: help}, []string{label})
	r.register(c)
	return c
}

func (r registrar) gauges(name, help, label string) *prometheus.GaugeVec {
	c := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "doustream", Subsystem: "notify", Name: name, Help: help}, []string{label})
	r.register(c)
	return c
}

func (r registrar) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "doustream", Subsystem: "notify", Name: name, Help: help})
	r.register(c)
	return c
}

func (r registrar) gauge(name, help string) prometheus.Gauge {
	c := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "doustream", Subsystem: "notify", Name: name, Help: help})
	r.register(c)
	return c
}

func (r registrar) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "doustream", Subsystem: "notify", Name: name, Help: help, Buckets: buckets})
	r.register(h)
	return h
}
