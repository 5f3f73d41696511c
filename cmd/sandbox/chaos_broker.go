package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/embedded"
)

// brokerError is an error of Kafka's, by the name that a plan gives it.
type brokerError struct {
	name  string
	fault embedded.KafkaFault
}

// brokerErrors are the errors of Kafka's that a Kafka in a box is made to say,
// each where a real one says it.
var brokerErrors = []brokerError{
	{"not leader, on produce", broken(kerr.NotLeaderForPartition, 5, kmsg.Produce)},
	{"not enough replicas, behind the append", broken(kerr.NotEnoughReplicasAfterAppend, 3, kmsg.Produce)},
	{"not leader, on fetch", broken(kerr.NotLeaderForPartition, 5, kmsg.Fetch)},
	{"coordinator loading, on commit in a transaction", broken(kerr.CoordinatorLoadInProgress, 4, kmsg.TxnOffsetCommit)},
	{"not coordinator, on commit in a transaction", broken(kerr.NotCoordinator, 2, kmsg.TxnOffsetCommit)},
	{"coordinator loading, on reading offsets", broken(kerr.CoordinatorLoadInProgress, 4, kmsg.OffsetFetch)},
	{"unstable offsets, on reading offsets", broken(kerr.UnstableOffsetCommit, 4, kmsg.OffsetFetch)},
	{"concurrent transactions, on adding offsets", broken(kerr.ConcurrentTransactions, 6, kmsg.AddOffsetsToTxn)},
	{"concurrent transactions, on adding partitions", broken(kerr.ConcurrentTransactions, 6, kmsg.AddPartitionsToTxn)},
	{"concurrent transactions, on init", broken(kerr.ConcurrentTransactions, 6, kmsg.InitProducerID)},
	{"time-out on the end of a transaction", broken(kerr.RequestTimedOut, 1, kmsg.EndTxn)},
	{"not coordinator, on the end of a transaction", broken(kerr.NotCoordinator, 2, kmsg.EndTxn)},
	{"coordinator not available, on finding it", broken(kerr.CoordinatorNotAvailable, 4, kmsg.FindCoordinator)},
	{"rebalance, on heartbeat", broken(kerr.RebalanceInProgress, 2, kmsg.Heartbeat)},
	{"not coordinator, on heartbeat", broken(kerr.NotCoordinator, 2, kmsg.Heartbeat)},
	{"unknown member, on heartbeat", broken(kerr.UnknownMemberID, 1, kmsg.Heartbeat)},
	{"coordinator loading, on joining", broken(kerr.CoordinatorLoadInProgress, 3, kmsg.JoinGroup)},
	{"not coordinator, on plain commit", broken(kerr.NotCoordinator, 2, kmsg.OffsetCommit)},
}

func broken(err *kerr.Error, count int, key kmsg.Key) embedded.KafkaFault {
	return embedded.KafkaFault{Keys: []int16{key.Int16()}, Code: err.Code, Count: count}
}

// unheardEnd is a way not to hear that a transaction is committed, by the name
// that a plan gives it.
type unheardEnd struct {
	name   string
	role   string
	cutOff bool
}

// unheardEnds are whose commits are carried out and not heard of. Who is cut off
// asks again; who is told that it took too long cannot know.
var unheardEnds = []unheardEnd{
	{"of enrich, cut off", "enrich", true},
	{"of enrich, timed out", "enrich", false},
	{"of notify, cut off", "notify", true},
	{"of notify, timed out", "notify", false},
}

// loseEnds lets commits go unheard for a while.
func (h *havoc) loseEnds(ctx context.Context, f fault) error {
	i := slices.IndexFunc(unheardEnds, func(e unheardEnd) bool { return e.name == f.target })
	end := unheardEnds[i]
	prefix := h.world.env["DOUSTREAM_GROUP_PREFIX"] + "doustream-" + end.role
	err := h.world.kafka.Fault(embedded.KafkaFault{Unheard: &embedded.KafkaUnheard{TxnPrefix: prefix, Count: 2, For: f.lasts, CutOff: end.cutOff}})
	rest(ctx, f.lasts)
	return err
}

func (h *havoc) strikeBroker(ctx context.Context, f fault) error {
	switch f.kind {
	case faultErrors:
		i := slices.IndexFunc(brokerErrors, func(e brokerError) bool { return e.name == f.target })
		return h.world.kafka.Fault(brokerErrors[i].fault)
	case faultCoords:
		return h.world.kafka.Fault(embedded.KafkaFault{MoveCoordinators: true})
	case faultEnd:
		return h.loseEnds(ctx, f)
	case faultStall:
		return standStill(ctx, h.world.kafka.Process, f.lasts)
	}
	if f.kind == faultReboot {
		if err := h.world.kafka.Terminate(); err != nil {
			return err
		}
		rest(ctx, f.lasts)
		return h.world.kafka.Restart(ctx)
	}
	node, err := strconv.Atoi(f.target)
	if err != nil {
		return fmt.Errorf("read a node's number: %w", err)
	}
	if f.kind == faultNode {
		return standStill(ctx, h.world.apache.Node(node), f.lasts)
	}
	h.world.apache.Kill(node)
	rest(ctx, f.lasts)
	return h.world.apache.Restart(ctx, node)
}

func standStill(ctx context.Context, p *embedded.Process, lasts time.Duration) error {
	if err := p.Pause(); err != nil {
		return err
	}
	rest(ctx, lasts)
	return p.Resume()
}
