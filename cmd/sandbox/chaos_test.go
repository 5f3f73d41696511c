package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// testChaos runs chaos with what is given and wants a card of zeros.
func testChaos(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), append([]string{"chaos", "--dir", t.TempDir()}, args...), &out, t.Output()); code != exitOK || !strings.Contains(out.String(), "all zeros\n") {
		t.Fatalf("exit %d:\n%s", code, out.String())
	}
}

// TestChaos is a short one (I1 to I8, by the oracle); make chaos runs long ones,
// also on Apache Kafka. It runs beside no other test of this package: what it
// shows is faults, not a machine that is too small.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	testChaos(t, "--events", "500", "--faults", "8", "--seed", "5", "--session-wait", "30s")
}

var began = time.UnixMilli(1763800000000)

// flawless is a login, a phone number and an order with everything as it must be.
func flawless() evidence {
	at := func(topic string, offset int64) schemas.Source {
		return schemas.Source{Topic: topic, Partition: 1, Offset: offset}
	}
	login, phone, order := at(schemas.TopicLogin, 4), at(schemas.TopicPhone, 7), at(schemas.TopicOrders, 2)
	sent := func(source schemas.Source, id, want string) traffic.Sent {
		return traffic.Sent{
			Topic: source.Topic, Partition: source.Partition, Offset: source.Offset, ID: id, AppID: "app", Session: "s", User: "o1",
			SentAt: began.UnixMilli(), Case: "good", Want: []string{want}, Order: source.Topic == schemas.TopicOrders,
		}
	}
	saw := func(topic string, source schemas.Source, id, what string) sighting {
		return sighting{topic: topic, partition: 3, source: source, what: what, enriched: topic == schemas.TopicUsers, at: began.Add(time.Second), id: id, app: "app", session: "s", openID: "o1"}
	}
	e := evidence{
		inputs: []input{{login, "e1"}, {phone, "e2"}, {order, "n1"}},
		sent:   []traffic.Sent{sent(login, "e1", "LOGIN"), sent(phone, "e2", "PHONE"), sent(order, "n1", "SENT")},
		outputs: []sighting{
			saw(schemas.TopicUsers, login, "e1", "LOGIN"), saw(schemas.TopicUsers, phone, "e2", "PHONE"), saw(schemas.TopicResults, order, "n1", "SENT"),
		},
		asked:    true,
		rows:     []outcome{{source: login, what: "LOGIN"}, {source: phone, what: "PHONE"}, {source: order, what: "SENT"}},
		codes:    []douyintest.CodeHistory{{Code: "c1", User: "u", IssuedAt: began, Used: true, Asks: []douyintest.Ask{{At: began.Add(time.Second)}}}},
		messages: []douyintest.Message{{OpenID: "o1", TemplateID: "t", Data: map[string]string{"k": "1"}, Delivered: true}},
		fetches:  []douyintest.TokenFetch{{At: began, AppID: "app", Kind: "stable"}},
	}
	e.sent[0].Code, e.sent[1].Phone, e.outputs[1].phone = "c1", "13812345678", "138****5678"
	return e
}

