package schemas

import (
	"encoding/base64"
	"time"

	"github.com/linkedin/goavro/v2"
)

// The records in goavro's form, written out beside the hand-written codecs and
// sharing nothing with them: what they are held against.

func (s Source) native() map[string]any {
	return map[string]any{"topic": s.Topic, "partition": s.Partition, "offset": s.Offset}
}

func nativeTime(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// textOrNull is null for the empty text, as every optional text of ours is.
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return goavro.Union("string", s)
}

// bytesOrNull keeps null and empty apart.
func bytesOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return goavro.Union("bytes", b)
}

func pointerOrNull[T any](branch string, v *T) any {
	if v == nil {
		return nil
	}
	return goavro.Union(branch, *v)
}

func consentFactNative(f *ConsentFact) map[string]any {
	return map[string]any{
		"app_id":      f.AppID,
		"open_id":     f.OpenID,
		"template_id": f.TemplateID,
		"status":      f.Status.symbol(),
		"always":      f.Always,
		"occurred_at": nativeTime(f.OccurredAt),
		"source":      f.Source.native(),
	}
}

func parkedEventNative(p *ParkedEvent) map[string]any {
	headers := make([]any, 0, len(p.Headers))
	for _, h := range p.Headers {
		headers = append(headers, map[string]any{"key": h.Key, "value": bytesOrNull(h.Value)})
	}
	return map[string]any{
		"source":     p.Source.native(),
		"key":        bytesOrNull(p.Key),
		"value":      bytesOrNull(p.Value),
		"timestamp":  nativeTime(p.Timestamp),
		"headers":    headers,
		"event_id":   p.EventID,
		"session_id": p.SessionID,
		"why":        p.Why,
		"parked_at":  nativeTime(p.ParkedAt),
		"attempts":   p.Attempts,
	}
}

func notificationStateNative(s *NotificationState) map[string]any {
	owed := make([]any, 0, len(s.Owed))
	for _, source := range s.Owed {
		owed = append(owed, source.native())
	}
	var result any
	if s.Result != nil {
		result = goavro.Union(nameNotificationResult, notificationResultNative(s.Result))
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
}

func tokenRecordNative(t *TokenRecord) map[string]any {
	return map[string]any{
		"app_id":           t.AppID,
		"token_kind":       t.TokenKind,
		"owner":            t.Owner,
		"fetch_started_at": nativeTime(t.FetchStartedAt),
		"fetched_at":       nativeTime(t.FetchedAt),
		"expires_at":       nativeTime(t.ExpiresAt),
		"token":            textOrNull(t.Token),
	}
}

func creditStateNative(s *CreditState) map[string]any {
	return map[string]any{
		"credits":     s.Credits,
		"standing":    s.Standing,
		"accepted_at": nativeTime(s.AcceptedAt),
		"rejected_at": nativeTime(s.RejectedAt),
		"refused_at":  nativeTime(s.RefusedAt),
		"partition":   s.Partition,
		"offset":      s.Offset,
	}
}

func sessionFactNative(f *SessionFact) map[string]any {
	return map[string]any{
		"kind": f.Kind.String(), "session_id": f.SessionID, "app_id": f.AppID, "code_hash": f.CodeHash,
		"code_kind": symbolAt(codeKindSymbols, numberOfText(codeKindSymbols, string(f.CodeKind))),
		"attempt":   f.Attempt, "owner": f.Owner, "at": nativeTime(f.At),
		"login_offset": f.LoginOffset, "login_at": nativeTime(f.LoginAt),
		"session_key": textOrNull(f.SessionKey), "open_id": textOrNull(f.OpenID),
		"union_id": textOrNull(f.UnionID), "anonymous_open_id": textOrNull(f.AnonymousOpenID),
		"reason": textOrNull(string(f.Reason)), "err_no": f.ErrNo, "log_id": textOrNull(f.LogID),
	}
}

func sessionOutcomeNative(o *SessionOutcome) map[string]any {
	var raw []byte
	text := o.SessionKey
	if b, err := base64.StdEncoding.DecodeString(text); err == nil && len(b) > 0 && base64.StdEncoding.EncodeToString(b) == text {
		raw, text = b, ""
	}
	return map[string]any{
		"session_key": bytesOrNull(raw), "session_key_text": textOrNull(text), "open_id": textOrNull(o.OpenID),
		"union_id": textOrNull(o.UnionID), "anonymous_open_id": textOrNull(o.AnonymousOpenID),
		"reason": textOrNull(string(o.Reason)), "err_no": o.ErrNo, "log_id": textOrNull(o.LogID),
	}
}

func notificationResultNative(r *NotificationResult) map[string]any {
	return map[string]any{
		"notification_id": r.NotificationID,
		"app_id":          r.AppID,
		"open_id":         r.OpenID,
		"template_id":     r.TemplateID,
		"order_id":        textOrNull(r.OrderID),
		"status":          r.Status.String(),
		"err_no":          pointerOrNull("long", r.ErrNo),
		"reason":          r.Reason,
		"log_id":          textOrNull(r.LogID),
		"attempts":        r.Attempts,
		"finished_at":     nativeTime(r.FinishedAt),
		"source":          r.Source.native(),
	}
}
