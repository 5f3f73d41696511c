package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/schemas"
)

// The log cleaner of Apache Kafka goes over both topics of state: what enrich knows
// afterwards is what it knew. No code is sent again (I3), what is parked resumes, once
// (I5).
func TestEndToEndStateThatIsCompacted(t *testing.T) {
	if os.Getenv("DOUSTREAM_TEST_KAFKA") == "" {
		t.Skip("set DOUSTREAM_TEST_KAFKA, as make test-kafka does; processors/enrich has the same with the fake cluster's compaction")
	}
	t.Parallel()
	w := newWorld(t, "DOUSTREAM_JOIN_WAIT=200ms")
	w.cleanAtOnce(schemas.TopicSessions, schemas.TopicParked)
	logins := map[string]douyintest.Login{}
	of := func(session string) douyintest.Login {
		if _, ok := logins[session]; !ok {
			logins[session] = w.platform.Login(testApp, "user-of-"+session)
		}
		return logins[session]
	}
	login := func(session string) {
		l := of(session)
		w.publish(schemas.TopicLogin, "login-"+session, session, map[string]any{"code": l.Code, "errMsg": "login:ok"})
	}
	phone := func(session string) {
		l := of(session)
		data, iv := w.sealed(l, `{"phoneNumber":"+8613812340000","purePhoneNumber":"13812340000","countryCode":"86",`+watermark()+`}`)
		w.publish(schemas.TopicPhone, "phone-"+session, session, map[string]any{"encryptedData": data, "iv": iv, "errMsg": "getPhoneNumber:ok"})
	}

	want := 0
	for round := range 3 { // each owner has its marker
		enrich := w.role("enrich")
		w.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeThrottle, Count: 4}) // SENT, ANNULLED, SENT, …
		for i := range 6 {
			session := fmt.Sprintf("known-%d-%d", round, i)
			login(session)
			phone(session)
			phone(fmt.Sprintf("late-%d-%d", round, i)) // it parks
			want += 2
		}
		collect(w, schemas.TopicUsers, want, decodeUser)
		w.awaitParked(3*(round+1) + 3)
		for i := range 3 { // and resumes
			login(fmt.Sprintf("late-%d-%d", round, i))
			want += 2
		}
		collect(w, schemas.TopicUsers, want, decodeUser)
		w.stop(enrich)
	}
	w.stop(w.role("enrich")) // its markers begin new segments: what lies before is the cleaner's
	written := map[int32]int64{}
	for _, rec := range w.state(schemas.TopicSessions) {
		written[rec.Partition] = rec.Offset + 1 // in no transactions: the offsets are the facts' and markers' alone
	}
	w.awaitCleaned(schemas.TopicSessions, int(written[0]+written[1])-9)
	w.awaitCleaned(schemas.TopicParked, 29) // of 18 entries, 9 tombstones and 8 markers

	enrich := w.role("enrich")
	for round := range 3 {
		for i := range 3 {
			login(fmt.Sprintf("late-%d-%d", round, i+3))
			login(fmt.Sprintf("known-%d-%d", round, i)) // its code has its outcome
			phone(fmt.Sprintf("known-%d-%d", round, i))
			want += 4
		}
	}
	seen := map[string]int{}
	for _, u := range collect(w, schemas.TopicUsers, want, decodeUser) {
		seen[u.Source.String()]++
	}
	if len(seen) != want {
		t.Errorf("I5: %d records of %d sources", want, len(seen))
	}
	w.stop(enrich)
	for session, l := range logins {
		h, _ := w.platform.Code(l.Code)
		exchanged := 0
		for _, ask := range h.Asks {
			if ask.Fault == "" {
				exchanged++
			}
		}
		if exchanged != 1 {
			t.Errorf("I3: the code of %s was exchanged %d times: %+v", session, exchanged, h.Asks)
		}
	}
}

// state is what a topic of state holds now.
func (w *world) state(topic string) (records []*kgo.Record) {
	w.t.Helper()
	err := scan(w.t.Context(), []kgo.Opt{kgo.SeedBrokers(w.brokers...)}, w.prefix+topic, 0, func(rec *kgo.Record) error {
		records = append(records, rec)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return records
}

// awaitParked waits until so many events are parked.
func (w *world) awaitParked(n int) {
	w.t.Helper()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); len(w.parked()) != n; <-tick.C {
		if time.Now().After(deadline) {
			w.t.Fatalf("parked are %v, want %d", w.parked(), n)
		}
	}
}

// parked are the keys of what is parked.
func (w *world) parked() map[string]bool {
	w.t.Helper()
	waits := map[string]bool{}
	for _, rec := range w.state(schemas.TopicParked) {
		if _, marks := stream.Marker(rec); marks {
			continue
		}
		if waits[string(rec.Key)] = true; rec.Value == nil {
			delete(waits, string(rec.Key))
		}
	}
	return waits
}

// awaitCleaned waits until no more than so many of a topic's records are left.
func (w *world) awaitCleaned(topic string, most int) {
	w.t.Helper()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); len(w.state(topic)) > most; <-tick.C {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s has %d records, want %d", topic, len(w.state(topic)), most)
		}
	}
}

// cleanAtOnce has the log cleaner clean whatever a segment holds that is over.
func (w *world) cleanAtOnce(topics ...string) {
	w.t.Helper()
	var names []string
	for _, topic := range topics {
		names = append(names, w.prefix+topic)
	}
	set := func(name, value string) kadm.AlterConfig {
		return kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value}
	}
	answers, err := kadm.NewClient(w.backend).AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{
		set("segment.ms", "100"), set("min.cleanable.dirty.ratio", "0"), set("delete.retention.ms", "0"), set("min.compaction.lag.ms", "0"),
	}, names...)
	for _, one := range answers {
		if err == nil {
			err = one.Err
		}
	}
	if err != nil {
		w.t.Fatalf("set up the log cleaner: %v", err)
	}
}
