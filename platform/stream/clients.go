package stream

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

// fetchWait is how long a fetch waits for records. A partition that is added
// is not part of the fetch that waits already and begins up to so much later: a
// takeover must not wait out the client's default of five seconds.
const fetchWait = 250 * time.Millisecond

// newClient makes one of the runtime's clients: what they share, then what the
// operator gave, then what this one needs.
func (c *Config) newClient(purpose string, own ...kgo.Opt) (*kgo.Client, error) {
	// Offsets are committed by name: the versions that name topics by id need
	// ids that only the group's own client knows.
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(8, 9)
	versions.SetMaxKeyVersion(28, 4)
	opts := []kgo.Opt{
		kgo.ClientID(c.member() + "-" + purpose),
		kgo.MaxVersions(versions),
		kgo.WithLogger(&clientLog{log: c.Logger.With("client", purpose), told: make(map[string]time.Time)}),
		kgo.WithHooks(dialPause{}),
		kgo.DisableClientMetrics(),
		// A partition that is paused drops what was fetched for it meanwhile, to
		// fetch it again: small fetches beside the window keep that small.
		kgo.FetchMaxPartitionBytes(256 << 10),
	}
	opts = append(append(opts, c.Connect...), own...)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, &OperatorError{Advice: "configuration", Err: fmt.Errorf("make %s client: %w", purpose, err)}
	}
	return client, nil
}

// newProducer makes the transactional producer.
func (c *Config) newProducer() (*kgo.Client, error) {
	return c.newClient("producer",
		kgo.TransactionalID(c.TransactionalID),
		kgo.TransactionTimeout(c.TxnTimeout),
		kgo.RecordPartitioner(newPartitioner(c.State)),
		kgo.ProducerLinger(min(5*time.Millisecond, c.CommitInterval/4)),
		kgo.MaxBufferedRecords(1<<17),
		kgo.ProducerBatchMaxBytesFn(c.batchBytes),
	)
}

// usualBatchBytes is the client's own default, which fits Kafka's for a topic.
const usualBatchBytes = 1000012

func (c *Config) batchBytes(topic string) int32 {
	if n, ok := c.BatchBytes[topic]; ok {
		return n
	}
	return usualBatchBytes
}

// newAppender makes the idempotent producer of Append and of markers.
func (c *Config) newAppender() (*kgo.Client, error) {
	return c.newClient("appender",
		kgo.RecordPartitioner(newPartitioner(c.State)),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // what is sealed does not get smaller
		kgo.ProducerLinger(4*time.Millisecond),
		kgo.RecordDeliveryTimeout(20*time.Second),
		kgo.MaxBufferedRecords(1<<17),
	)
}

// newMember makes the client of the group.
func (s *session) newMember() (*kgo.Client, error) {
	c := &s.cfg
	return c.newClient("member",
		kgo.ConsumerGroup(c.Group),
		kgo.InstanceID(c.member()),
		kgo.ConsumeTopics(c.Inputs...),
		kgo.Balancers(newBalancer(c)),
		kgo.SessionTimeout(c.SessionTimeout),
		kgo.RebalanceTimeout(c.RebalanceTimeout),
		kgo.HeartbeatInterval(c.SessionTimeout/10),
		kgo.DisableAutoCommit(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(fetchWait),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.OnPartitionsAssigned(s.assigned),
		kgo.AdjustFetchOffsetsFn(s.fetchedOffsets),
		kgo.OnPartitionsRevoked(s.revoked),
		kgo.OnPartitionsLost(s.lost),
	)
}

// tailFetch is how many bytes the tail asks a broker for at once: enough to keep
// both busy, and few enough that they are still in the processor's cache when a
// task takes them in.
const tailFetch = 2 << 20

// newTail makes the client that reads state and followed topics. A direct
// consumer must have something to consume when it is made.
func (c *Config) newTail(first map[string]map[int32]kgo.Offset) (*kgo.Client, error) {
	return c.newStateReader("tail", first)
}

// listenWait is how long the listener's fetches wait for more records. As long as
// it takes to hear of what another owner has written, nothing of one's own that
// stands behind that is acted on.
const listenWait = 100 * time.Millisecond

// newListener makes the client that reads what the task for the most part knows:
// its fetches wait until there is much, or for a while.
func (c *Config) newListener(first map[string]map[int32]kgo.Offset) (*kgo.Client, error) {
	return c.newStateReader("listener", first, kgo.FetchMinBytes(tailFetch/2), kgo.FetchMaxWait(listenWait))
}

func (c *Config) newStateReader(purpose string, first map[string]map[int32]kgo.Offset, more ...kgo.Opt) (*kgo.Client, error) {
	return c.newClient(purpose, append([]kgo.Opt{
		kgo.ConsumePartitions(first),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(fetchWait),
		kgo.FetchMaxPartitionBytes(1 << 20),
		kgo.FetchMaxBytes(tailFetch),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}, more...)...)
}

// partitioner takes Record.Partition for state topics and hashes keys by
// murmur2, as Java does, for all others.
type partitioner struct {
	state        map[string]bool
	manual, hash kgo.Partitioner
}

func newPartitioner(state []string) kgo.Partitioner {
	p := &partitioner{state: make(map[string]bool), manual: kgo.ManualPartitioner(), hash: kgo.StickyKeyPartitioner(nil)}
	for _, topic := range state {
		p.state[topic] = true
	}
	return p
}

func (p *partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	if p.state[topic] {
		return p.manual.ForTopic(topic)
	}
	return p.hash.ForTopic(topic)
}
