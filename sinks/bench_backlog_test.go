package sinks

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"doustream/schemas"
)

const benchPartitions = 6

// backlog is enriched records that wait in Kafka, LZ4, in Confluent's framing:
// the one that ClickHouse's own Kafka engine reads too.
type backlog struct {
	brokers  []string
	rows     int
	registry string // where the schema's id is known
}

// newBacklog makes the topics and fills users.enriched.
func newBacklog(b *testing.B, brokers []string, rows int) *backlog {
	b.Helper()
	fake := srfake.New()
	b.Cleanup(fake.Close)
	registry, err := NewRegistry(RegistryConfig{URL: fake.URL(), Prefix: "test."})
	if err != nil {
		b.Fatal(err)
	}
	defer registry.Close()
	ids, err := registry.Register(testContext(b))
	if err != nil {
		b.Fatal(err)
	}
	encoder, err := schemas.NewEncoder(schemas.FormatConfluent, ids)
	if err != nil {
		b.Fatal(err)
	}
	topics, err := NewTopics(TopicsConfig{Prefix: "test.", Encoder: encoder})
	if err != nil {
		b.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(200_000), kgo.ProducerLinger(20*time.Millisecond))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for _, topic := range []string{schemas.TopicUsers, schemas.TopicResults, schemas.TopicDeadLetters} {
		if _, err := kadm.NewClient(client).CreateTopic(testContext(b), benchPartitions, 1, nil, "test."+topic); err != nil {
			b.Fatal(err)
		}
	}
	fillBacklog(b, client, topics, rows)
	return &backlog{brokers: brokers, rows: rows, registry: fake.URL()}
}

func fillBacklog(b *testing.B, client *kgo.Client, topics *Topics, rows int) {
	var fault error
	var first sync.Once
	crowd, ctx := newCrowd(), testContext(b)
	for i := range rows {
		u := crowd.next()
		rec, err := topics.Enriched(&u)
		if err != nil {
			b.Fatal(err)
		}
		rec.Partition = int32(i % benchPartitions)
		client.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err != nil {
				first.Do(func() { fault = err })
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	if fault != nil {
		b.Fatal(fault)
	}
}

// crowd makes enriched users as a busy mini-app has them: 200 000 users, fields as
// long as the platform's, logins most often and an address now and then. The same
// ones every time.
type crowd struct {
	rng   *rand.Rand
	kinds []schemas.EnrichedUser
	n     int64
}

func newCrowd() *crowd { return &crowd{rng: rand.New(rand.NewPCG(1, 2)), kinds: everyKind()} }

var crowdMix = []int{0, 0, 0, 1, 2, 3, 5, 6}

func (c *crowd) next() schemas.EnrichedUser {
	u := c.kinds[crowdMix[c.n%int64(len(crowdMix))]]
	if c.n%50 == 49 {
		u = c.kinds[4]
	}
	c.n++
	who := c.rng.IntN(200_000)
	u.EventID = fmt.Sprintf("01JDA%021X", c.rng.Uint64())
	u.AppID = fmt.Sprintf("tt60d4%014x", who%3)
	u.SessionID = fmt.Sprintf("s-%016x-%04x", who*2654435761, c.rng.IntN(8))
	u.OpenID = fmt.Sprintf("_000%032x", who*40503)
	if u.Kind == schemas.KindLogin {
		u.UnionID = fmt.Sprintf("u_%034x", who*69069)
	}
	u.OccurredAt += c.n*3 + int64(c.rng.IntN(1000))
	u.EnrichedAt = u.OccurredAt + 150 + int64(c.rng.IntN(2000))
	u.Source = schemas.Source{Topic: "miniapp." + strings.ToLower(u.Kind.String()), Partition: int32(who % benchPartitions), Offset: c.n / 8}
	c.fill(&u)
	return u
}

var (
	crowdCities = []string{"北京市", "上海市", "广州市", "深圳市", "杭州市", "成都市", "武汉市", "西安市", "重庆市", "南京市", "长沙市", "苏州市"}
	crowdModels = []string{"iPhone 15 Pro", "iPhone 14", "Mate 60 Pro", "P60", "Xiaomi 14", "Redmi K70", "vivo X100", "OPPO Find X7", "HONOR Magic6", "iPhone 13"}
)

// fill gives the kind's own fields values of usual length.
func (c *crowd) fill(u *schemas.EnrichedUser) {
	switch u.Kind {
	case schemas.KindProfile:
		p := *u.Profile
		p.NickName, p.AvatarURL = fmt.Sprintf("用户%07d", c.rng.IntN(1e7)), fmt.Sprintf("https://p3.douyinpic.com/aweme/100x100/%016x.jpeg", c.rng.Uint64())
		u.Profile = &p
	case schemas.KindPhone:
		u.Phone = c.phone()
	case schemas.KindLocation:
		l := *u.Location
		l.Longitude, l.Latitude, l.City = 100+20*c.rng.Float64(), 20+20*c.rng.Float64(), crowdCities[c.rng.IntN(len(crowdCities))]
		u.Location = &l
	case schemas.KindAddress:
		a := *u.Address
		a.NameSealed, a.DetailSealed, a.Phone = c.sealed(46), c.sealed(90), c.phone()
		u.Address = &a
	case schemas.KindDevice:
		d := *u.Device
		d.Model, d.Version = crowdModels[c.rng.IntN(len(crowdModels))], fmt.Sprintf("29.%d.0", c.rng.IntN(12))
		for _, p := range []**float64{&d.ScreenHeight, &d.WindowWidth, &d.WindowHeight, &d.PixelRatio, &d.StatusBarHeight, &d.FontSizeSetting, &d.WifiSignal, &d.ScoreCPU, &d.ScoreGPU, &d.ScoreMemory} {
			*p = ptr(float64(c.rng.IntN(900)))
		}
		u.Device = &d
	}
}

func (c *crowd) phone() *schemas.Phone {
	return &schemas.Phone{
		Masked: fmt.Sprintf("1%02d****%04d", 30+c.rng.IntN(60), c.rng.IntN(10000)), Hash: hex.EncodeToString(c.sealed(32)),
		HashKey: "p1", Sealed: c.sealed(49), CountryCode: "86",
	}
}

// sealed are n bytes that look like any others.
func (c *crowd) sealed(n int) []byte {
	out := make([]byte, 0, n+8)
	for len(out) < n {
		v := c.rng.Uint64()
		out = append(out, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
	}
	return out[:n]
}
