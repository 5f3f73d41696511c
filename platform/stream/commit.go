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
// zombie: the coordinator refuses a generation that has passed.
func (r *round) frontier() map[string]map[int32]int64 {
	offsets := make(map[string]map[int32]int64)
	set := func(p *partition, next int64) {
		if offsets[p.topic] == nil {
			offsets[p.topic] = make(map[int32]int64)
		}
		offsets[p.topic][p.number] = next
	}
	for _, s := range r.shares {
		moved := false
		for i := range s.entries {
			if p := s.entries[i].part; p != nil {
				set(p, s.entries[i].next)
				moved = true
			}
		}
		if !moved {
			set(s.task.parts[0], s.task.parts[0].committed.Load())
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
		return fmt.Errorf("commit offsets in transaction: %w", err)
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
			rp.Partition, rp.Offset = number, next
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
		if err == nil || !notReady(err) || time.Now().After(deadline) {
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

// commit ends the transaction with success, if the broker agrees. Any answer
// but a plain yes or a plain no leaves the outcome unknown.
func (r *round) commit(ctx context.Context) (fate, error) {
	err := r.client.EndTransaction(ctx, kgo.TryCommit)
	switch {
	case err == nil:
		return fateCommitted, nil
	case errors.Is(err, kerr.OperationNotAttempted), errors.Is(err, kerr.TransactionAbortable):
		return r.abort(ctx, err)
	}
	return fateUnknown, r.ending(fmt.Errorf("%w: end transaction: %w", errUnknown, err))
}

// abort ends the transaction without success. No commit was asked for, so that
// an abort that is not answered is an abort all the same, by the next
// InitProducerID or by its time-out; but this producer cannot go on.
func (r *round) abort(ctx context.Context, reason error) (fate, error) {
	if forOperator(reason) != nil {
		return fateUnknown, reason
	}
	if err := r.client.AbortBufferedRecords(ctx); err != nil {
		return fateUnknown, r.ending(fmt.Errorf("abort buffered records: %w, after: %w", err, reason))
	}
	err := r.client.EndTransaction(ctx, kgo.TryAbort)
	if err != nil {
		err = r.client.EndTransaction(ctx, kgo.TryAbort) // the client then reloads its producer id, which aborts
	}
	if err != nil || fenced(reason) {
		return fateUnknown, r.ending(errors.Join(reason, err))
	}
	return fateAborted, reason
}

// ending decides what a producer's end means. Fenced within the transaction's
// time-out, it was fenced by somebody who uses the same TransactionalID; after
// it, by the coordinator, since this process stood still for too long. Under
// SingleOwner the successor fences its predecessor, and that is as it should be.
func (r *round) ending(err error) error {
	if !fenced(err) || r.session.cfg.Layout == SingleOwner || r.late() || r.stalled {
		return err
	}
	return &OperatorError{Advice: sameInstance, Err: err}
}

func fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)
}

// commitOffsetsAlone commits inputs of which nothing came. An empty transaction
// cannot carry them (the client leaves it open), so they are committed outside
// one, under the generation captured when the round began, which refuses a
// zombie as a transaction's offsets do. Nothing is lost or doubled if it is
// repeated. An answer that never came ends the session all the same: the new
// membership makes sure that the old request cannot overtake a later commit.
func (r *round) commitOffsetsAlone(ctx context.Context) (fate, error) {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = r.session.cfg.Group
	req.MemberID, req.Generation = r.memberID, r.genID
	req.InstanceID = kmsg.StringPtr(r.session.cfg.member())
	offsets := r.frontier()
	for _, topic := range slices.Sorted(maps.Keys(offsets)) {
		rt := kmsg.NewOffsetCommitRequestTopic()
		rt.Topic = topic
		for number, next := range offsets[topic] {
			rp := kmsg.NewOffsetCommitRequestTopicPartition()
			rp.Partition, rp.Offset = number, next
			rt.Partitions = append(rt.Partitions, rp)
		}
		req.Topics = append(req.Topics, rt)
	}
	var resp *kmsg.OffsetCommitResponse
	err := r.retry(ctx, func() (err error) {
		if resp, err = req.RequestWith(ctx, r.client); err != nil {
			return err
		}
		for _, topic := range resp.Topics {
			for _, partition := range topic.Partitions {
				if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
					return fmt.Errorf("%s/%d: %w", topic.Topic, partition.Partition, err)
				}
			}
		}
		return nil
	})
	var refused *kerr.Error
	switch {
	case err == nil:
		return fateCommitted, nil
	case errors.As(err, &refused) && forOperator(err) == nil:
		return fateAborted, fmt.Errorf("commit offsets: %w", err)
	}
	return fateUnknown, fmt.Errorf("commit offsets: %w", err)
}
