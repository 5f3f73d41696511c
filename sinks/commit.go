package sinks

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commit sets the partition's offset and metadata in the group. The client takes
// one commit at a time, so that an earlier one never lands after a later one. The
// leader's epoch goes with the offset: by it a successor learns that the log was
// cut before the offset, even if it has grown past it again.
func (p *partition) commit(ctx context.Context, offset int64, metadata string) error {
	withMetadata := kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		if req.MemberID != p.member {
			return errForgotten
		}
		for i := range req.Topics {
			for j := range req.Topics[i].Partitions {
				req.Topics[i].Partitions[j].Metadata = &metadata
			}
		}
		return nil
	})
	offsets := map[string]map[int32]kgo.EpochOffset{p.place.topic: {p.place.partition: {Epoch: p.epoch, Offset: offset}}}
	result := errors.New("the client did not answer")
	p.sink.client.CommitOffsetsSync(withMetadata, offsets,
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			result = commitError(resp, err)
		})
	if result != nil {
		return fmt.Errorf("commit offset %d: %w", offset, result)
	}
	return nil
}

func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	for _, topic := range resp.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}
