package schemas

// Encode answers t in Avro's single-object encoding, to be sealed.
func (t *TokenRecord) Encode() ([]byte, error) { return tokenRecords.encode(nil, t) }

// DecodeTokenRecord reads what Encode wrote, of any version.
func DecodeTokenRecord(value []byte) (TokenRecord, error) { return tokenRecords.decode(value) }

var tokenRecords = recordCodec[TokenRecord]{
	name:  nameTokenRecord,
	write: appendTokenRecord,
	read:  (*avroReader).tokenRecord,
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

func appendTokenRecord(dst []byte, t *TokenRecord) []byte {
	dst = appendText(dst, t.AppID)
	dst = appendText(dst, t.TokenKind)
	dst = appendText(dst, t.Owner)
	dst = appendLong(dst, t.FetchStartedAt)
	dst = appendLong(dst, t.FetchedAt)
	dst = appendLong(dst, t.ExpiresAt)
	return appendOptionalText(dst, t.Token)
}

func (r *avroReader) tokenRecord(t *TokenRecord) {
	*t = TokenRecord{
		AppID:          r.str(),
		TokenKind:      r.str(),
		Owner:          r.str(),
		FetchStartedAt: r.long(),
		FetchedAt:      r.long(),
		ExpiresAt:      r.long(),
		Token:          r.optionalStr(),
	}
}
