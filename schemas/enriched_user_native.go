package schemas

// enrichedUserFromNative reads a record of any version through goavro.
func enrichedUserFromNative(n native) EnrichedUser {
	u := EnrichedUser{
		EventID:         n.text("event_id"),
		Kind:            Kind(numberOf(kindSymbols, n.text("kind"))),
		AppID:           n.text("app_id"),
		SessionID:       n.text("session_id"),
		OpenID:          n.text("open_id"),
		UnionID:         n.text("union_id"),
		AnonymousOpenID: n.text("anonymous_open_id"),
		OccurredAt:      n.millis("occurred_at"),
		EnrichedAt:      n.millis("enriched_at"),
		Phone:           phoneFromNative(n.record("phone")),
		Source:          n.source("source"),
	}
	if p := n.record("profile"); p != nil {
		u.Profile = &Profile{
			NickName: p.text("nick_name"), AvatarURL: p.text("avatar_url"), Gender: p.int("gender"),
			City: p.text("city"), Province: p.text("province"), Country: p.text("country"), Language: p.text("language"),
		}
	}
	if l := n.record("location"); l != nil {
		u.Location = locationFromNative(l)
	}
	if a := n.record("address"); a != nil {
		u.Address = &Address{
			Province: a.text("province"), City: a.text("city"), County: a.text("county"),
			NameSealed: a.bytes("name_sealed"), DetailSealed: a.bytes("detail_sealed"),
			Phone: phoneFromNative(a.record("phone")),
		}
	}
	if d := n.record("device"); d != nil {
		u.Device = deviceFromNative(d)
	}
	if s := n.record("subscription"); s != nil {
		u.Subscription = subscriptionFromNative(s)
	}
	return u
}

func phoneFromNative(n native) *Phone {
	if n == nil {
		return nil
	}
	return &Phone{
		Masked: n.text("masked"), Hash: n.text("hash"), HashKey: n.text("hash_key"),
		Sealed: n.bytes("sealed"), CountryCode: n.text("country_code"),
	}
}

func locationFromNative(n native) *Location {
	return &Location{
		Longitude: n.double("longitude"), Latitude: n.double("latitude"),
		CoordType: coordTypeAt(numberOf(coordTypeSymbols, n.text("coord_type"))),
		City:      n.text("city"), Province: n.text("province"), District: n.text("district"),
		Speed: n.doubleOrNil("speed"), Accuracy: n.doubleOrNil("accuracy"), Altitude: n.doubleOrNil("altitude"),
		VerticalAccuracy: n.doubleOrNil("vertical_accuracy"), HorizontalAccuracy: n.doubleOrNil("horizontal_accuracy"),
	}
}

func deviceFromNative(n native) *Device {
	return &Device{
		Brand: n.text("brand"), Model: n.text("model"), System: n.text("system"), Platform: n.text("platform"),
		AppName: n.text("app_name"), Version: n.text("version"), SDKVersion: n.text("sdk_version"),
		SDKUpdateVersion: n.text("sdk_update_version"), NativeSDKVersion: n.text("native_sdk_version"),
		Language:    n.text("language"),
		ScreenWidth: n.doubleOrNil("screen_width"), ScreenHeight: n.doubleOrNil("screen_height"),
		WindowWidth: n.doubleOrNil("window_width"), WindowHeight: n.doubleOrNil("window_height"),
		PixelRatio: n.doubleOrNil("pixel_ratio"), StatusBarHeight: n.doubleOrNil("status_bar_height"),
		FontSizeSetting: n.doubleOrNil("font_size_setting"), Battery: n.doubleOrNil("battery"),
		WifiSignal: n.doubleOrNil("wifi_signal"), ScoreCPU: n.doubleOrNil("score_cpu"),
		ScoreGPU: n.doubleOrNil("score_gpu"), ScoreMemory: n.doubleOrNil("score_memory"),
		ScoreOverall: n.doubleOrNil("score_overall"),
	}
}

func subscriptionFromNative(n native) *Subscription {
	s := new(Subscription)
	for _, t := range n.records("templates") {
		s.Templates = append(s.Templates, TemplateConsent{
			TemplateID: t.text("template_id"), Status: consentStatusOf(t.text("status")), Always: t.bool("always"),
		})
	}
	return s
}
