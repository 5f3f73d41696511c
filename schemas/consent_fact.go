package schemas

// Encode answers f in Avro's single-object encoding.
func (f *ConsentFact) Encode() ([]byte, error) { return consentFacts.encode(nil, f) }

// DecodeConsentFact reads what Encode wrote, of any version.
func DecodeConsentFact(value []byte) (ConsentFact, error) { return consentFacts.decode(value) }

var consentFacts = recordCodec[ConsentFact]{
	name: nameConsentFact,
	to: func(f *ConsentFact) map[string]any {
		return map[string]any{
			"app_id":      f.AppID,
			"open_id":     f.OpenID,
			"template_id": f.TemplateID,
			"status":      f.Status.symbol(),
			"always":      f.Always,
			"occurred_at": nativeTime(f.OccurredAt),
			"source":      f.Source.native(),
		}
	},
	from: func(n native) ConsentFact {
		return ConsentFact{
			AppID:      n.text("app_id"),
			OpenID:     n.text("open_id"),
			TemplateID: n.text("template_id"),
			Status:     consentStatusOf(n.text("status")),
			Always:     n.bool("always"),
			OccurredAt: n.millis("occurred_at"),
			Source:     n.source("source"),
		}
	},
}
