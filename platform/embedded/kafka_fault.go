package embedded

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// KafkaFault is a bad moment of a Kafka in a box. A request that it strikes is refused before it has any effect, save
// REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND, which are said after the effect of a produce or a commit of
// offsets: the caller cannot know. The end of a transaction is refused by either; see
// Unheard.
type KafkaFault struct {
	// Keys are the kinds of request that it strikes, by Kafka's numbers; none strikes all.
	Keys []int16
	// Topic, Group and TxnID, where set, narrow it to requests that carry them.
	Topic, Group, TxnID string
	// Code is the error that is answered, by Kafka's number.
	Code int16
	// Count is how many requests it strikes. Default 1.
	Count int
	// MoveLeaders and MoveCoordinators, in place of an error, give every partition another leader, and every group and
	// transaction another coordinator, where there are several brokers.
	MoveLeaders, MoveCoordinators bool
	// Unheard, in place of an error, strikes commits of transactions behind their effect.
	Unheard *KafkaUnheard
}

// Fault lets a fault strike this process's cluster.
func (k *Kafka) Fault(f KafkaFault) error {
	if f.MoveLeaders {
		k.Cluster.ShufflePartitionLeaders()
	}
	if f.MoveCoordinators {
		k.Cluster.RehashCoordinators()
	}
	if f.MoveLeaders || f.MoveCoordinators {
		return nil
	}
	if f.Unheard != nil {
		return k.unheard(*f.Unheard)
	}
	var code *kerr.Error
	if err := kerr.ErrorForCode(f.Code); !errors.As(err, &code) {
		return fmt.Errorf("make fault: %d is no error of Kafka's", f.Code)
	}
	fault := kfake.Fault{Topic: f.Topic, Group: f.Group, TxnID: f.TxnID, Err: code, Count: max(f.Count, 1)}
	for _, key := range f.Keys {
		fault.Keys = append(fault.Keys, kmsg.Key(key))
	}
	k.Cluster.Fault(fault)
	fault.TopLevel = true // whichever of its errors a request has
	k.Cluster.Fault(fault)
	return nil
}

// Fault lets a fault strike the cluster soon; a cluster that is down misses it.
func (k *KafkaProcess) Fault(f KafkaFault) error {
	line, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("make fault: %w", err)
	}
	if err := k.addr.tell(append(line, '\n')); err != nil {
		return fmt.Errorf("make fault: %w", err)
	}
	return nil
}

// takeFaults reads faults, a line each, until the parent is gone.
func (k *Kafka) takeFaults(in *bufio.Reader, log *slog.Logger) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var f KafkaFault
		err := json.Unmarshal(lines.Bytes(), &f)
		if err == nil {
			err = k.Fault(f)
		}
		if err != nil {
			log.Error("take fault", "error", err)
		}
	}
}
