package schemas

// appendEnrichedUser writes u by the newest version of its schema, as goavro
// would.
func appendEnrichedUser(dst []byte, u *EnrichedUser) []byte {
	dst = appendText(dst, u.EventID)
	dst = appendEnum(dst, knownNumber(uint8(u.Kind), kindSymbols))
	dst = appendText(dst, u.AppID)
	dst = appendText(dst, u.SessionID)
	dst = appendOptionalText(dst, u.OpenID)
	dst = appendOptionalText(dst, u.UnionID)
	dst = appendOptionalText(dst, u.AnonymousOpenID)
	dst = appendLong(dst, u.OccurredAt)
	dst = appendLong(dst, u.EnrichedAt)
	dst = appendOptional(dst, u.Profile, appendProfile)
	dst = appendOptional(dst, u.Phone, appendPhone)
	dst = appendOptional(dst, u.Location, appendLocation)
	dst = appendOptional(dst, u.Address, appendAddress)
	dst = appendOptional(dst, u.Device, appendDevice)
	dst = appendOptional(dst, u.Subscription, appendSubscription)
	return appendSource(dst, &u.Source)
}

func appendOptional[T any](dst []byte, v *T, write func([]byte, *T) []byte) []byte {
	if v == nil {
		return append(dst, branchNull)
	}
	return write(append(dst, branchValue), v)
}

// knownNumber is 0, UNKNOWN, for a number that the enum does not have.
func knownNumber(n uint8, symbols []string) uint8 {
	if int(n) < len(symbols) {
		return n
	}
	return 0
}

func appendProfile(dst []byte, p *Profile) []byte {
	dst = appendOptionalText(dst, p.NickName)
	dst = appendOptionalText(dst, p.AvatarURL)
	dst = appendLong(dst, int64(p.Gender))
	dst = appendOptionalText(dst, p.City)
	dst = appendOptionalText(dst, p.Province)
	dst = appendOptionalText(dst, p.Country)
	return appendOptionalText(dst, p.Language)
}

func appendPhone(dst []byte, p *Phone) []byte {
	dst = appendText(dst, p.Masked)
	dst = appendText(dst, p.Hash)
	dst = appendText(dst, p.HashKey)
	dst = appendBytes(dst, p.Sealed)
	return appendOptionalText(dst, p.CountryCode)
}

func appendLocation(dst []byte, l *Location) []byte {
	dst = appendDouble(dst, l.Longitude)
	dst = appendDouble(dst, l.Latitude)
	dst = appendEnum(dst, l.CoordType.Number())
	dst = appendOptionalText(dst, l.City)
	dst = appendOptionalText(dst, l.Province)
	dst = appendOptionalText(dst, l.District)
	dst = appendOptionalDouble(dst, l.Speed)
	dst = appendOptionalDouble(dst, l.Accuracy)
	dst = appendOptionalDouble(dst, l.Altitude)
	dst = appendOptionalDouble(dst, l.VerticalAccuracy)
	return appendOptionalDouble(dst, l.HorizontalAccuracy)
}

func appendAddress(dst []byte, a *Address) []byte {
	dst = appendOptionalText(dst, a.Province)
	dst = appendOptionalText(dst, a.City)
	dst = appendOptionalText(dst, a.County)
	dst = appendOptionalBytes(dst, a.NameSealed)
	dst = appendOptionalBytes(dst, a.DetailSealed)
	return appendOptional(dst, a.Phone, appendPhone)
}

func appendDevice(dst []byte, d *Device) []byte {
	for _, s := range [...]string{
		d.Brand, d.Model, d.System, d.Platform, d.AppName, d.Version,
		d.SDKVersion, d.SDKUpdateVersion, d.NativeSDKVersion, d.Language,
	} {
		dst = appendOptionalText(dst, s)
	}
	for _, f := range [...]*float64{
		d.ScreenWidth, d.ScreenHeight, d.WindowWidth, d.WindowHeight, d.PixelRatio,
		d.StatusBarHeight, d.FontSizeSetting, d.Battery, d.WifiSignal,
		d.ScoreCPU, d.ScoreGPU, d.ScoreMemory, d.ScoreOverall,
	} {
		dst = appendOptionalDouble(dst, f)
	}
	return dst
}

func appendSubscription(dst []byte, s *Subscription) []byte {
	if n := len(s.Templates); n > 0 {
		dst = appendLong(dst, int64(n))
		for i := range s.Templates {
			t := &s.Templates[i]
			dst = appendText(dst, t.TemplateID)
			dst = appendEnum(dst, t.Status.Number())
			dst = appendBool(dst, t.Always)
		}
	}
	return append(dst, 0)
}
