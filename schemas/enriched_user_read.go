package schemas

// userParts are the parts of an EnrichedUser to read into; a nil one is made.
type userParts struct {
	profile      *Profile
	phone        *Phone
	location     *Location
	address      *Address
	addressPhone *Phone
	device       *Device
	subscription *Subscription
}

var enrichedUsers = recordCodec[EnrichedUser]{
	name:  nameEnrichedUser,
	write: appendEnrichedUser,
	read:  func(r *avroReader, u *EnrichedUser) { r.enrichedUser(u, &userParts{}) },
	from:  enrichedUserFromNative,
}

// enrichedUser reads what appendEnrichedUser wrote.
func (r *avroReader) enrichedUser(u *EnrichedUser, parts *userParts) {
	u.EventID = r.str()
	u.Kind = Kind(r.enum(len(kindSymbols)))
	u.AppID = r.str()
	u.SessionID = r.str()
	u.OpenID = r.optionalStr()
	u.UnionID = r.optionalStr()
	u.AnonymousOpenID = r.optionalStr()
	u.OccurredAt = r.long()
	u.EnrichedAt = r.long()
	u.Profile = optional(r, parts.profile, (*avroReader).profile)
	u.Phone = optional(r, parts.phone, (*avroReader).phone)
	u.Location = optional(r, parts.location, (*avroReader).location)
	if u.Address = optional(r, parts.address, (*avroReader).address); u.Address != nil {
		u.Address.Phone = optional(r, parts.addressPhone, (*avroReader).phone)
	}
	u.Device = optional(r, parts.device, (*avroReader).device)
	u.Subscription = optional(r, parts.subscription, (*avroReader).subscription)
	u.Source = r.source()
}

// optional reads a part, into the given one if there is one.
func optional[T any](r *avroReader, into *T, read func(*avroReader, *T)) *T {
	if !r.present() {
		return nil
	}
	if into == nil {
		into = new(T)
	}
	read(r, into)
	return into
}

func (r *avroReader) profile(p *Profile) {
	*p = Profile{
		NickName:  r.optionalStr(),
		AvatarURL: r.optionalStr(),
		Gender:    r.int(),
		City:      r.optionalStr(),
		Province:  r.optionalStr(),
		Country:   r.optionalStr(),
		Language:  r.optionalStr(),
	}
}

func (r *avroReader) phone(p *Phone) {
	*p = Phone{
		Masked:      r.str(),
		Hash:        r.str(),
		HashKey:     r.str(),
		Sealed:      r.bytes(),
		CountryCode: r.optionalStr(),
	}
}

func (r *avroReader) location(l *Location) {
	*l = Location{
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

// address reads all but the phone, which comes last.
func (r *avroReader) address(a *Address) {
	*a = Address{
		Province:     r.optionalStr(),
		City:         r.optionalStr(),
		County:       r.optionalStr(),
		NameSealed:   r.optionalBytes(),
		DetailSealed: r.optionalBytes(),
	}
}

func (r *avroReader) device(d *Device) {
	*d = Device{
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

func (r *avroReader) subscription(s *Subscription) {
	s.Templates = s.Templates[:0]
	r.items(func() {
		s.Templates = append(s.Templates, TemplateConsent{
			TemplateID: r.str(),
			Status:     consentStatusAt(r.enum(len(consentSymbols))),
			Always:     r.bool(),
		})
	})
}
