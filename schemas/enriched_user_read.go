package schemas

// readEnrichedUser reads what appendEnrichedUser wrote.
func readEnrichedUser(body []byte) (u EnrichedUser, err error) {
	r := readAvro(body)
	u.EventID = r.str()
	u.Kind = Kind(r.enum(len(kindSymbols)))
	u.AppID = r.str()
	u.SessionID = r.str()
	u.OpenID = r.optionalStr()
	u.UnionID = r.optionalStr()
	u.AnonymousOpenID = r.optionalStr()
	u.OccurredAt = r.long()
	u.EnrichedAt = r.long()
	u.Profile = optional(&r, (*avroReader).profile)
	u.Phone = optional(&r, (*avroReader).phone)
	u.Location = optional(&r, (*avroReader).location)
	u.Address = optional(&r, (*avroReader).address)
	u.Device = optional(&r, (*avroReader).device)
	u.Subscription = optional(&r, (*avroReader).subscription)
	u.Source = r.source()
	return u, r.end()
}

func optional[T any](r *avroReader, read func(*avroReader) T) *T {
	if !r.present() {
		return nil
	}
	v := read(r)
	return &v
}

func (r *avroReader) profile() Profile {
	return Profile{
		NickName:  r.optionalStr(),
		AvatarURL: r.optionalStr(),
		Gender:    r.int(),
		City:      r.optionalStr(),
		Province:  r.optionalStr(),
		Country:   r.optionalStr(),
		Language:  r.optionalStr(),
	}
}

func (r *avroReader) phone() Phone {
	return Phone{
		Masked:      r.str(),
		Hash:        r.str(),
		HashKey:     r.str(),
		Sealed:      r.bytes(),
		CountryCode: r.optionalStr(),
	}
}

func (r *avroReader) location() Location {
	return Location{
		Longitude:          r.double(),
		Latitude:           r.double(),
		CoordType:          coordTypeAt(r.enum(len(coordTypeSymbols))),
		City:               r.optionalStr(),
		Province:           r.optionalStr(),
		District:           r.optionalStr(),
		Speed:              r.optionalDouble(),
		Accuracy:           r.optionalDouble(),
		Altitude:           r.optionalDouble(),
		VerticalAccuracy:   r.optionalDouble(),
		HorizontalAccuracy: r.optionalDouble(),
	}
}

func (r *avroReader) address() Address {
	return Address{
		Province:     r.optionalStr(),
		City:         r.optionalStr(),
		County:       r.optionalStr(),
		NameSealed:   r.optionalBytes(),
		DetailSealed: r.optionalBytes(),
		Phone:        optional(r, (*avroReader).phone),
	}
}

func (r *avroReader) device() Device {
	return Device{
		Brand:            r.optionalStr(),
		Model:            r.optionalStr(),
		System:           r.optionalStr(),
		Platform:         r.optionalStr(),
		AppName:          r.optionalStr(),
		Version:          r.optionalStr(),
		SDKVersion:       r.optionalStr(),
		SDKUpdateVersion: r.optionalStr(),
		NativeSDKVersion: r.optionalStr(),
		Language:         r.optionalStr(),
		ScreenWidth:      r.optionalDouble(),
		ScreenHeight:     r.optionalDouble(),
		WindowWidth:      r.optionalDouble(),
		WindowHeight:     r.optionalDouble(),
		PixelRatio:       r.optionalDouble(),
		StatusBarHeight:  r.optionalDouble(),
		FontSizeSetting:  r.optionalDouble(),
		Battery:          r.optionalDouble(),
		WifiSignal:       r.optionalDouble(),
		ScoreCPU:         r.optionalDouble(),
		ScoreGPU:         r.optionalDouble(),
		ScoreMemory:      r.optionalDouble(),
		ScoreOverall:     r.optionalDouble(),
	}
}

func (r *avroReader) subscription() (s Subscription) {
	for n := r.block(); n > 0; n = r.block() {
		for range n {
			if r.err != nil {
				return s
			}
			s.Templates = append(s.Templates, TemplateConsent{
				TemplateID: r.str(),
				Status:     consentStatusAt(r.enum(len(consentSymbols))),
				Always:     r.bool(),
			})
		}
	}
	return s
}