// TestOracle plants one fault after another: each must be charged, and nothing
// else with it.
func TestOracle(t *testing.T) {
	t.Parallel()
	suffered := []span{{began.Add(-time.Second), began.Add(time.Hour), "enrich"}, {began.Add(-time.Second), began.Add(time.Hour), "notify"}}
	for _, c := range []struct {
		name  string
		plant func(e *evidence)
		want  []charge
	}{
		{"nothing", func(*evidence) {}, nil},
		{"a result that is not there", func(e *evidence) { e.outputs, e.rows = e.outputs[:2], e.rows[:2] }, []charge{chargeLost}},
		{"a result twice", func(e *evidence) { e.outputs = append(e.outputs, e.outputs[1]) }, []charge{chargeDoubled}},
		{"a phone before its login", func(e *evidence) { e.outputs[0], e.outputs[1] = e.outputs[1], e.outputs[0] }, []charge{chargeOrder}},
		{"another kind", func(e *evidence) { e.outputs[1].what, e.rows[1].what = "DEVICE", "DEVICE" }, []charge{chargeOutcome}},
		{"a dead letter without reason", func(e *evidence) {
			e.outputs[1].enriched, e.outputs[1].what, e.rows[1].what = false, "login_failed", "login_failed"
		}, []charge{chargeOutcome}},
		{"an unknown outcome on a good day", func(e *evidence) {
			e.outputs[2].what, e.rows[2].what = "UNKNOWN", "UNKNOWN"
		}, []charge{chargeOutcome}},
		{"an unknown outcome on a bad day", func(e *evidence) {
			e.outputs[2].what, e.rows[2].what, e.spans = "UNKNOWN", "UNKNOWN", suffered
		}, nil},
		{"a lost login while another role suffered", func(e *evidence) {
			e.spans = suffered[1:]
			e.outputs, e.rows, e.inputs, e.sent = e.outputs[:1], e.rows[:1], e.inputs[:1], e.sent[:1]
			e.outputs[0].enriched, e.outputs[0].what, e.rows[0].what = false, "code_outcome_unknown", "code_outcome_unknown"
		}, []charge{chargeOutcome}},
		{"a lost login, and what hung on it", func(e *evidence) {
			e.spans = suffered
			for i, what := range []string{"code_outcome_unknown", "login_failed"} {
				e.outputs[i].enriched, e.outputs[i].what, e.rows[i].what = false, what, what
			}
		}, nil},
		{"another user's record", func(e *evidence) { e.outputs[0].openID = "o2" }, []charge{chargeContent}},
		{"another session's record", func(e *evidence) { e.outputs[0].session, e.outputs[1].session = "s2", "s2" }, []charge{chargeContent, chargeContent}},
		{"another phone number", func(e *evidence) { e.outputs[1].phone = "139****5678" }, []charge{chargeContent}},
		{"a result of nothing", func(e *evidence) {
			e.inputs, e.sent = e.inputs[:2], e.sent[:2]
		}, []charge{chargeUnsent}},
		{"an input that the producer sent again", func(e *evidence) {
			again := e.inputs[1]
			again.source.Offset = 9
			e.inputs = append(e.inputs, again)
			e.outputs = append(e.outputs, e.outputs[1])
			e.outputs[3].source, e.rows = again.source, append(e.rows, outcome{source: again.source, what: "PHONE"})
		}, nil},
		{"a code three times", func(e *evidence) {
			e.spans = suffered
			e.codes[0].Asks = []douyintest.Ask{{At: began, Fault: douyintest.ModeReset}, {At: began, Fault: douyintest.ModeReset}, {At: began}}
		}, []charge{chargeCodeTwice}},
		{"a code again behind a lost answer", func(e *evidence) {
			e.codes[0].Asks = []douyintest.Ask{{At: began, Fault: douyintest.ModeCut}, {At: began}}
		}, nil},
		{"a code again behind a clear answer", func(e *evidence) {
			e.codes[0].Asks = append(e.codes[0].Asks, e.codes[0].Asks[0])
		}, []charge{chargeCodeTwice}},
		{"a code again behind a throttle", func(e *evidence) {
			e.codes[0].Asks = []douyintest.Ask{{At: began, Fault: douyintest.ModeThrottle}, {At: began}}
		}, nil},
		{"a code past its life", func(e *evidence) { e.codes[0].Asks[0].At = began.Add(5 * time.Minute) }, []charge{chargeCodeLate}},
		{"a second token", func(e *evidence) {
			e.fetches = append(e.fetches, douyintest.TokenFetch{At: began.Add(time.Minute), AppID: "app", Kind: "stable"})
		}, []charge{chargeToken}},
		{"a message twice", func(e *evidence) { e.messages = append(e.messages, e.messages[0]) }, []charge{chargeMessage}},
		{"a message again behind a refusal", func(e *evidence) {
			e.messages = append(e.messages, e.messages[0])
			e.messages[0].Delivered, e.messages[0].ErrNo = false, 28003018
		}, nil},
		{"a row that is not there", func(e *evidence) { e.rows = e.rows[1:] }, []charge{chargeRowLost}},
		{"a row twice", func(e *evidence) { e.rows = append(e.rows, e.rows[0]) }, []charge{chargeRowDoubled}},
		{"a row that says something else", func(e *evidence) { e.rows[2].what = "REFUSED" }, []charge{chargeRowDiffers}},
		{"a secret", func(e *evidence) { e.leaks = []string{"a code"} }, []charge{chargeLeak}},
		{"a transaction left open", func(e *evidence) { e.open = []string{"users.enriched/0"} }, []charge{chargeOpen}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := flawless()
			c.plant(&e)
			o := judge(e)
			var got []charge
			for _, charge := range charges {
				for range o.findings[charge] {
					got = append(got, charge)
				}
			}
			if !slices.Equal(got, c.want) || o.guilty() != (len(c.want) > 0) {
				t.Errorf("charged %v, want %v: %v", got, c.want, o.findings)
			}
			var card bytes.Buffer
			printScorecard(&card, o, &havoc{count: map[faultKind]int{faultKill: 2}}, 7, time.Minute)
			if strings.Contains(card.String(), "all zeros\n") == strings.Contains(card.String(), "NOT all zeros") || !strings.Contains(card.String(), "2  kill -9") {
				t.Errorf("the card: %s", card.String())
			}
		})
	}
}

