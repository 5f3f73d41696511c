package notify

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
)

// BenchmarkOrders works a backlog off against a platform that takes 50 ms, and
// reports what share of the configured rate reached it; then half the rate, and
// the 99th percentile from publication to acceptance. The bare ceiling is the
// rate itself.
func BenchmarkOrders(b *testing.B) {
	for _, rate := range []float64{400, 800} {
		b.Run(fmt.Sprintf("backlog at %.0f per second", rate), func(b *testing.B) {
			for b.Loop() {
				backlog(b, rate)
			}
		})
	}
	b.Run("half of 800 per second", func(b *testing.B) {
		for b.Loop() {
			steady(b, 400)
		}
	})
}

const benchLatency = 50 * time.Millisecond

// bench is Kafka, the platform and one instance, over TCP.
type bench struct {
	platform *douyintest.Platform
	client   *kgo.Client
	connect  []kgo.Opt
	url      string
}

func newBench(b *testing.B) *bench {
	b.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, orderTopic, stateTopic, tokensTopic, consentTopic, resultTopic, deadTopic))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cluster.Close)
	connect := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DisableClientMetrics()}
	sim := douyintest.New(douyintest.Options{Apps: []douyin.App{{ID: "tt1", Secret: "s1"}}, Open: true})
	sim.SetLatency(douyin.EndpointNotifyV2, douyintest.Latency{Median: benchLatency, P99: benchLatency})
	server := httptest.NewServer(sim)
	b.Cleanup(server.Close)
	client, err := kgo.NewClient(append(connect, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return &bench{sim, client, connect, server.URL}
}

// opening tells when a task has restored its state.
type opening struct {
	*Task
	opened chan<- struct{}
}

func (o opening) Open() {
	o.Task.Open()
	o.opened <- struct{}{}
}

// run starts an instance, and answers what tells when it has restored its state.
func (x *bench) run(b *testing.B, rate float64) (opened <-chan struct{}) {
	b.Helper()
	platform, err := douyin.NewClient(douyin.Config{AppsURL: x.url, OpenURL: x.url})
	if err != nil {
		b.Fatal(err)
	}
	task, err := New(Config{
		Orders: []string{orderTopic}, Notifications: stateTopic, Tokens: tokensTopic, Consents: consentTopic,
		Apps: []douyin.App{{ID: "tt1", Secret: "s1"}}, Rate: rate,
	}, Deps{Platform: platform, Output: testOutput{}, Keys: testKeys})
	if err != nil {
		b.Fatal(err)
	}
	open := make(chan struct{}, 1)
	r, err := stream.New(stream.Config{
		Connect: x.connect, Role: "notify", Instance: "bench", Group: "notify", TransactionalID: "notify", Layout: stream.SingleOwner,
		Inputs: []string{orderTopic}, State: []string{stateTopic, tokensTopic}, Follow: []string{consentTopic}, CommitInterval: 20 * time.Millisecond,
	}, func(l *stream.Loop) stream.Task { return opening{task(l).(*Task), open} })
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
	})
	return open
}

func (x *bench) publish(id int) {
	x.client.Produce(context.Background(), &kgo.Record{
		Topic: orderTopic, Key: fmt.Append(nil, "u", id), Value: []byte(orderJSON(fmt.Sprint("n", id), fmt.Sprint("u", id))),
	}, nil)
}

// await waits until the platform accepted n messages.
func (x *bench) await(b *testing.B, n int) []douyintest.Message {
	b.Helper()
	deadline := time.After(2 * time.Minute)
	for tick := time.Tick(20 * time.Millisecond); ; {
		select {
		case <-tick:
			if m := x.platform.Messages(); len(m) >= n {
				return m
			}
		case <-deadline:
			b.Fatalf("%d of %d messages", len(x.platform.Messages()), n)
		}
	}
}

func backlog(b *testing.B, rate float64) {
	b.StopTimer()
	x := newBench(b)
	x.run(b, rate)
	n := int(rate * 5)
	for id := range n {
		x.publish(id)
	}
	b.StartTimer()
	messages := x.await(b, n)
	took := messages[n-1].At.Sub(messages[0].At).Seconds()
	b.ReportMetric(float64(n)/took, "sends/s")
	b.ReportMetric(100*float64(n)/took/rate, "%_of_rate")
}

func steady(b *testing.B, rate float64) {
	b.StopTimer()
	x := newBench(b)
	x.run(b, 2*rate)
	x.publish(0)
	x.await(b, 1)
	b.StartTimer()
	n := int(rate * 5)
	published := make(map[string]time.Time, n)
	ticks := time.Tick(10 * time.Millisecond)
	for begin, id := time.Now(), 1; id < n; {
		<-ticks
		for ; id < n && float64(id) < time.Since(begin).Seconds()*rate; id++ {
			published[fmt.Sprint("u", id)] = time.Now()
			x.publish(id)
		}
	}
	var took []time.Duration
	for _, m := range x.await(b, n) {
		if at, ok := published[m.OpenID]; ok {
			took = append(took, m.At.Sub(at)+benchLatency) // the ledger has the time before it
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms_p50")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "ms_p99")
}
