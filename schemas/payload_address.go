package schemas

// RawAddress is the payload of tt.chooseAddress: personal data in the clear,
// which leaves enrich only sealed. It prints as <redacted>.
type RawAddress struct {
	UserName     string
	ProvinceName string
	CityName     string
	CountyName   string
	DetailInfo   string
	TelNumber    string
}

// DecodeAddress reads the payload of tt.chooseAddress. One that holds nothing
// of an address is invalid. Errors are a *Rejection.
func DecodeAddress(payload []byte) (RawAddress, error) {
	var a RawAddress
	fault := decodeObject(payload, func(r *jsonReader, name []byte) {
		switch string(name) {
		case "userName":
			a.UserName = r.str()
		case "provinceName":
			a.ProvinceName = r.str()
		case "cityName":
			a.CityName = r.str()
		case "countyName":
			a.CountyName = r.str()
		case "detailInfo":
			a.DetailInfo = r.str()
		case "telNumber":
			a.TelNumber = r.str()
		default:
			r.skip()
		}
	})
	switch {
	case fault != nil:
		return RawAddress{}, fault
	case a == RawAddress{}:
		return RawAddress{}, invalid("payload", errEmpty)
	}
	return a, nil
}
