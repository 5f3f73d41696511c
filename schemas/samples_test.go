package schemas

var sampleSource = Source{Topic: "eu.miniapp.phone", Partition: 11, Offset: 1 << 40}

func samplePhone() *Phone {
	return &Phone{Masked: "138****0000", Hash: "9f86d081884c7d65", HashKey: "p1", Sealed: []byte{1, 2, 'p', '1', 0xff}, CountryCode: "86"}
}

// sampleUsers holds one record of each kind, with everything filled that the
// kind can fill, and one with as little as may be.
func sampleUsers() map[string]*EnrichedUser {
	base := func(kind Kind) *EnrichedUser {
		return &EnrichedUser{
			EventID: "01JD7Y", Kind: kind, AppID: "tt60d4166", SessionID: "s-91f", OpenID: "_000S3u", UnionID: "f7510d9",
			AnonymousOpenID: "a-1", OccurredAt: 1763800000123, EnrichedAt: 1763800000456, Source: sampleSource,
		}
	}
	users := map[string]*EnrichedUser{
		"login":        base(KindLogin),
		"profile":      base(KindProfile),
		"phone":        base(KindPhone),
		"location":     base(KindLocation),
		"address":      base(KindAddress),
		"device":       base(KindDevice),
		"subscription": base(KindSubscription),
		"least":        {EventID: "e", AppID: "a", SessionID: "s", OccurredAt: -1, Source: Source{Topic: "t", Offset: -1}},
	}
	users["profile"].Profile = &Profile{NickName: "阿丽🦊", AvatarURL: "https://x/y.image", Gender: 2, City: "北京市", Province: "北京", Country: "中国", Language: "zh_CN"}
	users["phone"].Phone = samplePhone()
	users["location"].Location = &Location{
		Longitude: 116.3974, Latitude: -39.9092, CoordType: CoordGCJ02, City: "北京市", Province: "北京", District: "东城区",
		Speed: new(0.0), Accuracy: new(65.0), Altitude: new(-3.5), VerticalAccuracy: new(65.0), HorizontalAccuracy: new(1e-300),
	}
	users["address"].Address = &Address{Province: "北京市", City: "北京市", County: "朝阳区", NameSealed: []byte("n"), DetailSealed: []byte{}, Phone: samplePhone()}
	users["device"].Device = &Device{
		Brand: "devtools", Model: "iPhone 12", System: "iOS 14", Platform: "devtools", AppName: "Douyin", Version: "6.6.3",
		SDKVersion: "2.68.0", SDKUpdateVersion: "2.68.0.3", NativeSDKVersion: "10.3.0", Language: "zh_CN",
		ScreenWidth: new(390.0), ScreenHeight: new(844.0), WindowWidth: new(390.5), WindowHeight: new(844.0), PixelRatio: new(3.0),
		StatusBarHeight: new(47.0), FontSizeSetting: new(16.0), Battery: new(100.0), WifiSignal: new(4.0),
		ScoreCPU: new(7.905), ScoreGPU: new(9.0622), ScoreMemory: new(7.0344), ScoreOverall: new(7.9524),
	}
	users["subscription"].Subscription = &Subscription{Templates: []TemplateConsent{
		{TemplateID: "MSG1", Status: ConsentAccept, Always: true},
		{TemplateID: "MSG2", Status: ConsentReject},
		{TemplateID: "MSG3", Status: ConsentBan},
		{TemplateID: "MSG4", Status: ConsentFail},
		{TemplateID: "MSG5", Status: ConsentUnknown},
	}}
	return users
}

func sampleResult() *NotificationResult {
	return &NotificationResult{
		NotificationID: "n1", AppID: "tt1", OpenID: "o1", TemplateID: "MSG1", OrderID: "x", Status: StatusRefused, ErrNo: new(int64(28014043)),
		Reason: "not_subscribed", LogID: "2025112216", Attempts: 3, FinishedAt: 1763800000123, Source: sampleSource,
	}
}

func sampleConsent() *ConsentFact {
	return &ConsentFact{AppID: "tt1", OpenID: "o1", TemplateID: "MSG1", Status: ConsentAccept, Always: true, OccurredAt: 1763800000123, Source: sampleSource}
}

func sampleSession() *SessionFact {
	return &SessionFact{
		Kind: FactFailed, SessionID: "s1", AppID: "tt1", CodeHash: []byte("0123456789abcdef"), CodeKind: CodeKindBoth, Attempt: 2,
		Owner: "enrich-0/7/3", At: 1763800000123, LoginOffset: 77, LoginAt: 1763800000000, SessionKey: "hZy6t19VPjFqmxxxxxxxxQ==",
		OpenID: "o1", UnionID: "u1", AnonymousOpenID: "a1", Reason: ReasonCodeRefused, ErrNo: 40018, LogID: "2025",
	}
}

func sampleOutcome() *SessionOutcome {
	return &SessionOutcome{
		SessionKey: "hZy6t19VPjFqmxxxxxxxxQ==", OpenID: "o1", UnionID: "u1", AnonymousOpenID: "a1",
		Reason: ReasonCodeRefused, ErrNo: 40018, LogID: "2025",
	}
}

func sampleParked() *ParkedEvent {
	return &ParkedEvent{
		Source: sampleSource, Key: []byte("s1"), Value: []byte(`{"event_id":"e1"}`), Timestamp: 1763800000123,
		Headers: []Header{{Key: "trace", Value: []byte("x")}, {Key: "empty", Value: []byte{}}, {Key: "null"}},
		EventID: "e1", SessionID: "s1", Why: "session", ParkedAt: 1763800000456, Attempts: 2,
	}
}

func sampleState() *NotificationState {
	return &NotificationState{
		Stage: StageResult, Order: []byte(`{"notification_id":"n1"}`), NotificationID: "n1", AppID: "tt1", Source: sampleSource,
		Owed: []Source{{Topic: "orders", Partition: 1, Offset: 2}, {Topic: "orders", Partition: 1, Offset: 3}}, Attempts: 3,
		RetryAt: 1, QueuedAt: 1763800000123, ExpiresAt: 1763886400123, IntentAt: 1763800000124, Result: sampleResult(),
	}
}

func sampleToken() *TokenRecord {
	return &TokenRecord{AppID: "tt1", TokenKind: "client_token", Owner: "notify-0/1", FetchStartedAt: 1, FetchedAt: 1763800000123, ExpiresAt: 1763807200123, Token: "clt.x"}
}

func sampleCredit() *CreditState {
	return &CreditState{Credits: 3, Standing: true, AcceptedAt: 1763800000123, RejectedAt: 1, RefusedAt: 2, Partition: 4, Offset: 5}
}

func sampleEvent() *EventFields {
	return &EventFields{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, API: "getLocation", CoordType: "wgs84", Payload: `{"longitude":1,"latitude":2}`}
}
