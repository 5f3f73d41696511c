package main

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"doustream/platform/embedded"
)

// brokerErrors are the errors of Kafka's that a Kafka in a box is made to say,
// each where a real one says it.
var brokerErrors = []struct {
	name  string
	fault embedded.KafkaFault
}{
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
	{"time-out behind the end of a transaction", broken(kerr.RequestTimedOut, 1, kmsg.EndTxn)},
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
