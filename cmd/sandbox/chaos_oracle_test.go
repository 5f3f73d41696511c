package main

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

const stable = douyin.EndpointStableClientToken

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
			At: began.UnixMilli(), SentAt: began.UnixMilli(), Case: "good", Want: []string{want}, Order: source.Topic == schemas.TopicOrders,
		}
	}
	saw := func(topic string, source schemas.Source, id, what string) sighting {
		return sighting{topic: topic, partition: 3, source: source, what: what, enriched: topic == schemas.TopicUsers, at: began.Add(time.Second), id: id, app: "app", session: "s", openID: "o1", occurred: began.UnixMilli(), says: map[string]string{}}
	}
	e := evidence{
		inputs: []input{{source: login, id: "e1"}, {source: phone, id: "e2"}, {source: order, id: "n1"}},
		sent:   []traffic.Sent{sent(login, "e1", "LOGIN"), sent(phone, "e2", "PHONE"), sent(order, "n1", "SENT")},
		outputs: []sighting{
			saw(schemas.TopicUsers, login, "e1", "LOGIN"), saw(schemas.TopicUsers, phone, "e2", "PHONE"), saw(schemas.TopicResults, order, "n1", "SENT"),
		},
		asked:     true,
		rows:      []outcome{{source: login, what: "LOGIN"}, {source: phone, what: "PHONE"}, {source: order, what: "SENT"}},
		codes:     []douyintest.CodeHistory{{Code: "c1", User: "u", IssuedAt: began, Used: true, Asks: []douyintest.Ask{{At: began.Add(time.Second)}}}},
		tokenLife: time.Minute,
		messages:  []douyintest.Message{{At: began.Add(time.Second), AppID: "app", OpenID: "o1", TemplateID: "t", Data: map[string]string{"k": "1"}, Delivered: true}},
		fetches:   []douyintest.TokenFetch{fetched(douyin.EndpointClientToken, "0", 0)},
	}
	e.sent[0].Code, e.sent[2].Template = "c1", "t"
	e.sent[1].Says, e.outputs[1].says = map[string]string{"phone": "13812345678"}, map[string]string{"phone": "13812345678"}
	e.users = []userRow{{app: "app", openID: "o1", lastSeen: began, firstSeen: began, phone: "138****5678"}}
	wrote(&e, "SENT", "SENT", "SENT", "RESULT")
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
		{"nothing at all", func(e *evidence) { *e = evidence{asked: true} }, []charge{chargeUnread}},
		{"an input that nobody sent", func(e *evidence) { e.sent = slices.Delete(e.sent, 1, 2) }, []charge{chargeUnread}},
		{"an input that the producer sent again, and that no id can be read of", func(e *evidence) {
			again := e.inputs[1]
			again.source.Offset, again.id = 9, ""
			e.inputs = append(e.inputs, again)
			e.outputs = append(e.outputs, e.outputs[1])
			e.outputs[3].source, e.rows = again.source, append(e.rows, outcome{source: again.source, what: "PHONE"})
		}, nil},
		{"an input that was acknowledged nobody knows where", func(e *evidence) { e.sent[1].Offset, e.inputs[1].id = -1, "" }, nil},
		{"an input that Kafka had, and has no more", func(e *evidence) {
			e.inputs, e.outputs, e.rows = slices.Delete(e.inputs, 1, 2), slices.Delete(e.outputs, 1, 2), slices.Delete(e.rows, 1, 2)
			e.users[0].phone = ""
		}, []charge{chargeUnread}},
		{"a platform that remembers no code", func(e *evidence) { e.codes = nil }, []charge{chargeUnread}},
		{"a platform that remembers no token", func(e *evidence) { e.fetches = nil }, []charge{chargeUnread}},
		{"an offset that stays behind", func(e *evidence) { e.behind = []string{"miniapp.login/1: committed 4 of 5"} }, []charge{chargeBehind}},
		{"a process that breaks down on a bad day", func(e *evidence) {
			e.spans = suffered
			e.ends = []processEnd{{instance: "enrich-1", at: began, code: 2}}
		}, []charge{chargeEnd}},
		{"a process that somebody else kills", func(e *evidence) { e.ends = []processEnd{{instance: "enrich-1", at: began, code: -1}} }, []charge{chargeEnd}},
		{"a process that ends as if all were done", func(e *evidence) { e.ends = []processEnd{{instance: "enrich-1", at: began}} }, []charge{chargeEnd}},
		{"a process that fails, and is started again", func(e *evidence) { e.ends = []processEnd{{instance: "enrich-1", at: began, code: 1}} }, nil},
		{"a process that ends as it is asked to", func(e *evidence) { e.ends = []processEnd{{instance: "enrich-1", asked: true, from: began, at: began}} }, nil},
		{"a process that fails as it is asked to end", func(e *evidence) {
			e.ends = []processEnd{{instance: "enrich-1", asked: true, from: began, at: began, code: 1}}
		}, []charge{chargeEnd}},
		{"a process that fails as it is asked to end, on a bad day", func(e *evidence) {
			e.spans = suffered
			e.ends = []processEnd{{instance: "enrich-1", asked: true, from: began, at: began, code: 1}}
		}, nil},
		{"a process that is asked to end before it has begun", func(e *evidence) {
			e.ends = []processEnd{{instance: "enrich-1", asked: true, from: began, at: began, code: -1, unarmed: true}}
		}, nil},
		{"a process that never comes back", func(e *evidence) { e.unready = []string{"enrich-1"} }, []charge{chargeEnd}},
		{"an order without a result", func(e *evidence) { e.outputs, e.rows = e.outputs[:2], e.rows[:2] }, []charge{chargeUnanswered}},
		{"an order with two", func(e *evidence) { e.outputs, e.rows = append(e.outputs, e.outputs[2]), append(e.rows, e.rows[2]) }, []charge{chargeAnswers}},
		{"a result that is not there", func(e *evidence) {
			e.outputs, e.rows = slices.Delete(e.outputs, 1, 2), slices.Delete(e.rows, 1, 2)
			e.users[0].phone = ""
		}, []charge{chargeLost}},
		{"a result twice", func(e *evidence) { e.outputs = append(e.outputs, e.outputs[1]) }, []charge{chargeDoubled}},
		{"a phone before its login", func(e *evidence) { e.outputs[0], e.outputs[1] = e.outputs[1], e.outputs[0] }, []charge{chargeOrder}},
		{"a phone before the login that gave its key", func(e *evidence) { e.sent[1].Needs = "c2" }, []charge{chargeOrder}},
		{"a phone behind the login that gave its key", func(e *evidence) { e.sent[1].Needs = "c1" }, nil},
		{"another kind", func(e *evidence) { e.outputs[1].what, e.rows[1].what, e.users[0].phone = "DEVICE", "DEVICE", "" }, []charge{chargeOutcome}},
		{"a dead letter without reason", func(e *evidence) {
			dead(e, 1, "login_failed")
		}, []charge{chargeReason}},
		{"an unknown outcome on a good day", func(e *evidence) {
			e.outputs[2].what, e.rows[2].what = "UNKNOWN", "UNKNOWN"
		}, []charge{chargeOutcome}},
		{"an unknown outcome on a bad day", func(e *evidence) {
			e.outputs[2].what, e.rows[2].what, e.spans = "UNKNOWN", "UNKNOWN", suffered
		}, nil},
		{"a lost login while another role suffered", func(e *evidence) {
			e.spans = suffered[1:]
			e.outputs, e.rows, e.inputs, e.sent = e.outputs[:1], e.rows[:1], e.inputs[:1], e.sent[:1]
			dead(e, 0, "code_outcome_unknown")
		}, []charge{chargeReason}},
		{"a lost login, and what hung on it", func(e *evidence) {
			e.spans = suffered
			dead(e, 0, "code_outcome_unknown")
			dead(e, 1, "login_failed")
		}, nil},
		{"a lost login, and what hung on another", func(e *evidence) {
			e.spans = suffered
			dead(e, 0, "code_outcome_unknown")
			dead(e, 1, "login_failed")
			e.sent[1].Needs = "c2"
		}, []charge{chargeReason}},
		{"a key that nobody had yet, on a good day", func(e *evidence) { dead(e, 1, "decrypt_failed") }, []charge{chargeReason}},
		{"a key that nobody had yet, its login overtaken in Kafka", func(e *evidence) {
			dead(e, 1, "decrypt_failed")
			e.sent[0].AckedAt, e.sent[1].AckedAt = began.UnixMilli()+9, began.UnixMilli()+8
		}, nil},
		{"a dead letter with other bytes", func(e *evidence) {
			dead(e, 1, "decrypt_failed")
			e.sent[1].Want, e.outputs[1].digest = []string{"decrypt_failed"}, digest{1}
		}, []charge{chargeContent}},
		{"a dead letter too large for its bytes", func(e *evidence) {
			dead(e, 1, "too_large")
			e.sent[1].Want, e.outputs[1].digest = []string{"too_large"}, digest{1}
		}, nil},
		{"a result that names another user", func(e *evidence) { e.outputs[2].openID = "o2" }, []charge{chargeContent}},
		{"a result that names another order", func(e *evidence) { e.outputs[2].id = "n2" }, []charge{chargeContent}},
		{"a message that is said to be sent, and was not", func(e *evidence) { e.messages = nil }, []charge{chargeOutcome}},
		{"a message that is said to be sent, and whose connection was reset before", func(e *evidence) {
			e.messages[0].Delivered, e.messages[0].Fault = false, douyintest.ModeReset
		}, []charge{chargeOutcome}},
		{"a message that the user has, and that is said to have expired", func(e *evidence) {
			e.sent[2].Want, e.outputs[2].what, e.rows[2].what = []string{"EXPIRED"}, "EXPIRED", "EXPIRED"
		}, []charge{chargeOutcome}},
		{"another session's record", func(e *evidence) { e.outputs[0].session, e.outputs[1].session = "s2", "s2" }, []charge{chargeContent, chargeContent}},
		{"another time", func(e *evidence) { e.outputs[0].occurred++; e.users[0].lastSeen = began.Add(time.Millisecond) }, []charge{chargeContent}},
		{"another phone number", func(e *evidence) {
			e.outputs[1].says["phone"] = "13900005678"
			e.users[0].phone = "139****5678"
		}, []charge{chargeContent}},
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
		{"a code under a wrong secret, tried by three instances", func(e *evidence) {
			refused := douyintest.Ask{At: began, ErrNo: 40017}
			e.codes[0].Asks = []douyintest.Ask{refused, refused, refused}
		}, nil},
		{"a code that is refused as used up, three times", func(e *evidence) {
			e.spans = suffered
			used := douyintest.Ask{At: began, ErrNo: 40018}
			e.codes[0].Asks = []douyintest.Ask{used, used, used}
		}, []charge{chargeCodeTwice}},
		{"a code past its life", func(e *evidence) { e.codes[0].Asks[0].At = began.Add(5 * time.Minute) }, []charge{chargeCodeLate}},
		{"a code past its life, though it was refused for certain", func(e *evidence) {
			e.codes[0].Asks = append(e.codes[0].Asks, douyintest.Ask{At: began.Add(5 * time.Minute), ErrNo: 40017})
		}, []charge{chargeCodeLate}},
		{"a code that was never issued, three times", func(e *evidence) {
			e.spans = suffered
			used := douyintest.Ask{At: began, ErrNo: 40018}
			e.codes = append(e.codes, douyintest.CodeHistory{Code: "made-up", Asks: []douyintest.Ask{used, used, used}})
		}, []charge{chargeCodeTwice}},
		{"a code that no fact said would be sent", func(e *evidence) { wrote(e, "RESULT") }, []charge{chargeUnwritten}},
		{"a code sent again on one fact, on a bad day", func(e *evidence) {
			e.spans = suffered
			e.codes[0].Asks = append(e.codes[0].Asks, e.codes[0].Asks[0])
			wrote(e, "SENT", "RESULT")
		}, []charge{chargeUnwritten}},
		{"a code sent again though its outcome was there, on a bad day", func(e *evidence) {
			e.spans = suffered
			e.codes[0].Asks = append(e.codes[0].Asks, e.codes[0].Asks[0])
			wrote(e, "SENT", "RESULT", "SENT", "RESULT")
		}, []charge{chargeUnwritten}},
		{"a code sent again on a fact of its own, on a bad day", func(e *evidence) {
			e.spans = suffered
			e.codes[0].Asks = append(e.codes[0].Asks, e.codes[0].Asks[0])
			wrote(e, "SENT", "SENT", "RESULT")
		}, nil},
		{"a lost login whose outcome was there, on a bad day", func(e *evidence) {
			e.spans = suffered
			dead(e, 0, "code_outcome_unknown")
			dead(e, 1, "login_failed")
			wrote(e, "SENT", "RESULT", "FAILED")
		}, []charge{chargeOutcome}},
		{"a login whose code came to nothing", func(e *evidence) { wrote(e, "SENT", "FAILED", "RESULT") }, []charge{chargeOutcome}},
		{"a login whose outcome was not written down", func(e *evidence) { wrote(e, "SENT") }, []charge{chargeOutcome}},
		{"a second token", func(e *evidence) { fetch(e, 40*time.Second) }, []charge{chargeToken}},
		{"a second token in its time", func(e *evidence) { fetch(e, 50*time.Second) }, nil},
		{"a second token behind a lost answer", func(e *evidence) {
			e.fetches[0].Fault, e.fetches[0].After = douyintest.ModeReset, true
			fetch(e, time.Second)
		}, nil},
		{"a second token behind a fault long after the first", func(e *evidence) {
			e.spans = []span{{began.Add(30 * time.Second), began.Add(31 * time.Second), "notify"}}
			fetch(e, 32*time.Second)
		}, []charge{chargeToken}},
		{"a second token behind a fault right after the first, which was not written down", func(e *evidence) {
			e.spans = []span{{began.Add(time.Second), began.Add(2 * time.Second), "notify"}}
			fetch(e, 32*time.Second)
		}, nil},
		{"a second token behind a fault right after the first, which was written down", func(e *evidence) {
			e.spans = []span{{began.Add(time.Second), began.Add(2 * time.Second), "notify"}}
			e.tokens = []heldToken{{"app", began.Add(-time.Millisecond), began.Add(time.Millisecond)}}
			fetch(e, 32*time.Second)
		}, []charge{chargeToken}},
		{"a second token behind a fault right after the first, another app's or another fetch's written down", func(e *evidence) {
			e.spans = []span{{began.Add(time.Second), began.Add(2 * time.Second), "notify"}}
			e.tokens = []heldToken{{"app2", began.Add(-time.Millisecond), began.Add(time.Millisecond)}, {"app", began.Add(-time.Minute), began.Add(-time.Second)}}
			fetch(e, 32*time.Second)
		}, nil},
		{"the same stable token again, and another when it has ended", func(e *evidence) {
			e.spans = []span{{began.Add(time.Second), began.Add(2 * time.Second), "notify"}}
			e.tokens = []heldToken{{"app", began.Add(20 * time.Second), began.Add(20 * time.Second)}}
			e.fetches = []douyintest.TokenFetch{fetched(stable, "1", 0), fetched(stable, "1", 20*time.Second), fetched(stable, "2", time.Minute)}
		}, nil},
		{"the same stable token again, for no reason", func(e *evidence) {
			e.fetches = []douyintest.TokenFetch{fetched(stable, "1", 0), fetched(stable, "1", 20*time.Second)}
		}, []charge{chargeToken}},
		{"a message to who said no", func(e *evidence) { e.consents = []consent{no(-time.Minute)} }, []charge{chargeConsent}},
		{"a message to who said no just now", func(e *evidence) { e.consents = []consent{no(0)} }, nil},
		{"a message to who said no, and then yes", func(e *evidence) {
			yes := no(-30 * time.Second)
			yes.status = schemas.ConsentAccept
			e.consents = []consent{no(-time.Minute), yes}
		}, nil},
		{"enforced: a message on no credit", func(e *evidence) { e.enforced = true }, []charge{chargeConsent}},
		{"enforced: a message ahead of its credit", func(e *evidence) { e.enforced, e.consents = true, []consent{yes(2 * time.Second)} }, []charge{chargeConsent}},
		{"enforced: a message on a credit", func(e *evidence) { e.enforced, e.consents = true, []consent{yes(0)} }, nil},
		{"enforced: no credit, and nobody knew of one", func(e *evidence) { noCredit(e) }, nil},
		{"enforced: no credit, and one that came just now", func(e *evidence) { noCredit(e, yes(0)) }, nil},
		{"enforced: no credit, and another template's", func(e *evidence) {
			other := yes(-time.Minute)
			other.template = "t2"
			noCredit(e, other)
		}, nil},
		{"enforced: no credit, though one was known", func(e *evidence) { noCredit(e, yes(-time.Minute)) }, []charge{chargeOutcome}},
		{"enforced: no credit, and a fault kept it from being known", func(e *evidence) {
			e.spans = suffered
			noCredit(e, yes(-time.Minute))
		}, nil},
		{"advised: no credit, and nobody knew of one", func(e *evidence) {
			noCredit(e)
			e.enforced = false
		}, []charge{chargeOutcome}},
		{"a consent that is a fact", func(e *evidence) { subscription(e, 1) }, nil},
		{"a consent that is none", func(e *evidence) { subscription(e, 0) }, []charge{chargeLost}},
		{"a consent that counts twice", func(e *evidence) { subscription(e, 2) }, []charge{chargeDoubled}},
		{"a consent that is the opposite as a fact", func(e *evidence) {
			subscription(e, 1)
			e.consents[0].status = schemas.ConsentReject
		}, []charge{chargeLost}},
		{"an order sent that nobody consented to", func(e *evidence) { e.sent[2].Want = []string{"NO_CREDIT"} }, []charge{chargeConsent}},
		{"a message twice", func(e *evidence) { e.messages = append(e.messages, e.messages[0]) }, []charge{chargeMessage}},
		{"a message again behind a refusal", func(e *evidence) {
			e.messages = append(e.messages, e.messages[0])
			e.messages[0].Delivered, e.messages[0].ErrNo = false, 28003018
		}, nil},
		{"a row that is not there", func(e *evidence) { e.rows = e.rows[1:] }, []charge{chargeRowLost}},
		{"a row twice", func(e *evidence) { e.rows = append(e.rows, e.rows[0]) }, []charge{chargeRowDoubled}},
		{"a row that says something else", func(e *evidence) { e.rows[2].what = "REFUSED" }, []charge{chargeRowDiffers}},
		{"a row of another user", func(e *evidence) {
			e.rows[1].says = strings.Replace(e.outputs[1].row(), "o1", "o2", 1)
		}, []charge{chargeRowDiffers}},
		{"a row with another phone number", func(e *evidence) {
			e.rows[1].says = strings.Replace(e.outputs[1].row(), "138****5678", "139****5678", 1)
		}, []charge{chargeRowDiffers}},
		{"a row of another order", func(e *evidence) {
			e.rows[2].says = strings.Replace(e.outputs[2].row(), "n1", "n2", 1)
		}, []charge{chargeRowDiffers}},
		{"a user with an older phone number", func(e *evidence) { e.users[0].phone = "" }, []charge{chargeUser}},
		{"a user who is not there", func(e *evidence) { e.users = nil }, []charge{chargeUser}},
		{"a user twice", func(e *evidence) { e.users = append(e.users, e.users[0]) }, []charge{chargeUser}},
		{"a complaint of verify's", func(e *evidence) { e.verify = []string{"a gap"} }, []charge{chargeVerify}},
		{"a secret", func(e *evidence) { e.leaks = []string{"a code"} }, []charge{chargeLeak}},
		{"a transaction left open", func(e *evidence) { e.open = []string{"users.enriched/0"} }, []charge{chargeOpen}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := flawless()
			c.plant(&e)
			for i, row := range e.rows { // it says what its record does, if nothing else was planted
				for _, s := range e.outputs {
					if s.source == row.source && row.says == "" {
						e.rows[i].says = s.row()
					}
				}
			}
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

// TestWhatIsMissing: what came of nothing does not stand in for what nothing came of.
func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	e := flawless()
	if n := e.missing(); n != 0 {
		t.Errorf("%d are missing of what is all there", n)
	}
	e.outputs[1].source.Offset++
	if n := e.missing(); n != 1 {
		t.Errorf("%d are missing, want the one whose result names another place", n)
	}
}

