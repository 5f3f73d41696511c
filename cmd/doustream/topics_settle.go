package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

const settlePoll = 100 * time.Millisecond

// settleTopics waits until the brokers answer for topics that were made just
// now: Kafka says that a topic is made before each broker has heard of it, and
// whoever uses it then is told that it does not exist. Other faults are left to
// those who use the topics.
func settleTopics(ctx context.Context, admin *kadm.Client, made []string) error {
	if len(made) == 0 {
		return nil
	}
	poll := time.NewTicker(settlePoll)
	defer poll.Stop()
	for {
		ends, err := admin.ListEndOffsets(ctx, made...)
		if err == nil {
			err = ends.Error()
		}
		if ctx.Err() == nil && !unsettled(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until the brokers know the topics that were made: %w", err)
		case <-poll.C:
		}
	}
}

func unsettled(err error) bool {
	for _, young := range []error{kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.NotLeaderForPartition} {
		if errors.Is(err, young) {
			return true
		}
	}
	return false
}
