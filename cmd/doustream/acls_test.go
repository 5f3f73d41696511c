package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"doustream/platform/embedded"
	"doustream/schemas"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// documented reads the rules of one role from deploy/acls.md.
func documented(t *testing.T, who string) []kfake.ACL {
	t.Helper()
	text, err := os.ReadFile(root + "/deploy/acls.md")
	if err != nil {
		t.Fatal(err)
	}
	resources := map[string]kmsg.ACLResourceType{
		"topic": kmsg.ACLResourceTypeTopic, "group": kmsg.ACLResourceTypeGroup, "transactional id": kmsg.ACLResourceTypeTransactionalId,
	}
	operations := map[string]kmsg.ACLOperation{
		"Read": kmsg.ACLOperationRead, "Write": kmsg.ACLOperationWrite, "Create": kmsg.ACLOperationCreate,
		"Describe": kmsg.ACLOperationDescribe, "DescribeConfigs": kmsg.ACLOperationDescribeConfigs,
	}
	var rules []kfake.ACL
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.TrimSpace(cells[1]) != who {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(cells[3], -1) {
			for _, operation := range splitList(cells[4]) {
				rule := kfake.ACL{Resource: resources[strings.TrimSpace(cells[2])], Name: name[1], Operation: operations[operation], Pattern: kmsg.ACLResourcePatternTypeLiteral, Allow: true}
				if prefix, ok := strings.CutSuffix(name[1], "*"); ok {
					rule.Name, rule.Pattern = prefix, kmsg.ACLResourcePatternTypePrefixed
				}
				if rule.Resource == 0 || rule.Operation == 0 {
					t.Fatalf("a line that means nothing: %s", line)
				}
				rules = append(rules, rule)
			}
		}
	}
	if len(rules) == 0 {
		t.Fatalf("no rules for %s", who)
	}
	return rules
}

// Every role runs, and every command of the operator's, under the rules that
// are documented, and logs in by SASL.
func TestEndToEndUnderTheDocumentedACLs(t *testing.T) {
	t.Parallel()
	const mechanism = "SCRAM-SHA-256"
	var users []embedded.KafkaUser
	for _, who := range []string{"enrich", "sink", "notify", "token", "operator"} {
		users = append(users, embedded.KafkaUser{Mechanism: mechanism, Name: who, Password: "pw-" + who, ACLs: documented(t, who)})
	}
	users = append(users, embedded.KafkaUser{Mechanism: mechanism, Name: "backend", Password: "pw-backend", Super: true})
	kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{Users: users, ACLs: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	house := startClickHouse(t)

	backend := []kgo.Opt{kgo.SASL(scram.Auth{User: "backend", Pass: "pw-backend"}.AsSha256Mechanism())}
	w := newWorldOn(t, kafka.Brokers(), "", backend, "DOUSTREAM_CLICKHOUSE_DSN="+house.DSN(), "DOUSTREAM_SINK_BLOCK_AGE=50ms",
		"DOUSTREAM_KAFKA_SASL_MECHANISM="+mechanism, "DOUSTREAM_KAFKA_SASL_USER=operator", "DOUSTREAM_KAFKA_SASL_PASSWORD=pw-operator")
	as := func(who string) *world {
		one := *w
		one.environ = append(append([]string{}, w.environ...), "DOUSTREAM_KAFKA_SASL_USER="+who, "DOUSTREAM_KAFKA_SASL_PASSWORD=pw-"+who)
		return &one
	}
	if code, _, errs := invoke(t, w.environ, "migrate"); code != exitOK {
		t.Fatal(errs)
	}
	if code, out, errs := invoke(t, w.environ, "check"); code != exitOK {
		t.Errorf("check: exit %d\n%s%s", code, out, errs)
	}
	var running []*running
	for _, who := range []string{"enrich", "sink", "notify"} {
		running = append(running, as(who).role(who))
	}
	login := w.visit("s", "u")
	w.produce(schemas.TopicDevice, "s", []byte("no event"))
	w.produce(schemas.TopicOrders, login.OpenID, asJSON(t, map[string]any{
		"notification_id": "n", "app_id": testApp, "open_id": login.OpenID, "template_id": "MSG1", "data": map[string]any{"k": "v"},
	}))
	collect(w, schemas.TopicUsers, 7, decodeUser)
	collect(w, schemas.TopicResults, 1, decodeResult)
	db := openDatabase(t, house.DSN())
	for _, table := range []string{"user_events", "notifications", "dead_letters"} {
		eventually(t, func() bool { return count(t, db, "SELECT count() FROM "+table) > 0 }, func() string { return table + " stays empty\n" + running[1].log.String() })
	}
	if code, out, errs := invoke(t, as("token").environ, "token"); code != exitOK || !strings.Contains(out, testApp) {
		t.Errorf("token: exit %d\n%s%s", code, out, errs)
	}
	for _, r := range running {
		w.stop(r)
	}
	if code, out, errs := invoke(t, w.environ, "dead-letters", "redrive", "--all"); code != exitOK || !strings.Contains(out, "1 redriven") {
		t.Errorf("redrive: exit %d\n%s%s", code, out, errs)
	}
}

// A role without a right ends, and says which.
func TestAMissingRightIsNamed(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{ACLs: true, Users: []embedded.KafkaUser{
		{Mechanism: "PLAIN", Name: "backend", Password: "pw", Super: true}, {Mechanism: "PLAIN", Name: "nobody", Password: "pw"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kafka.Close() })
	environ := complete("DOUSTREAM_KAFKA_BROKERS="+kafka.Brokers()[0], "DOUSTREAM_KAFKA_SASL_MECHANISM=PLAIN", "DOUSTREAM_KAFKA_SASL_PASSWORD=pw")
	if code, _, errs := invoke(t, append(environ, "DOUSTREAM_KAFKA_SASL_USER=backend"), "topics"); code != exitOK {
		t.Fatal(errs)
	}
	r := start(t, append(environ, "DOUSTREAM_KAFKA_SASL_USER=nobody"), "enrich")
	r.log.await(t, "TOPIC_AUTHORIZATION_FAILED")
	r.first()
	if code := r.wait(t); code != exitOK {
		t.Errorf("exit %d", code)
	}
	r = start(t, append(environ, "DOUSTREAM_KAFKA_SASL_USER=nobody", "DOUSTREAM_KAFKA_SASL_PASSWORD=wrong"), "enrich")
	r.log.await(t, "TLS or SASL are not what its listener expects")
	r.first()
	r.wait(t)
}
