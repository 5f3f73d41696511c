package stream

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// forgotten reports whether a task is held that was given to another member
// than the one that this client is now. The client joins again under the id that
// it has; a group that has put it out meanwhile, since it stood still, does not
// know that id, and the client takes a new one without a word about what it
// holds. Others may have had that. The new membership is good for the
// coordinator: it would take the old tasks' offsets, and the heartbeats that
// their lease hangs on. So a round commits nothing of them, the lease is not
// extended, and the session ends as soon as the client tells of any assignment:
// it may do so while it is still being made, before the session has it.
func (s *session) forgotten(client *kgo.Client) bool {
	member, _ := client.GroupMetadata()
	for _, l := range s.tasks() {
		if l.member != member {
			return true
		}
	}
	return false
}

// refused tells a commit that is refused because this very client has joined
// anew from one that is because another process uses its name.
func (r *round) refused(err error) error {
	if member, _ := r.session.group.GroupMetadata(); member != r.memberID && errors.Is(err, kerr.FencedInstanceID) {
		return errForgotten
	}
	return err
}
