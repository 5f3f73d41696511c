package stream

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// group plays the members of a classic group through their rebalances.
type group struct {
	balancer   kgo.GroupBalancer
	topics     []string
	counts     map[string]int32
	generation int32
	held       map[string]map[string][]int32
	seen       map[string]int32 // generation that a member was last part of
}

func newGroup(b kgo.GroupBalancer, count int32, topics ...string) *group {
	g := &group{balancer: b, topics: topics, counts: make(map[string]int32), held: make(map[string]map[string][]int32), seen: make(map[string]int32)}
	for _, topic := range topics {
		g.counts[topic] = count
	}
	return g
}

// settle rebalances until nothing moves, checking that nobody is given what
// another still holds, and says in how many rounds.
func (g *group) settle(t *rapid.T) (rounds int) {
	for ; rounds < 5; rounds++ {
		g.generation++
		var members []kmsg.JoinGroupResponseMember
		for _, id := range slices.Sorted(maps.Keys(g.held)) {
			members = append(members, kmsg.JoinGroupResponseMember{
				MemberID:         id,
				ProtocolMetadata: g.balancer.JoinGroupMetadata(slices.Clone(g.topics), g.held[id], g.seen[id]),
			})
		}
		b, _, err := g.balancer.MemberBalancer(members)
		if err != nil {
			t.Fatal(err)
		}
		into, err := b.(kgo.GroupMemberBalancerOrError).BalanceOrError(g.counts)
		if err != nil {
			t.Fatal(err)
		}
		moved := false
		next := make(map[string]map[string][]int32)
		for _, a := range into.IntoSyncAssignment() {
			held, err := g.balancer.ParseSyncAssignment(a.MemberAssignment)
			if err != nil {
				t.Fatal(err)
			}
			next[a.MemberID] = held
			moved = moved || fmt.Sprint(held) != fmt.Sprint(g.held[a.MemberID])
		}
		g.check(t, next)
		for id := range g.held {
			g.held[id], g.seen[id] = next[id], g.generation
		}
		if !moved {
			return rounds
		}
	}
	t.Fatal("does not settle")
	return rounds
}

func (g *group) check(t *rapid.T, next map[string]map[string][]int32) {
	for id, held := range next {
		for topic, numbers := range held {
			for _, n := range numbers {
				for other, theirs := range g.held {
					if other != id && slices.Contains(theirs[topic], n) {
						t.Fatalf("%s is given %s/%d while %s holds it", id, topic, n, other)
					}
				}
			}
		}
	}
}

func (g *group) assigned(topic string) (all []int32) {
	for _, held := range g.held {
		all = append(all, held[topic]...)
	}
	slices.Sort(all)
	return all
}

func churn(t *rapid.T, g *group, after func(joined string)) {
	t.Repeat(map[string]func(*rapid.T){
		"join": func(t *rapid.T) {
			id := fmt.Sprintf("m%d", rapid.IntRange(0, 9).Draw(t, "member"))
			if g.held[id] == nil {
				g.held[id] = make(map[string][]int32)
			}
			g.settle(t)
			after(id)
		},
		"leave": func(t *rapid.T) {
			if len(g.held) < 2 {
				t.Skip("one must stay")
			}
			id := rapid.SampledFrom(slices.Sorted(maps.Keys(g.held))).Draw(t, "member")
			delete(g.held, id)
			g.settle(t)
			after("")
		},
	})
}

func TestCopartitionKeepsNumbersTogetherAndEven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Int32Range(1, 12).Draw(t, "partitions")
		g := newGroup(newBalancer(&Config{Layout: Copartition}), count, "a", "b", "c")
		churn(t, g, func(string) {
			for _, topic := range g.topics {
				if all := g.assigned(topic); len(all) != int(count) || len(slices.Compact(all)) != int(count) {
					t.Fatalf("%s: %v of %d are assigned", topic, all, count)
				}
			}
			least, most := int(count), 0
			for id, held := range g.held {
				for _, topic := range g.topics {
					if !slices.Equal(held[topic], held["a"]) {
						t.Fatalf("%s holds %v", id, held)
					}
				}
				least, most = min(least, len(held["a"])), max(most, len(held["a"]))
			}
			if most-least > 1 {
				t.Fatalf("uneven: %v", g.held)
			}
		})
	})
}

func TestCopartitionRefusesUnequalCounts(t *testing.T) {
	t.Parallel()
	b := newBalancer(&Config{Layout: Copartition})
	members := []kmsg.JoinGroupResponseMember{{MemberID: "m", ProtocolMetadata: b.JoinGroupMetadata([]string{"a", "b"}, nil, 0)}}
	balancer, _, err := b.MemberBalancer(members)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := balancer.(kgo.GroupMemberBalancerOrError).BalanceOrError(map[string]int32{"a": 2, "b": 3}); err == nil {
		t.Fatal("no error")
	}
}

func TestSingleOwnerStaysWhereItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := newGroup(newBalancer(&Config{Layout: SingleOwner}), rapid.Int32Range(1, 5).Draw(t, "partitions"), "a", "b")
		owner := ""
		churn(t, g, func(joined string) {
			var owners []string
			for id, held := range g.held {
				if len(held) > 0 {
					owners = append(owners, id)
				}
			}
			if len(owners) != 1 || len(g.assigned("a")) != int(g.counts["a"]) || len(g.assigned("b")) != int(g.counts["b"]) {
				t.Fatalf("owners: %v", g.held)
			}
			if joined != "" && owner != "" && joined != owner && owners[0] != owner {
				t.Fatalf("%s joined and it went from %s to %s", joined, owner, owners[0])
			}
			owner = owners[0]
		})
	})
}
