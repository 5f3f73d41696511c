package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

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
			rp.Partition, rp.Offset, rp.LeaderEpoch = number, next.Offset, next.Epoch
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
	err = r.refused(err)
	var refused *kerr.Error
	switch {
	case err == nil:
		return fateCommitted, nil
	case errors.Is(err, errForgotten), errors.As(err, &refused) && forOperator(err) == nil:
		return fateAborted, fmt.Errorf("commit offsets: %w", err)
	}
	return fateUnknown, fmt.Errorf("commit offsets: %w", err)
}
