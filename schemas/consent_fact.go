package schemas

// Encode answers f in Avro's single-object encoding.
func (f *ConsentFact) Encode() ([]byte, error) { return consentFacts.encode(nil, f) }

// DecodeConsentFact reads what Encode wrote, of any version.
func DecodeConsentFact(value []byte) (ConsentFact, error) { return consentFacts.decode(value) }

var consentFacts = recordCodec[ConsentFact]{
	name:  nameConsentFact,
	write: appendConsentFact,
	read:  (*avroReader).consentFact,
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

func appendConsentFact(dst []byte, f *ConsentFact) []byte {
	dst = appendText(dst, f.AppID)
	dst = appendText(dst, f.OpenID)
	dst = appendText(dst, f.TemplateID)
	dst = appendEnum(dst, f.Status.Number())
	dst = appendBool(dst, f.Always)
	dst = appendLong(dst, f.OccurredAt)
	return appendSource(dst, &f.Source)
}

func (r *avroReader) consentFact(f *ConsentFact) {
	*f = ConsentFact{
		AppID:      r.str(),
		OpenID:     r.str(),
		TemplateID: r.str(),
		Status:     consentStatusAt(r.enum(len(consentSymbols))),
		Always:     r.bool(),
		OccurredAt: r.long(),
		Source:     r.source(),
	}
}
