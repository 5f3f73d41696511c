package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// TestAccount (I5): whatever is lost, doubled or ends otherwise than it must is
// a fault of its own, and nothing else is.
func TestAccount(t *testing.T) {
	t.Parallel()
	source := schemas.Source{Topic: "miniapp.login", Partition: 1, Offset: 7}
	other := schemas.Source{Topic: "miniapp.login", Partition: 1, Offset: 8}
	login, phone, dead := outcome{source: source, what: "LOGIN"}, outcome{source: source, what: "PHONE"}, outcome{source: source, what: "code_refused"}
	rows := []struct {
		name        string
		kafka, rows []outcome
		want        []string // a part of each fault
	}{
		{"as it must", []outcome{login}, []outcome{login}, nil},
		{"either of two ends", []outcome{dead}, []outcome{dead}, nil},
		{"lost", nil, nil, []string{"lost"}},
		{"twice", []outcome{login, login}, []outcome{login}, []string{"twice"}},
		{"enriched and dead-lettered", []outcome{login, dead}, []outcome{login}, []string{"twice"}},
		{"of another kind", []outcome{phone}, []outcome{phone}, []string{"became PHONE"}},
		{"no row", []outcome{login}, nil, []string{"no row"}},
		{"two rows", []outcome{login}, []outcome{login, login}, []string{"rows in ClickHouse"}},
		{"another row", []outcome{login}, []outcome{dead}, []string{"LOGIN in Kafka and code_refused"}},
		{"of a record that nobody sent", []outcome{login, {source: other, what: "LOGIN"}}, []outcome{login}, []string{"nobody sent"}},
		{"a row of one", []outcome{login}, []outcome{login, {source: other, what: "LOGIN"}}, []string{"nobody sent"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := newAccount([]traffic.Sent{{Topic: source.Topic, Partition: 1, Offset: 7, ID: "e1", Want: []string{"LOGIN", "code_refused"}}})
			a.addKafka(row.kafka)
			a.addRows(row.rows)
			got := a.faults()
			if len(got) != len(row.want) {
				t.Fatalf("faults %q, want %q", got, row.want)
			}
			for i, want := range row.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("fault %q, want %q", got[i], want)
				}
			}
		})
	}
}

// TestAccountExcusesWhatAKillExplains: and only that, and only after a kill.
func TestAccountExcusesWhatAKillExplains(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		killed       bool
		login, phone string
		faults       int
	}{
		{"a login lost by a kill, and its phone", true, "code_outcome_unknown", "login_failed", 0},
		{"a second login lost, and the phone under its key", true, "code_outcome_unknown", "decrypt_failed", 0},
		{"no kill", false, "code_outcome_unknown", "decrypt_failed", 2},
		{"a kill, but the login is there", true, "LOGIN", "decrypt_failed", 1},
		{"a kill, but the code was refused", true, "code_refused", "login_failed", 2},
	} {
		a := newAccount([]traffic.Sent{
			{Topic: "l", Session: "s", Want: []string{"LOGIN"}},
			{Topic: "p", Session: "s", Want: []string{"PHONE"}},
			{Topic: "l", Offset: 1, Session: "other", Want: []string{"code_outcome_unknown"}},
		})
		a.troubled = row.killed
		a.addKafka([]outcome{
			{source: schemas.Source{Topic: "l"}, what: row.login},
			{source: schemas.Source{Topic: "p"}, what: row.phone},
			{source: schemas.Source{Topic: "l", Offset: 1}, what: "code_outcome_unknown"},
		})
		if got := a.faults(); len(got) != row.faults {
			t.Errorf("%s: %q, want %d", row.name, got, row.faults)
		}
	}
}

// TestAccountFindsDisorder (I4).
func TestAccountFindsDisorder(t *testing.T) {
	t.Parallel()
	enriched := func(topic string, source int64, what string, partition int32, offset int64) outcome {
		return outcome{source: schemas.Source{Topic: topic, Offset: source}, what: what, session: "s", partition: partition, offset: offset}
	}
	sent := []traffic.Sent{
		{Topic: "login", Offset: 0, Want: []string{"LOGIN"}},
		{Topic: "phone", Offset: 3, Want: []string{"PHONE"}},
		{Topic: "phone", Offset: 5, Want: []string{"PHONE"}},
	}
	for _, row := range []struct {
		name                 string
		login, first, second int64
		partition            int32
		faults               int
	}{
		{"in order", 1, 2, 3, 0, 0},
		{"with others between", 1, 20, 30, 0, 0},
		{"before the login", 9, 2, 3, 0, 1},
		{"one behind the other", 1, 5, 4, 0, 1},
		{"in another partition", 1, 2, 3, 1, 1},
	} {
		a := newAccount(sent)
		a.addKafka([]outcome{
			enriched("phone", 3, "PHONE", 0, row.first), enriched("login", 0, "LOGIN", 0, row.login), enriched("phone", 5, "PHONE", row.partition, row.second),
		})
		if got := a.faults(); len(got) != row.faults {
			t.Errorf("%s: %q, want %d", row.name, got, row.faults)
		}
	}
}

func TestReportFindsWhatThePlatformHasTwice(t *testing.T) {
	t.Parallel()
	message := douyintest.Message{AppID: "a", OpenID: "o", TemplateID: "t", Data: map[string]string{"k": "v"}, Delivered: true}
	refused, another := message, message
	refused.Delivered = false
	another.Data = map[string]string{"k": "w"}
	asks := func(n int) []douyintest.Ask { return make([]douyintest.Ask, n) }
	throttled := asks(3)
	throttled[0].Fault, throttled[1].Fault = douyintest.ModeThrottle, douyintest.ModeThrottle
	r := &report{account: newAccount(nil)}
	r.countMessages([]douyintest.Message{message, refused, another})
	r.judgeCodes([]douyintest.CodeHistory{{AppID: traffic.AppLost, Asks: asks(2)}})
	if err := r.verdict(); err != nil || r.delivered != 2 {
		t.Fatalf("%d delivered, %v", r.delivered, err)
	}
	r.countMessages([]douyintest.Message{message, message})
	r.judgeCodes([]douyintest.CodeHistory{{AppID: traffic.AppLost, Asks: asks(3)}, {AppID: traffic.AppShop, Asks: throttled}, {AppID: traffic.AppShop, Asks: asks(2)}})
	if len(r.sentTwice) != 1 || len(r.codes) != 2 || r.verdict() == nil {
		t.Errorf("found %q and %q", r.sentTwice, r.codes)
	}
	var out bytes.Buffer
	r.print(&out)
	if !strings.Contains(out.String(), "DOES NOT HOLD, 3 faults") {
		t.Errorf("the report says:\n%s", out.String())
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	sorted := make([]time.Duration, 100)
	for i := range sorted {
		sorted[i] = time.Duration(i + 1)
	}
	for p, want := range map[float64]time.Duration{0: 1, .5: 51, .99: 100, 1: 100} {
		if got := percentile(sorted, p); got != want {
			t.Errorf("percentile %v is %d, want %d", p, got, want)
		}
	}
	if percentile(nil, .5) != 0 {
		t.Error("of nothing is not 0")
	}
}
