package stream

import (
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func newBalancer(c *Config) kgo.GroupBalancer {
	sticky := kgo.CooperativeStickyBalancer()
	if c.Layout == SingleOwner {
		return &singleOwner{sticky}
	}
	return &copartition{sticky}
}

// copartition is the balancer doustream-copartition: cooperative-sticky planned
// on one topic, its plan copied to the others, so that partitions of one number
// stay together and move as little as possible.
type copartition struct{ kgo.GroupBalancer }

func (*copartition) ProtocolName() string { return "doustream-copartition" }

func (b *copartition) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	planner, err := kgo.NewConsumerBalancer(b, members)
	if err != nil {
		return nil, nil, fmt.Errorf("read members' metadata: %w", err)
	}
	return planner, planner.MemberTopics(), nil
}

// Balance implements kgo.ConsumerBalancerBalance.
func (b *copartition) Balance(planner *kgo.ConsumerBalancer, counts map[string]int32) kgo.IntoSyncAssignment {
	topics := slices.Sorted(maps.Keys(counts))
	if len(topics) == 0 {
		return planner.NewPlan()
	}
	for _, topic := range topics {
		if counts[topic] != counts[topics[0]] {
			planner.SetError(fmt.Errorf("balance co-partitioned topics: %s has %d partitions, %s has %d",
				topics[0], counts[topics[0]], topic, counts[topic]))
			return nil
		}
	}
	plan, err := b.planOne(planner, topics[0], counts[topics[0]])
	if err != nil {
		planner.SetError(err)
		return nil
	}
	for _, held := range plan.AsMemberIDMap() {
		for _, topic := range topics[1:] {
			if numbers := held[topics[0]]; len(numbers) > 0 {
				held[topic] = slices.Clone(numbers)
			}
		}
	}
	return plan
}

// planOne has the cooperative-sticky balancer plan one topic, as though the
// members consumed nothing else. A number that a member holds of any topic
// counts as held of the planned one: nobody else gets it before it is revoked.
func (b *copartition) planOne(planner *kgo.ConsumerBalancer, topic string, count int32) (*kgo.BalancePlan, error) {
	var members []kmsg.JoinGroupResponseMember
	planner.EachMember(func(member *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		one := *member
		current := make(map[string][]int32)
		if numbers := heldNumbers(meta); len(numbers) > 0 {
			current[topic] = numbers
		}
		one.ProtocolMetadata = b.JoinGroupMetadata([]string{topic}, current, meta.Generation)
		members = append(members, one)
	})
	inner, _, err := b.GroupBalancer.MemberBalancer(members)
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", topic, err)
	}
	into, err := inner.(kgo.GroupMemberBalancerOrError).BalanceOrError(map[string]int32{topic: count})
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", topic, err)
	}
	plan, ok := into.(*kgo.BalancePlan)
	if !ok {
		return nil, fmt.Errorf("plan %s: unexpected plan %T", topic, into)
	}
	return plan, nil
}

// heldNumbers is the union of the partition numbers that a member holds.
func heldNumbers(meta *kmsg.ConsumerMemberMetadata) []int32 {
	var numbers []int32
	for _, owned := range meta.OwnedPartitions {
		numbers = append(numbers, owned.Partitions...)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// singleOwner is the balancer doustream-single-owner: everything stays with the
// member that has it, else goes to one; the others stand by.
type singleOwner struct{ kgo.GroupBalancer }

func (*singleOwner) ProtocolName() string { return "doustream-single-owner" }

func (b *singleOwner) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	planner, err := kgo.NewConsumerBalancer(b, members)
	if err != nil {
		return nil, nil, fmt.Errorf("read members' metadata: %w", err)
	}
	return planner, planner.MemberTopics(), nil
}

// Balance implements kgo.ConsumerBalancerBalance. Of several who claim
// partitions the latest generation counts, then the greater number held, then
// the members' order, which is that of their instance ids.
func (*singleOwner) Balance(planner *kgo.ConsumerBalancer, counts map[string]int32) kgo.IntoSyncAssignment {
	plan := planner.NewPlan()
	var owner *kmsg.JoinGroupResponseMember
	var generation int32
	most := -1
	planner.EachMember(func(member *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		held := 0
		for _, owned := range meta.OwnedPartitions {
			held += len(owned.Partitions)
		}
		latest := int32(-1)
		if held > 0 {
			latest = meta.Generation
		}
		if owner == nil || latest > generation || latest == generation && held > most {
			owner, generation, most = member, latest, held
		}
	})
	if owner == nil {
		return plan
	}
	for _, topic := range slices.Sorted(maps.Keys(counts)) {
		for number := range counts[topic] {
			plan.AddPartition(owner, topic, number)
		}
	}
	plan.AdjustCooperative(planner)
	return plan
}