// TestWhatIsNotJudgedIsNoZero on the scorecard.
func TestWhatIsNotJudgedIsNoZero(t *testing.T) {
	t.Parallel()
	e := flawless()
	e.asked, e.rows = false, nil
	var card bytes.Buffer
	printScorecard(&card, judge(e), &havoc{}, 7, time.Minute)
	if got := strings.Count(card.String(), "not judged"); got != 5 || strings.Contains(card.String(), "0  "+string(chargeRowLost)) {
		t.Errorf("%d columns are not judged, want those of ClickHouse:\n%s", got, card.String())
	}
}

// wrote has facts of the login's code stand in doustream.sessions.
func wrote(e *evidence, kinds ...string) {
	e.codeFacts = nil
	for i, kind := range kinds {
		e.codeFacts = append(e.codeFacts, codeFact{"s|dea673b5dc6edf96f6a6e173fe6cb8ff", kind, int64(i)})
	}
}

// dead has an input end as a dead letter.
func dead(e *evidence, i int, reason string) {
	if i == 0 {
		wrote(e, "SENT", "FAILED")
	}
	e.outputs[i].topic, e.outputs[i].enriched, e.outputs[i].what, e.rows[i].what = schemas.TopicDeadLetters, false, reason, reason
	if !slices.ContainsFunc(e.outputs, func(s sighting) bool { return s.enriched }) {
		e.users = nil
	} else if i == 1 {
		e.users[0].phone = ""
	}
}

