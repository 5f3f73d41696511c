package sinks

import "doustream/schemas"

type profileColumns struct {
	nickName, avatarURL               *text
	gender                            *numberColumn[int32]
	city, province, country, language *word
}

func newProfileColumns() profileColumns {
	return profileColumns{&text{}, &text{}, &numberColumn[int32]{}, newDictionary(), newDictionary(), newDictionary(), newDictionary()}
}

func (c profileColumns) named() group {
	return group{
		{"profile_nick_name", c.nickName},
		{"profile_avatar_url", c.avatarURL},
		{"profile_gender", c.gender},
		{"profile_city", c.city},
		{"profile_province", c.province},
		{"profile_country", c.country},
		{"profile_language", c.language},
	}
}

func (c profileColumns) append(p *schemas.Profile) {
	c.nickName.append(p.NickName)
	c.avatarURL.append(p.AvatarURL)
	c.gender.append(p.Gender)
	c.city.append(p.City)
	c.province.append(p.Province)
	c.country.append(p.Country)
	c.language.append(p.Language)
}

type phoneColumns struct {
	masked, hash, sealed *text
	hashKey, countryCode *word
}

func newPhoneColumns() phoneColumns {
	return phoneColumns{&text{}, &text{}, &text{}, newDictionary(), newDictionary()}
}

func (c phoneColumns) named(prefix string) group {
	return group{
		{prefix + "masked", c.masked},
		{prefix + "hash", c.hash},
		{prefix + "hash_key", c.hashKey},
		{prefix + "sealed", c.sealed},
		{prefix + "country_code", c.countryCode},
	}
}

func (c phoneColumns) append(p *schemas.Phone) {
	c.masked.append(p.Masked)
	c.hash.append(p.Hash)
	c.hashKey.append(p.HashKey)
	c.sealed.appendBytes(p.Sealed)
	c.countryCode.append(p.CountryCode)
}

type locationColumns struct {
	longitude, latitude, speed, accuracy, altitude, vertical, horizontal *float
	coordType                                                            *numberColumn[int8]
	city, province, district                                             *word
}

func newLocationColumns() locationColumns {
	return locationColumns{
		&float{}, &float{}, &float{}, &float{}, &float{}, &float{}, &float{},
		&numberColumn[int8]{}, newDictionary(), newDictionary(), newDictionary(),
	}
}

func (c locationColumns) named() group {
	return group{
		{"location_longitude", c.longitude},
		{"location_latitude", c.latitude},
		{"location_coord_type", c.coordType},
		{"location_city", c.city},
		{"location_province", c.province},
		{"location_district", c.district},
		{"location_speed", c.speed},
		{"location_accuracy", c.accuracy},
		{"location_altitude", c.altitude},
		{"location_vertical_accuracy", c.vertical},
		{"location_horizontal_accuracy", c.horizontal},
	}
}

func (c locationColumns) append(l *schemas.Location) {
	c.longitude.append(&l.Longitude)
	c.latitude.append(&l.Latitude)
	c.coordType.append(int8(l.CoordType.Number()))
	c.city.append(l.City)
	c.province.append(l.Province)
	c.district.append(l.District)
	c.speed.append(l.Speed)
	c.accuracy.append(l.Accuracy)
	c.altitude.append(l.Altitude)
	c.vertical.append(l.VerticalAccuracy)
	c.horizontal.append(l.HorizontalAccuracy)
}

type addressColumns struct {
	province, city, county *word
	name, detail           *text
	phone                  phoneColumns
}

func newAddressColumns() addressColumns {
	return addressColumns{newDictionary(), newDictionary(), newDictionary(), &text{}, &text{}, newPhoneColumns()}
}

func (c addressColumns) named() group {
	own := group{
		{"address_province", c.province},
		{"address_city", c.city},
		{"address_county", c.county},
		{"address_name_sealed", c.name},
		{"address_detail_sealed", c.detail},
	}
	return append(own, c.phone.named("address_phone_")...)
}

func (c addressColumns) append(a *schemas.Address) {
	c.province.append(a.Province)
	c.city.append(a.City)
	c.county.append(a.County)
	c.name.appendBytes(a.NameSealed)
	c.detail.appendBytes(a.DetailSealed)
	phone := a.Phone
	if phone == nil {
		phone = &schemas.Phone{}
	}
	c.phone.append(phone)
}

type deviceColumns struct {
	words  [10]*word
	floats [13]*float
}

func newDeviceColumns() deviceColumns {
	var c deviceColumns
	for i := range c.words {
		c.words[i] = newDictionary()
	}
	for i := range c.floats {
		c.floats[i] = &float{}
	}
	return c
}

func (c deviceColumns) named() group {
	var g group
	for i, name := range []string{
		"brand", "model", "system", "platform", "app_name", "version",
		"sdk_version", "sdk_update_version", "native_sdk_version", "language",
	} {
		g = append(g, namedColumn{"device_" + name, c.words[i]})
	}
	for i, name := range []string{
		"screen_width", "screen_height", "window_width", "window_height", "pixel_ratio", "status_bar_height", "font_size_setting",
		"battery", "wifi_signal", "score_cpu", "score_gpu", "score_memory", "score_overall",
	} {
		g = append(g, namedColumn{"device_" + name, c.floats[i]})
	}
	return g
}

func (c deviceColumns) append(d *schemas.Device) {
	for i, v := range [len(c.words)]string{
		d.Brand, d.Model, d.System, d.Platform, d.AppName, d.Version,
		d.SDKVersion, d.SDKUpdateVersion, d.NativeSDKVersion, d.Language,
	} {
		c.words[i].append(v)
	}
	for i, v := range [len(c.floats)]*float64{
		d.ScreenWidth, d.ScreenHeight, d.WindowWidth, d.WindowHeight, d.PixelRatio, d.StatusBarHeight, d.FontSizeSetting,
		d.Battery, d.WifiSignal, d.ScoreCPU, d.ScoreGPU, d.ScoreMemory, d.ScoreOverall,
	} {
		c.floats[i].append(v)
	}
}

type subscriptionColumns struct {
	templates *arrayColumn[*dictionaryColumn]
	status    *arrayColumn[*numberColumn[int8]]
	always    *arrayColumn[*numberColumn[uint8]]
}

func newSubscriptionColumns() subscriptionColumns {
	return subscriptionColumns{
		&arrayColumn[*dictionaryColumn]{elements: newDictionary()},
		&arrayColumn[*numberColumn[int8]]{elements: &numberColumn[int8]{}},
		&arrayColumn[*numberColumn[uint8]]{elements: &numberColumn[uint8]{}},
	}
}

func (c subscriptionColumns) named() group {
	return group{
		{"subscription_template_id", c.templates}, {"subscription_status", c.status}, {"subscription_always", c.always},
	}
}

func (c subscriptionColumns) append(s *schemas.Subscription) {
	for _, t := range s.Templates {
		c.templates.elements.append(t.TemplateID)
		c.status.elements.append(int8(t.Status.Number()))
		always := uint8(0)
		if t.Always {
			always = 1
		}
		c.always.elements.append(always)
	}
	c.templates.end()
	c.status.end()
	c.always.end()
}
