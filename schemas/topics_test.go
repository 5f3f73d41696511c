package schemas

import (
	"strconv"
	"testing"
	"time"
)

func topicsByBase(t *testing.T, opts TopicOptions) map[string]TopicSpec {
	t.Helper()
	specs := make(map[string]TopicSpec)
	for _, s := range Topics(opts) {
		if _, twice := specs[s.Base]; twice {
			t.Errorf("%s is listed twice", s.Base)
		}
		if s.Name != opts.Prefix+s.Base {
			t.Errorf("%s is named %s", s.Base, s.Name)
		}
		specs[s.Base] = s
	}
	return specs
}

func TestTopicsThatGoTogetherHaveOnePartitionCount(t *testing.T) {
	t.Parallel()
	specs := topicsByBase(t, TopicOptions{Prefix: "eu.", Partitions: 24, Outputs: 3})
	for _, base := range append(InputTopics(), TopicSessions, TopicParked) {
		if s := specs[base]; !s.Copartitioned || s.Partitions != 24 {
			t.Errorf("%s: %+v", base, s)
		}
	}
	for _, base := range []string{TopicOrders, TopicUsers, TopicResults, TopicDeadLetters, TopicConsents, TopicNotifications, TopicTokens} {
		if s := specs[base]; s.Copartitioned || s.Partitions == 0 {
			t.Errorf("%s: %+v", base, s)
		}
	}
}

func TestTopicSettings(t *testing.T) {
	t.Parallel()
	specs := topicsByBase(t, TopicOptions{SessionLife: time.Hour, Replication: 3})
	for _, row := range []struct{ base, setting, want string }{
		{TopicLogin, "cleanup.policy", "delete"},
		{TopicOrders, "cleanup.policy", "delete"},
		{TopicUsers, "cleanup.policy", "delete"},
		{TopicResults, "cleanup.policy", "delete"},
		{TopicDeadLetters, "cleanup.policy", "delete"},
		{TopicDeadLetters, "retention.ms", "604800000"},
		{TopicConsents, "cleanup.policy", "delete"},
		{TopicSessions, "cleanup.policy", "compact,delete"},
		{TopicSessions, "retention.ms", "3600000"},
		{TopicSessions, "segment.bytes", "67108864"},
		{TopicSessions, "min.compaction.lag.ms", "86400000"}, // I3: as long as a code may live
		{TopicParked, "cleanup.policy", "compact"},
		{TopicParked, "segment.bytes", "16777216"},
		{TopicNotifications, "cleanup.policy", "compact"},
		{TopicNotifications, "segment.bytes", "16777216"},
		{TopicTokens, "cleanup.policy", "compact"},
		{TopicTokens, "segment.bytes", "16777216"},
		{TopicSessions, "min.insync.replicas", "2"},
	} {
		if got := specs[row.base].Config[row.setting]; got != row.want {
			t.Errorf("%s: %s = %q, want %q", row.base, row.setting, got, row.want)
		}
	}
}

// What an input may hold, a dead letter and a parked entry hold with their
// headers, envelope and seal.
func TestTopicsThatHoldOthersRecordsTakeMore(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 5 << 20} {
		specs := topicsByBase(t, TopicOptions{MaxMessage: limit})
		most := func(base string) int {
			n, err := strconv.Atoi(specs[base].Config["max.message.bytes"])
			if err != nil {
				t.Fatalf("%s: %v", base, err)
			}
			return n
		}
		for _, base := range []string{TopicDeadLetters, TopicParked, TopicNotifications} {
			for _, input := range append(InputTopics(), TopicOrders) {
				if most(base) < most(input)+64<<10 {
					t.Errorf("%s takes %d bytes, %s %d", base, most(base), input, most(input))
				}
			}
		}
	}
}

func TestTopicsOfSeveralOrderServices(t *testing.T) {
	t.Parallel()
	specs := topicsByBase(t, TopicOptions{Prefix: "eu.", Orders: []string{"orders.shop", "orders.delivery"}})
	if _, ok := specs[TopicOrders]; ok {
		t.Error("the default order topic is listed beside those that were named")
	}
	if specs["orders.shop"].Name != "eu.orders.shop" || specs["orders.delivery"].Role != TopicRoleInput {
		t.Errorf("order topics: %+v", specs)
	}
}
