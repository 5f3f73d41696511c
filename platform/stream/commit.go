package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// frontier is the offsets that a round commits: for each partition that moved
// the last retired, and for a task that only emitted its first partition's
// offset as it stands. The latter changes nothing and yet is what fences a
// zombie: the coordinator refuses a generation that has passed. Each has the
// leader epoch of the record before it, by which a later reader finds out that
// the log was cut off below the offset and has grown past it since.
func (r *round) frontier() map[string]map[int32]kgo.EpochOffset {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	set := func(p *partition, next int64, epoch int32) {
		if offsets[p.topic] == nil {
			offsets[p.topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.topic][p.number] = kgo.EpochOffset{Epoch: epoch, Offset: next}
	}
	for _, s := range r.shares {
		moved := false
		for i := range s.entries {
			if p := s.entries[i].part; p != nil {
				set(p, s.entries[i].next, s.entries[i].epoch)
				moved = true
			}
		}
		if !moved {
			p := s.task.parts[0]
			set(p, p.committed.Load(), p.committedEpoch)
		}
	}
	return offsets
}

// addOffsets puts the frontier into the open transaction.
func (r *round) addOffsets(ctx context.Context) error {
	id, epoch, err := r.client.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("read producer id: %w", err)
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID = r.session.cfg.TransactionalID
	add.ProducerID, add.ProducerEpoch = id, epoch
	add.Group = r.session.cfg.Group
	err = r.retry(ctx, func() error {
		resp, err := add.RequestWith(ctx, r.client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return fmt.Errorf("add offsets to transaction: %w", err)
	}
	req := r.offsetCommit(id, epoch)
	err = r.retry(ctx, func() error {
		resp, err := req.RequestWith(ctx, r.client)
		if err != nil {
			return err
		}
		return firstError(resp)
	})
	if err != nil {
		return fmt.Errorf("commit offsets in transaction: %w", r.refused(err))
	}
	return nil
}

func (r *round) offsetCommit(id int64, epoch int16) *kmsg.TxnOffsetCommitRequest {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID = r.session.cfg.TransactionalID
	req.Group = r.session.cfg.Group
	req.ProducerID, req.ProducerEpoch = id, epoch
	req.MemberID, req.Generation = r.memberID, r.genID
	req.InstanceID = kmsg.StringPtr(r.session.cfg.member())
	offsets := r.frontier()
	for _, topic := range slices.Sorted(maps.Keys(offsets)) {
		rt := kmsg.NewTxnOffsetCommitRequestTopic()
		rt.Topic = topic
		for number, next := range offsets[topic] {
			rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			rp.Partition, rp.Offset, rp.LeaderEpoch = number, next.Offset, next.Epoch
			rt.Partitions = append(rt.Partitions, rp)
		}
		req.Topics = append(req.Topics, rt)
	}
	return req
}

func firstError(resp *kmsg.TxnOffsetCommitResponse) error {
	for _, topic := range resp.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return fmt.Errorf("%s/%d: %w", topic.Topic, partition.Partition, err)
			}
		}
	}
	return nil
}

// retry repeats a request that a coordinator is not ready for, within the
// transaction's time.
func (r *round) retry(ctx context.Context, request func() error) error {
	deadline := r.began.Add(r.session.cfg.TxnTimeout)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		err := request()
		if err == nil || !notReady(err) || r.session.cfg.Now().After(deadline) {
			return err
		}
		if slept := sleep(ctx, wait); slept != nil {
			return err
		}
	}
}

func notReady(err error) bool {
	for _, code := range []*kerr.Error{
		kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.ConcurrentTransactions,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
