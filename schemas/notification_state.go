package schemas

import "github.com/linkedin/goavro/v2"

// Encode answers s in Avro's single-object encoding, to be sealed.
func (s *NotificationState) Encode() ([]byte, error) { return notificationStates.encode(nil, s) }

// DecodeNotificationState reads what Encode wrote, of any version.
func DecodeNotificationState(value []byte) (NotificationState, error) {
	return notificationStates.decode(value)
}

var notificationStates = recordCodec[NotificationState]{
	name: nameNotificationState,
	to: func(s *NotificationState) map[string]any {
		owed := make([]any, 0, len(s.Owed))
		for _, source := range s.Owed {
			owed = append(owed, source.native())
		}
		var result any
		if s.Result != nil {
			result = goavro.Union(nameNotificationResult, notificationResultToNative(s.Result))
		}
		return map[string]any{
			"stage":           s.Stage.String(),
			"order":           bytesOrNull(s.Order),
			"notification_id": s.NotificationID,
			"app_id":          s.AppID,
			"source":          s.Source.native(),
			"owed":            owed,
			"attempts":        s.Attempts,
			"retry_at":        nativeTime(s.RetryAt),
			"queued_at":       nativeTime(s.QueuedAt),
			"expires_at":      nativeTime(s.ExpiresAt),
			"intent_at":       nativeTime(s.IntentAt),
			"result":          result,
		}
	},
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
