package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// shutdown is the orderly end: drain, commit, close the tasks, leave the group.
// Heartbeats go on until the group is left.
func (s *session) shutdown() error {
	ctx, cancel := context.WithTimeout(s.life, s.cfg.DrainTimeout+s.cfg.TxnTimeout)
	defer cancel()
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.log.Info("draining")
	s.handOver(ctx, s.tasks())
	s.lease.drop()
	if err := s.leave(ctx); err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	s.log.Info("left the group")
	return nil
}

// dismantle ends what still runs, in this order: tasks, so that nothing is put
// out any more; goroutines; clients.
func (s *session) dismantle() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	for _, l := range s.tasks() {
		s.discard(l)
	}
	s.end(errors.New("session closed"))
	s.work.Wait()
	s.workers.close()
	s.closeClients()
}

func (s *session) closeClients() {
	if s.group != nil {
		s.group.Close()
	}
	if s.producer != nil {
		s.producer.Close()
	}
}

// leave gives up the membership. A static member does not leave by closing its
// client, so it is taken out by its instance id, and a take-over is immediate.
// Its member id is named too: by the instance id alone, a process that was
// replaced while it stood still would take out its successor of that name, which
// counts on its lease.
func (s *session) leave(ctx context.Context) error {
	if err := s.group.LeaveGroupContext(ctx); err != nil {
		return err
	}
	id, _ := s.group.GroupMetadata()
	if id == "" {
		return nil // it never joined
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = s.cfg.Group
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = id
	member.InstanceID = kmsg.StringPtr(s.cfg.member())
	member.Reason = kmsg.StringPtr("orderly end")
	req.Members = append(req.Members, member)
	_, err := req.RequestWith(ctx, s.producer)
	return err
}
