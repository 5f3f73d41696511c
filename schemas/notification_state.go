package schemas

// Encode answers s in Avro's single-object encoding, to be sealed.
func (s *NotificationState) Encode() ([]byte, error) { return notificationStates.encode(nil, s) }

// DecodeNotificationState reads what Encode wrote, of any version.
func DecodeNotificationState(value []byte) (NotificationState, error) {
	return notificationStates.decode(value)
}

var notificationStates = recordCodec[NotificationState]{
	name:  nameNotificationState,
	write: appendNotificationState,
	read:  (*avroReader).notificationState,
	from: func(n native) NotificationState {
		s := NotificationState{
			Stage:          Stage(numberOf(stageSymbols, n.text("stage"))),
			Order:          n.bytes("order"),
			NotificationID: n.text("notification_id"),
			AppID:          n.text("app_id"),
			Source:         n.source("source"),
			Attempts:       n.int("attempts"),
			RetryAt:        n.millis("retry_at"),
			QueuedAt:       n.millis("queued_at"),
			ExpiresAt:      n.millis("expires_at"),
			IntentAt:       n.millis("intent_at"),
		}
		for _, source := range n.records("owed") {
			s.Owed = append(s.Owed, sourceFromNative(source))
		}
		if r := n.record("result"); r != nil {
			result := notificationResultFromNative(r)
			s.Result = &result
		}
		return s
	},
}

func appendNotificationState(dst []byte, s *NotificationState) []byte {
	dst = appendEnum(dst, knownNumber(uint8(s.Stage), stageSymbols))
	dst = appendOptionalBytes(dst, s.Order)
	dst = appendText(dst, s.NotificationID)
	dst = appendText(dst, s.AppID)
	dst = appendSource(dst, &s.Source)
	if len(s.Owed) > 0 {
		dst = appendLong(dst, int64(len(s.Owed)))
		for i := range s.Owed {
			dst = appendSource(dst, &s.Owed[i])
		}
	}
	dst = append(dst, 0)
	dst = appendLong(dst, int64(s.Attempts))
	dst = appendLong(dst, s.RetryAt)
	dst = appendLong(dst, s.QueuedAt)
	dst = appendLong(dst, s.ExpiresAt)
	dst = appendLong(dst, s.IntentAt)
	return appendOptional(dst, s.Result, appendNotificationResult)
}

func (r *avroReader) notificationState(s *NotificationState) {
	s.Stage = Stage(r.enum(len(stageSymbols)))
	s.Order = r.optionalBytes()
	s.NotificationID = r.str()
	s.AppID = r.str()
	s.Source = r.source()
	r.items(func() { s.Owed = append(s.Owed, r.source()) })
	s.Attempts = r.int()
	s.RetryAt = r.long()
	s.QueuedAt = r.long()
	s.ExpiresAt = r.long()
	s.IntentAt = r.long()
	s.Result = optional(r, nil, (*avroReader).notificationResult)
}