func fetch(e *evidence, after time.Duration) {
	e.fetches = append(e.fetches, fetched(douyin.EndpointClientToken, strconv.Itoa(len(e.fetches)), after))
}

func fetched(kind douyin.Endpoint, serial string, after time.Duration) douyintest.TokenFetch {
	return douyintest.TokenFetch{At: began.Add(after), AppID: "app", Kind: kind, Token: serial}
}

// no is the user's word against the order's template.
func no(after time.Duration) consent {
	return consent{at: began.Add(after), app: "app", openID: "o1", template: "t", status: schemas.ConsentReject, occurred: began.Add(after).UnixMilli()}
}

func yes(after time.Duration) consent {
	c := no(after)
	c.status = schemas.ConsentAccept
	return c
}

// noCredit has the order end unasked, where a credit is the law.
func noCredit(e *evidence, known ...consent) {
	e.enforced, e.consents, e.messages = true, known, nil
	e.outputs[2].what, e.rows[2].what = "NO_CREDIT", "NO_CREDIT"
}

// subscription makes the phone event one, with so many facts of it.
func subscription(e *evidence, facts int) {
	what := schemas.KindSubscription.String()
	e.sent[1].Want, e.outputs[1].what, e.rows[1].what, e.users[0].phone = []string{what}, what, what, ""
	e.sent[1].Says, e.outputs[1].says = nil, map[string]string{"open_id": "o1", "t": "accept", "t2": "fail"}
	for range facts {
		fact := yes(0)
		fact.source = e.outputs[1].source
		e.consents = append(e.consents, fact)
	}
}
