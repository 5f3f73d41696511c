package schemas

// Encode answers t in Avro's single-object encoding, to be sealed.
func (t *TokenRecord) Encode() ([]byte, error) { return tokenRecords.encode(nil, t) }

// DecodeTokenRecord reads what Encode wrote, of any version.
func DecodeTokenRecord(value []byte) (TokenRecord, error) { return tokenRecords.decode(value) }

var tokenRecords = recordCodec[TokenRecord]{
	name: nameTokenRecord,
	to: func(t *TokenRecord) map[string]any {
		return map[string]any{
			"app_id":           t.AppID,
			"token_kind":       t.TokenKind,
			"owner":            t.Owner,
			"fetch_started_at": nativeTime(t.FetchStartedAt),
			"fetched_at":       nativeTime(t.FetchedAt),
			"expires_at":       nativeTime(t.ExpiresAt),
			"token":            textOrNull(t.Token),
		}
	},
	from: func(n native) TokenRecord {
		return TokenRecord{
			AppID:          n.text("app_id"),
			TokenKind:      n.text("token_kind"),
			Owner:          n.text("owner"),
			FetchStartedAt: n.millis("fetch_started_at"),
			FetchedAt:      n.millis("fetched_at"),
			ExpiresAt:      n.millis("expires_at"),
			Token:          n.text("token"),
		}
	},
}
