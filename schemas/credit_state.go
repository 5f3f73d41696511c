package schemas

// CreditState is a record of doustream.notifications (credit_state.avsc),
// sealed there: what notify knows of one user's consent to one template, kept
// once a send has changed it.
type CreditState struct {
	Credits    int32 // accepts less sends
	Standing   bool  // the last answer was an accept
	AcceptedAt int64 // ms, the last accept; 0: none
	RejectedAt int64 // ms, the last reject; 0: none
	RefusedAt  int64 // ms, when the platform said not subscribed, with no accept since; 0: never
	Partition  int32 // of the last consent fact in it; -1: none
	Offset     int64 // of that fact
}

// Encode answers s in Avro's single-object encoding, to be sealed.
func (s *CreditState) Encode() ([]byte, error) { return creditStates.encode(nil, s) }

// DecodeCreditState reads what Encode wrote, of any version.
func DecodeCreditState(value []byte) (CreditState, error) { return creditStates.decode(value) }

var creditStates = recordCodec[CreditState]{
	name: nameCreditState,
	to: func(s *CreditState) map[string]any {
		return map[string]any{
			"credits":     s.Credits,
			"standing":    s.Standing,
			"accepted_at": nativeTime(s.AcceptedAt),
			"rejected_at": nativeTime(s.RejectedAt),
			"refused_at":  nativeTime(s.RefusedAt),
			"partition":   s.Partition,
			"offset":      s.Offset,
		}
	},
	from: func(n native) CreditState {
		return CreditState{
			Credits:    n.int("credits"),
			Standing:   n.bool("standing"),
			AcceptedAt: n.millis("accepted_at"),
			RejectedAt: n.millis("rejected_at"),
			RefusedAt:  n.millis("refused_at"),
			Partition:  n.int("partition"),
			Offset:     n.long("offset"),
		}
	},
}
