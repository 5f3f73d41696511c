package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// I8: no secret, no full phone number and no address detail is in a log, a
// metric, an output or state topic, or a table, other than sealed.
func TestEndToEndSecrets(t *testing.T) {
	t.Parallel()
	house := startClickHouse(t)
	w := newWorld(t, "DOUSTREAM_CLICKHOUSE_DSN="+house.DSN(), "DOUSTREAM_SINK_BLOCK_AGE=50ms", "DOUSTREAM_LOG_LEVEL=debug",
		"DOUSTREAM_SESSION_WAIT=1s", "DOUSTREAM_JOIN_WAIT=50ms")
	all := w.role("run")
	first := w.visit("s-1", "user-1")
	refused := w.platform.Login(testApp, "user-2")
	w.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeHTML, Endpoint: "jscode2session", Count: 1})
	w.publish(schemas.TopicLogin, "retried", "s-2", map[string]any{"code": refused.Code})
	data, iv := w.sealed(douyintest.Login{SessionKey: testKey[:22] + "=="}, `{"phoneNumber":"+8613812340000"}`)
	w.publish(schemas.TopicPhone, "wrong key", "s-1", map[string]any{"encryptedData": data, "iv": iv})
	w.platform.Grant(douyintest.Grant{AppID: testApp, OpenID: first.OpenID, Template: "MSG1", Credits: 1})
	w.produce(schemas.TopicOrders, first.OpenID, asJSON(t, map[string]any{
		"notification_id": "n", "app_id": testApp, "open_id": first.OpenID, "template_id": "MSG1", "data": map[string]any{"k": "v"},
	}))
	db := openDatabase(t, house.DSN())
	eventually(t, func() bool {
		return count(t, db, "SELECT count() FROM user_events") >= 7 && count(t, db, "SELECT count() FROM notifications") == 1 &&
			count(t, db, "SELECT count() FROM dead_letters") >= 1
	}, func() string { return all.log.String() })

	look := &searcher{t: t, secrets: map[string]string{
		"a code": first.Code, "another code": refused.Code, "an anonymous code": first.AnonymousCode,
		"a session key": first.SessionKey, "another session key": refused.SessionKey,
		"the app secret": "the-app-secret", "a configured key": testKey, "a phone number": "13812340000",
		"a name": "张三", "an address": "某某路1号", "a token": "clt.", "the database's password": "dsnsecret",
	}}
	look.in("the metrics", w.get(all, "/metrics"))
	w.stop(all)
	look.in("the log", all.log.String())
	opts := []kgo.Opt{kgo.SeedBrokers(w.brokers...)}
	for _, topic := range []string{
		schemas.TopicUsers, schemas.TopicResults, schemas.TopicConsents,
		schemas.TopicSessions, schemas.TopicParked, schemas.TopicNotifications, schemas.TopicTokens,
	} {
		records := 0
		err := scan(t.Context(), opts, w.prefix+topic, 0, func(r *kgo.Record) error {
			records++
			look.in(topic, string(r.Key)+" "+string(r.Value)+" "+fmt.Sprint(r.Headers))
			return nil
		})
		if err != nil || records == 0 && topic != schemas.TopicParked {
			t.Errorf("%s: %d records, %v", topic, records, err)
		}
	}
	look.tables(db)
	found := false // where it must be, it is: the search works
	err := scan(t.Context(), opts, w.prefix+schemas.TopicLogin, 0, func(r *kgo.Record) error {
		found = found || strings.Contains(string(r.Value), look.secrets["a code"])
		return nil
	})
	if err != nil || !found {
		t.Errorf("the code is not even in its input topic: %v", err)
	}
}

type searcher struct {
	t       *testing.T
	secrets map[string]string
}

func (s *searcher) in(place, text string) {
	s.t.Helper()
	for what, secret := range s.secrets {
		if strings.Contains(text, secret) {
			s.t.Errorf("I8: %s is in %s", what, place)
		}
	}
}

func (s *searcher) tables(db *sql.DB) {
	s.t.Helper()
	rows := 0
	for _, table := range s.column(db, "SELECT name FROM system.tables WHERE database = currentDatabase() AND NOT startsWith(name, '.') AND engine != 'MaterializedView'") {
		for _, row := range s.column(db, "SELECT toString(tuple(*)) FROM `"+table+"`") {
			rows++
			s.in("table "+table, row)
		}
	}
	if rows < 10 {
		s.t.Errorf("only %d rows were searched", rows)
	}
}

func (s *searcher) column(db *sql.DB, query string) []string {
	s.t.Helper()
	found, err := db.QueryContext(s.t.Context(), query)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = found.Close() }()
	var list []string
	for found.Next() {
		var text string
		if err := found.Scan(&text); err != nil {
			s.t.Fatalf("%s: %v", query, err)
		}
		list = append(list, text)
	}
	if err := found.Err(); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return list
}

// get asks a running process over HTTP.
func (w *world) get(r *running, path string) string {
	w.t.Helper()
	addr := listening.FindStringSubmatch(r.log.String())[1]
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}
