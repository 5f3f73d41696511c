package enrich

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// metrics of the enrich role. Labels are topics, kinds and reasons of the
// contract, and the ids of configured apps.
type metrics struct {
	users       [schemas.KindSubscription + 1]prometheus.Counter
	deadLetters [topicCount]map[schemas.Reason]prometheus.Counter
	parkings    [topicCount]prometheus.Counter
	parked      [topicCount]prometheus.Gauge
	misplaced   [topicCount]prometheus.Counter
	exchanges   map[string]prometheus.Observer
	skipped     map[string]prometheus.Counter
	inFlight    prometheus.Gauge
	bound       *prometheus.GaugeVec
	facts       prometheus.Gauge
	factBytes   prometheus.Gauge
	breaker     *prometheus.GaugeVec
	refused     *prometheus.GaugeVec
}

var kindNames = map[schemas.Kind]string{
	schemas.KindUnknown: "unknown", schemas.KindLogin: "login", schemas.KindProfile: "profile", schemas.KindPhone: "phone",
	schemas.KindLocation: "location", schemas.KindAddress: "address", schemas.KindDevice: "device",
	schemas.KindSubscription: "subscription",
}

var reasons = []schemas.Reason{
	schemas.ReasonUndecodable, schemas.ReasonSchemaUnknown, schemas.ReasonInvalid, schemas.ReasonTooLarge,
	schemas.ReasonKeyMismatch, schemas.ReasonAppUnknown, schemas.ReasonClientFailure, schemas.ReasonCodeExpired,
	schemas.ReasonCodeRefused, schemas.ReasonCodeOutcomeUnknown, schemas.ReasonLoginFailed, schemas.ReasonSessionMissing,
	schemas.ReasonSessionAnonymous, schemas.ReasonDecryptFailed, schemas.ReasonSignatureMismatch,
	schemas.ReasonWatermarkMismatch, schemas.ReasonWatermarkStale, schemas.ReasonPlatformRefused,
}

func newMetrics(reg prometheus.Registerer, cfg Config) *metrics {
	f := promauto.With(reg)
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "doustream", Subsystem: "enrich", Name: name, Help: help}, labels)
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Namespace: "doustream", Subsystem: "enrich", Name: name, Help: help}, labels)
	}
	users := vec("users_total", "Enriched records, by kind.", "kind")
	letters := vec("dead_letters_total", "Dead letters, by topic and reason.", "topic", "reason")
	parkings := vec("parkings_total", "Events that were parked, by topic.", "topic")
	parked := gauges("parked_events", "Events that are parked now, by topic.", "topic")
	misplaced := vec("misplaced_total", "Records that lie in another partition than their key's hash says, by topic.", "topic")
	skipped := vec("state_skipped_total", "Records of state topics that were passed over because they do not open.", "state")
	exchanges := f.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "doustream", Subsystem: "enrich", Name: "exchange_seconds", Help: "Time of code exchanges, by outcome.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"outcome"})
	m := &metrics{
		exchanges: map[string]prometheus.Observer{"ok": exchanges.WithLabelValues("ok")},
		skipped:   map[string]prometheus.Counter{"sessions": skipped.WithLabelValues("sessions"), "parked": skipped.WithLabelValues("parked")},
		inFlight:  gauges("exchanges_in_flight", "Code exchanges under way.").WithLabelValues(),
		bound:     gauges("exchange_limit", "Code exchanges of an app that may be under way at once now.", "app_id"),
		facts:     gauges("session_facts", "Outcomes of codes in memory.").WithLabelValues(),
		factBytes: gauges("session_bytes", "Bytes of memory that the outcomes take, with their index.").WithLabelValues(),
		breaker:   gauges("breaker_state", "State of an app's breaker: 0 closed, 1 open, 2 half open.", "app_id"),
		refused:   gauges("app_refused", "1 while the platform refuses an app: wrong id or secret.", "app_id"),
	}
	for kind, name := range kindNames {
		m.users[kind] = users.WithLabelValues(name)
	}
	for i, base := range schemas.InputTopics() {
		m.deadLetters[i] = map[schemas.Reason]prometheus.Counter{}
		for _, r := range reasons {
			m.deadLetters[i][r] = letters.WithLabelValues(base, string(r))
		}
		m.parkings[i], m.parked[i] = parkings.WithLabelValues(base), parked.WithLabelValues(base)
		m.misplaced[i] = misplaced.WithLabelValues(base)
	}
	for _, kind := range douyin.Kinds() {
		m.exchanges[kind.String()] = exchanges.WithLabelValues(kind.String())
	}
	for _, app := range cfg.Apps {
		m.breaker.WithLabelValues(app.ID)
		m.refused.WithLabelValues(app.ID)
	}
	return m
}

func (m *metrics) enriched(kind schemas.Kind) { m.users[kind].Inc() }

func (m *metrics) parkedOne(t topic) { m.parkings[t].Inc() }

func (m *metrics) skip(state string) { m.skipped[state].Inc() }

func (m *metrics) deadLetter(t topic, reason schemas.Reason) {
	if c := m.deadLetters[t][reason]; c != nil {
		c.Inc()
	}
}

func (m *metrics) exchanged(took time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = douyin.KindOf(err).String()
	}
	m.exchanges[outcome].Observe(took.Seconds())
}

// observe shows the task's share of the gauges; close takes it back.
func (t *Task) observe() {
	t.show(t.ledger.table.facts, t.ledger.table.size())
}

// observeGrowth is observe in the middle of a restore.
func (t *Task) observeGrowth() {
	if t.ledger.table.size()-t.shown.bytes >= growthShown {
		t.observe()
	}
}

// growthShown is by how many bytes a table grows until that is shown.
const growthShown = 4 << 20

func (t *Task) close() {
	t.show(0, 0)
	for i := range t.parked {
		t.metrics.parked[i].Sub(float64(t.parked[i].records))
	}
}

func (t *Task) show(facts int, bytes int64) {
	t.metrics.facts.Add(float64(facts - t.shown.facts))
	t.metrics.factBytes.Add(float64(bytes - t.shown.bytes))
	t.cfg.Held(bytes - t.shown.bytes)
	t.shown.facts, t.shown.bytes = facts, bytes
}
