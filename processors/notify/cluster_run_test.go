package notify

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/schemas"
)

// Both drivers, and each kind of token, over real Kafka protocol and HTTP.
func TestDrivers(t *testing.T) {
	tests := []struct {
		name     string
		cfg      Config
		endpoint douyin.Endpoint
		token    douyin.Endpoint
	}{
		{"v2", Config{}, douyin.EndpointNotifyV2, douyin.EndpointStableClientToken},
		{"v2 with client_token", Config{TokenKind: TokenClient}, douyin.EndpointNotifyV2, douyin.EndpointClientToken},
		{"v1", Config{Driver: DriverV1}, douyin.EndpointNotifyV1, douyin.EndpointAccessToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				b := newBox(t, tt.cfg, douyintest.Options{})
				for n := range 20 {
					b.platform.Grant(douyintest.Grant{AppID: "tt1", OpenID: fmt.Sprint("u", n), Template: "tpl", Credits: 1})
					b.order(fmt.Sprint("n", n), fmt.Sprint("u", n), `"page":"pages/index"`)
				}
				b.order("n0", "u0")            // a repeat
				b.order("again", "u1")         // its credit is spent
				b.order("nobody", "u99")       // no consent
				b.produce(orderTopic, "", nil) // no order
				b.start("a")
				got := statuses(b.results(23, time.Minute))
				if got["SENT"] != 21 || got["NO_CREDIT"] != 2 {
					t.Errorf("results %v", got)
				}
				for text, n := range delivered(b.platform) {
					if n != 1 {
						t.Errorf("%q was sent %d times", text, n)
					}
				}
				for _, m := range b.platform.Messages() {
					if m.Endpoint != tt.endpoint {
						t.Errorf("sent by %s", m.Endpoint)
					}
				}
				if f := b.platform.TokenFetches(); len(f) != 1 || f[0].Kind != tt.token {
					t.Errorf("token fetches %+v", f)
				}
			})
		})
	}
}

