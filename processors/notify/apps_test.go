package notify

import (
	"fmt"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

func orderOf(app, id, openID string) string {
	return fmt.Sprintf(`{"notification_id":%q,"app_id":%q,"open_id":%q,"template_id":"tpl","data":{"thing":"text of %s"}}`, id, app, openID, id)
}

// Each app has a driver, a token, a rate and a limit in flight of its own.
func TestAppsSendTheirOwnWay(t *testing.T) {
	virtually(t, func(t *testing.T) {
		apps := []douyin.App{{ID: "tt1", Secret: "s1"}, {ID: "tt2", Secret: "s2"}, {ID: "tt3", Secret: "s3"}}
		b := newBox(t, Config{Rate: 100, PerApp: map[string]AppConfig{
			"tt2": {Driver: DriverV1, Rate: 10},
			"tt3": {TokenKind: TokenClient, InFlight: 1},
		}}, douyintest.Options{Apps: apps, Open: true})
		b.platform.SetLatency("", douyintest.Latency{Median: 200 * time.Millisecond, P99: 200 * time.Millisecond})
		const each = 50
		for n := range each {
			for _, app := range apps {
				b.produce(orderTopic, fmt.Sprint("u", n), []byte(orderOf(app.ID, fmt.Sprint(app.ID, "-", n), fmt.Sprint("u", n))))
			}
		}
		b.start("a")
		if got := statuses(b.results(3*each, 2*time.Minute)); got["SENT"] != 3*each {
			t.Errorf("results %v", got)
		}
		first, last := map[string]time.Time{}, map[string]time.Time{}
		for _, m := range b.platform.Messages() {
			if want := map[string]douyin.Endpoint{"tt2": douyin.EndpointNotifyV1}[m.AppID]; want != "" && m.Endpoint != want || want == "" && m.Endpoint != douyin.EndpointNotifyV2 {
				t.Errorf("%s sent by %s", m.AppID, m.Endpoint)
			}
			if first[m.AppID].IsZero() {
				first[m.AppID] = m.At
			}
			last[m.AppID] = m.At
		}
		took := func(app string) time.Duration { return last[app].Sub(first[app]) }
		if d := took("tt1"); d > 2*time.Second {
			t.Errorf("at 100 a second 50 took %v", d)
		}
		if d := took("tt2"); d < 4500*time.Millisecond || d > 7*time.Second {
			t.Errorf("at 10 a second 50 took %v", d)
		}
		if d := took("tt3"); d < 49*200*time.Millisecond {
			t.Errorf("one at a time, each of 200ms, 50 took %v", d)
		}
		kinds := map[string]douyin.Endpoint{"tt1": douyin.EndpointStableClientToken, "tt2": douyin.EndpointAccessToken, "tt3": douyin.EndpointClientToken}
		fetches := b.platform.TokenFetches()
		for _, f := range fetches {
			if f.Kind != kinds[f.AppID] {
				t.Errorf("%s fetched a %s", f.AppID, f.Kind)
			}
		}
		if len(fetches) != 3 {
			t.Errorf("I6: %d fetches, want one for each app", len(fetches))
		}
	})
}

// I9: an app that stands still takes its share of the queue and no more. Its
// further orders hold up their own partitions; what the others publish to other
// partitions goes on, and everything is answered once the app is back.
func TestAStoppedAppHoldsUpItsPartitionsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Queue: 40, Apps: []douyin.App{{ID: "tt1", Secret: "a"}, {ID: "tt2", Secret: "b"}}})
	stopped := true
	w.platform.send = func(n douyin.Notification, _ douyin.Token) error {
		if stopped && n.AppID == "tt1" {
			return fault(douyin.KindConfig)
		}
		return nil
	}
	var behind []schemas.Source
	for n := range 100 {
		w.publish(0, orderOf("tt1", fmt.Sprint("stopped-", n), fmt.Sprint("u", n)))
		w.publish(1, orderOf("tt2", fmt.Sprint("other-", n), fmt.Sprint("u", n)))
	}
	for n := range 10 {
		behind = append(behind, w.publish(0, orderOf("tt2", fmt.Sprint("behind-", n), fmt.Sprint("v", n))))
	}
	i := w.start()
	for range 200 {
		w.run(w.now.Add(100 * time.Millisecond))
		if a := i.task.apps["tt1"]; a.size > 20 || len(i.task.live) > 40 {
			t.Fatalf("the stopped app has %d orders, all have %d", a.size, len(i.task.live))
		}
	}
	sent := 0
	for _, s := range w.platform.sends {
		if s.AppID == "tt2" {
			sent++
		}
	}
	if sent != 100 {
		t.Errorf("the other app sent %d of 100 in its own partition", sent)
	}
	if n := w.next[0]; n != 20 {
		t.Errorf("the stopped app's partition is taken in up to %d, want its share", n)
	}
	if held := len(i.task.apps["tt1"].stalled); held == 0 || held > windowRecords {
		t.Errorf("%d orders are held back", held)
	}
	stopped = false
	w.run(w.now.Add(20 * time.Minute))
	if n := len(w.results()); n != 210 {
		t.Errorf("%d results of 210 after the app was allowed again", n)
	}
	for _, source := range behind {
		one(t, w, source)
	}
}

// The bound is one of bytes as well.
func TestAnAppsShareIsOfBytesToo(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{QueueBytes: 20_000, UserInterval: time.Second})
	for n := range 200 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n%4)))
	}
	i := w.start()
	most := int64(0)
	for range 250 {
		w.run(w.now.Add(time.Second))
		most = max(most, i.task.bytes)
	}
	if most > 20_000+overhead+512 || most < 15_000 {
		t.Errorf("%d bytes were taken in, at most 20000", most)
	}
	if n := len(w.results()); n != 200 {
		t.Errorf("%d results of 200", n)
	}
}

// A hand-over while an app is held up loses nothing and doubles nothing.
func TestHandOverOfAStoppedApp(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Queue: 4})
	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindConfig) }
	for n := range 20 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
	}
	w.start()
	w.run(w.now.Add(10 * time.Second))
	handOver(w)
	w.run(w.now.Add(10 * time.Second))
	w.platform.issue = nil
	w.run(w.now.Add(20 * time.Minute))
	if n := len(w.results()); n != 20 || len(w.platform.sends) != 20 {
		t.Errorf("%d results, %d sends of 20", n, len(w.platform.sends))
	}
	if dead := len(live(w.log[stateTopic])); dead != 20 {
		t.Errorf("%d records of state", dead)
	}
}
