package schemas

// DecodeEncrypted reads a payload whose data only the session key opens:
// getPhoneNumber, its fields at the top or inside detail, getUserProfile and
// getUserInfo. Whether ciphertext and iv are what they should be shows when
// they are opened. Errors are a *Rejection.
//
// The texts alias payload, which must not change while they are used: a copy of
// every ciphertext would be the largest allocation of an event.
func DecodeEncrypted(payload []byte) (Encrypted, error) {
	var top, detail Encrypted
	r := readJSON(payload)
	for ok := r.open(); ok && r.next(); {
		if string(r.name) != "detail" {
			top.read(&r)
			continue
		}
		if !r.atObject() {
			r.skip()
			continue
		}
		for ok := r.open(); ok && r.next(); {
			detail.read(&r)
		}
	}
	if err := r.end(); err != nil {
		return Encrypted{}, undecodable(err)
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

func (e *Encrypted) read(r *jsonReader) {
	switch string(r.name) {
	case "encryptedData":
		e.EncryptedData = r.view()
	case "iv":
		e.IV = r.view()
	case "rawData":
		e.RawData = r.view()
	case "signature":
		e.Signature = r.view()
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