// The state takes all partitions of its topic, each id the one that it belongs to.
func TestStateIsSpread(t *testing.T) {
	virtually(t, func(t *testing.T) {
		b := newBox(t, Config{}, douyintest.Options{Open: true})
		b.start("a")
		const orders = 60
		for n := range orders {
			b.order(fmt.Sprint("n", n), fmt.Sprint("u", n))
		}
		b.results(orders, time.Minute)
		reader, err := kgo.NewClient(append(b.connect(b.network.DialContext), kgo.ConsumeTopics(stateTopic),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		seen := map[int32]map[id]bool{0: {}, 1: {}, 2: {}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for len(seen[0])+len(seen[1])+len(seen[2]) < orders && ctx.Err() == nil {
			reader.PollFetches(ctx).EachRecord(func(rec *kgo.Record) {
				if _, marker := stream.Marker(rec); marker {
					return
				}
				_, i, err := parseKey(rec.Key)
				if err != nil || i.partition(len(seen)) != int(rec.Partition) {
					t.Errorf("%s in partition %d: %v", rec.Key, rec.Partition, err)
				}
				seen[rec.Partition][i] = true
			})
		}
		for p, ids := range seen {
			if len(ids) < orders/10 {
				t.Errorf("partition %d has %d ids of %d", p, len(ids), orders)
			}
		}
	})
}

// I6, I7: an owner that dies without a word is followed by one that adopts its
// token, sends nothing again and answers everything.
func TestTakeover(t *testing.T) {
	virtually(t, func(t *testing.T) {
		b := newBox(t, Config{}, douyintest.Options{Open: true})
		b.platform.SetLatency("", douyintest.Latency{Median: 30 * time.Millisecond, P99: 400 * time.Millisecond})
		owners := []*member{b.start("a"), b.start("b"), b.start("c")}
		n := 0
		for round := range 3 {
			pass(20 * time.Second)
			for range 100 {
				b.order(fmt.Sprint("n", n), fmt.Sprint("u", n%60))
				n++
			}
			pass(time.Duration(300+400*round) * time.Millisecond)
			owners[round].link.cut()
			if round < 2 {
				continue
			}
			owners = append(owners, b.start("d"))
		}
		results := b.results(300, 3*time.Minute)
		byID := map[string]schemas.Status{}
		for _, r := range results {
			if _, twice := byID[r.NotificationID]; twice {
				t.Errorf("%s has two results", r.NotificationID)
			}
			byID[r.NotificationID] = r.Status
		}
		texts := delivered(b.platform)
		for id, status := range byID {
			switch n := texts["text of "+id]; {
			case n > 1:
				t.Errorf("%s was sent %d times", id, n)
			case status == schemas.StatusSent && n != 1:
				t.Errorf("%s is SENT and was not", id)
			case status != schemas.StatusSent && status != schemas.StatusUnknown:
				t.Errorf("%s is %s", id, statusNames[status])
			}
		}
		if f := b.platform.TokenFetches(); len(f) != 1 {
			t.Errorf("%d token fetches, want one", len(f))
		}
		t.Log(statuses(results))
	})
}

// A rollout makes no UNKNOWN.
func TestRollout(t *testing.T) {
	virtually(t, func(t *testing.T) {
		b := newBox(t, Config{}, douyintest.Options{Open: true})
		b.platform.SetLatency("", douyintest.Latency{Median: 200 * time.Millisecond, P99: 2 * time.Second})
		running := b.start("a")
		for round := range 4 {
			pass(5 * time.Second)
			for n := range 50 {
				b.order(fmt.Sprint("n", round, "-", n), fmt.Sprint("u", n))
			}
			pass(500 * time.Millisecond)
			next := b.start(fmt.Sprint("b", round))
			pass(time.Second)
			if err := running.stop(); err != nil {
				t.Fatal(err)
			}
			running = next
		}
		if got := statuses(b.results(200, 2*time.Minute)); got["SENT"] != 200 {
			t.Errorf("results %v", got)
		}
		for text, n := range delivered(b.platform) {
			if n != 1 {
				t.Errorf("%q was sent %d times", text, n)
			}
		}
		if f := b.platform.TokenFetches(); len(f) != 1 {
			t.Errorf("%d token fetches, want one", len(f))
		}
	})
}

// Consents reach the ledger by Kafka, and what was spent outlives its owner.
func TestConsents(t *testing.T) {
	virtually(t, func(t *testing.T) {
		b := newBox(t, Config{Credits: CreditsEnforce, Templates: map[string]Template{"tpl": {Kind: TemplateOneTime}}}, douyintest.Options{Open: true})
		first := b.start("a")
		for n := range 10 {
			b.accept(fmt.Sprint("u", n), time.Now(), schemas.ConsentAccept)
		}
		pass(5 * time.Second)
		for n := range 10 {
			b.order(fmt.Sprint("n", n), fmt.Sprint("u", n))
		}
		pass(20 * time.Second)
		first.link.cut()
		b.start("b")
		pass(20 * time.Second)
		for n := range 10 {
			b.order(fmt.Sprint("m", n), fmt.Sprint("u", n))
		}
		pass(2 * time.Second)
		for n := range 4 { // these overtook their consents
			b.accept(fmt.Sprint("u", n), time.Now(), schemas.ConsentAccept)
		}
		if got := statuses(b.results(20, time.Minute)); got["SENT"] != 14 || got["NO_CREDIT"] != 6 {
			t.Errorf("results %v", got)
		}
	})
}

// A zombie, stopped for longer than its session and then continued, neither
// sends nor fetches (I6, I7).
func TestZombie(t *testing.T) {
	virtually(t, func(t *testing.T) {
		b := newBox(t, Config{}, douyintest.Options{Open: true, TokenLife: 40 * time.Second})
		zombie := b.start("a")
		pass(5 * time.Second)
		b.start("b")
		for n := range 200 {
			b.order(fmt.Sprint("n", n), fmt.Sprint("u", n%7))
		}
		pass(3 * time.Second)
		zombie.link.freeze()
		pass(30 * time.Second)
		zombie.link.thaw()
		results := b.results(200, 2*time.Minute)
		for text, n := range delivered(b.platform) {
			if n != 1 {
				t.Errorf("%q was sent %d times", text, n)
			}
		}
		if got := statuses(results); got["SENT"]+got["UNKNOWN"] != 200 || got["UNKNOWN"] > 7 {
			t.Errorf("results %v", got)
		}
		fetches := b.platform.TokenFetches()
		for n := 1; n < len(fetches); n++ {
			if d := fetches[n].At.Sub(fetches[n-1].At); d < 40*time.Second {
				t.Errorf("two fetches within %v", d)
			}
		}
	})
}
