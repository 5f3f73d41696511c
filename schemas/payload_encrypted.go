package schemas

// DecodeEncrypted reads a payload whose data only the session key opens:
// getPhoneNumber, its fields at the top or inside detail, getUserProfile and
// getUserInfo. Whether ciphertext and iv are what they should be shows when
// they are opened. Errors are a *Rejection.
func DecodeEncrypted(payload []byte) (Encrypted, error) {
	var top, detail Encrypted
	fault := decodeObject(payload, func(r *jsonReader, name []byte) {
		if string(name) == "detail" {
			r.members(func(name []byte) { detail.read(r, name) })
			return
		}
		top.read(r, name)
	})
	if fault != nil {
		return Encrypted{}, fault
	}
	if top.EncryptedData == "" && detail.EncryptedData != "" {
		detail.RawData = firstText(detail.RawData, top.RawData)
		detail.Signature = firstText(detail.Signature, top.Signature)
		top = detail
	}
	switch {
	case top.EncryptedData == "":
		return Encrypted{}, invalid("payload.encryptedData", errMissing)
	case top.IV == "":
		return Encrypted{}, invalid("payload.iv", errMissing)
	}
	return top, nil
}

func (e *Encrypted) read(r *jsonReader, name []byte) {
	switch string(name) {
	case "encryptedData":
		e.EncryptedData = r.str()
	case "iv":
		e.IV = r.str()
	case "rawData":
		e.RawData = r.str()
	case "signature":
		e.Signature = r.str()
	default:
		r.skip()
	}
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