func TestAPlanIsItsSeeds(t *testing.T) {
	t.Parallel()
	c := cast{roles: []string{"enrich-1", "notify-1", "sink-1"}, clickhouse: true}
	first := planFaults(7, 400, time.Minute, c)
	if !reflect.DeepEqual(first, planFaults(7, 400, time.Minute, c)) {
		t.Error("one seed, two plans")
	}
	if reflect.DeepEqual(first, planFaults(8, 400, time.Minute, c)) {
		t.Error("two seeds, one plan")
	}
	kinds, targets := map[faultKind]bool{}, map[string]bool{}
	for i, f := range first {
		kinds[f.kind], targets[f.target] = true, true
		if f.at < 0 || f.at > time.Minute || i > 0 && f.at < first[i-1].at {
			t.Errorf("fault %d is at %s", i, f.at)
		}
	}
	for _, item := range c.menu() {
		if !kinds[item.kind] {
			t.Errorf("%s never happens", item.kind)
		}
	}
	for _, r := range c.roles {
		if !targets[r] {
			t.Errorf("%s never suffers", r)
		}
	}
	for _, f := range planFaults(7, 400, time.Minute, cast{roles: c.roles, nodes: 3}) {
		if f.kind == faultBroker && !slices.Contains([]string{"1", "2", "3"}, f.target) || f.kind == faultReboot || f.kind == faultHouse {
			t.Errorf("Apache Kafka without ClickHouse suffers %s", f)
		}
	}
}

func TestASecretIsFoundWhereverItHides(t *testing.T) {
	t.Parallel()
	h := &secretHunt{needles: map[string]string{}, found: map[string]int{}}
	h.add("hUmG5vVYy9Jq2w==", "a session key")
	h.add("13812345678", "a phone number")
	h.add("sandbox-secret-of-the-shop-app", "an AppSecret")
	h.add("short", "too short to tell from a word")
	for _, clean := range []string{"", "phone=138****5678", "at 1763800000123", "short", "key 113812345678"} {
		if h.search("it", []byte(clean)); len(h.found) > 0 {
			t.Errorf("%q: %v", clean, h.found)
		}
	}
	for what, dirty := range map[string]string{
		"a session key in it":  `{"session_key":"hUmG5vVYy9Jq2w=="}`,
		"a phone number in it": "+13812345678x",
		"an AppSecret in it":   "err=xxsandbox-secret-of-the-shop-appyy",
	} {
		if h.search("it", []byte(dirty)); h.found[what] == 0 {
			t.Errorf("%s: not found in %q", what, dirty)
		}
	}
	if leaks := fmt.Sprint(h.leaks()); strings.Contains(leaks, "hUmG") || strings.Contains(leaks, "1381") {
		t.Errorf("the finding shows it: %s", leaks)
	}
}
