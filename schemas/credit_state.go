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
	name:  nameCreditState,
	write: appendCreditState,
	read:  (*avroReader).creditState,
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

func appendCreditState(dst []byte, s *CreditState) []byte {
	dst = appendLong(dst, int64(s.Credits))
	dst = appendBool(dst, s.Standing)
	dst = appendLong(dst, s.AcceptedAt)
	dst = appendLong(dst, s.RejectedAt)
	dst = appendLong(dst, s.RefusedAt)
	dst = appendLong(dst, int64(s.Partition))
	return appendLong(dst, s.Offset)
}

func (r *avroReader) creditState(s *CreditState) {
	*s = CreditState{
		Credits:    r.int(),
		Standing:   r.bool(),
		AcceptedAt: r.long(),
		RejectedAt: r.long(),
		RefusedAt:  r.long(),
		Partition:  r.int(),
		Offset:     r.long(),
	}
}
