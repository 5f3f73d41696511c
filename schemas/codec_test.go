package schemas

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"

	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"
)

func parseSchema(t testing.TB, text string) any {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// Everything below builds goavro's form of a record from scratch: the oracle
// that the hand-written codec is held against shares no code with it.

func enrichedUserNative(u *EnrichedUser) map[string]any {
	n := map[string]any{
		"event_id": u.EventID, "kind": u.Kind.String(), "app_id": u.AppID, "session_id": u.SessionID,
		"open_id": textOrNull(u.OpenID), "union_id": textOrNull(u.UnionID), "anonymous_open_id": textOrNull(u.AnonymousOpenID),
		"occurred_at": nativeTime(u.OccurredAt), "enriched_at": nativeTime(u.EnrichedAt),
		"profile": nil, "phone": phoneNative(u.Phone), "location": nil, "address": nil, "device": nil, "subscription": nil,
		"source": u.Source.native(),
	}
	if p := u.Profile; p != nil {
		n["profile"] = goavro.Union("doustream.Profile", map[string]any{
			"nick_name": textOrNull(p.NickName), "avatar_url": textOrNull(p.AvatarURL), "gender": p.Gender,
			"city": textOrNull(p.City), "province": textOrNull(p.Province), "country": textOrNull(p.Country), "language": textOrNull(p.Language),
		})
	}
	if l := u.Location; l != nil {
		n["location"] = goavro.Union("doustream.Location", map[string]any{
			"longitude": l.Longitude, "latitude": l.Latitude, "coord_type": coordTypeSymbols[l.CoordType.Number()],
			"city": textOrNull(l.City), "province": textOrNull(l.Province), "district": textOrNull(l.District),
			"speed": pointerOrNull("double", l.Speed), "accuracy": pointerOrNull("double", l.Accuracy),
			"altitude": pointerOrNull("double", l.Altitude), "vertical_accuracy": pointerOrNull("double", l.VerticalAccuracy),
			"horizontal_accuracy": pointerOrNull("double", l.HorizontalAccuracy),
		})
	}
	if a := u.Address; a != nil {
		n["address"] = goavro.Union("doustream.Address", map[string]any{
			"province": textOrNull(a.Province), "city": textOrNull(a.City), "county": textOrNull(a.County),
			"name_sealed": bytesOrNull(a.NameSealed), "detail_sealed": bytesOrNull(a.DetailSealed), "phone": phoneNative(a.Phone),
		})
	}
	if d := u.Device; d != nil {
		n["device"] = goavro.Union("doustream.Device", deviceNative(d))
	}
	if s := u.Subscription; s != nil {
		templates := []any{}
		for _, t := range s.Templates {
			templates = append(templates, map[string]any{"template_id": t.TemplateID, "status": t.Status.symbol(), "always": t.Always})
		}
		n["subscription"] = goavro.Union("doustream.Subscription", map[string]any{"templates": templates})
	}
	return n
}

func phoneNative(p *Phone) any {
	if p == nil {
		return nil
	}
	return goavro.Union("doustream.Phone", map[string]any{
		"masked": p.Masked, "hash": p.Hash, "hash_key": p.HashKey, "sealed": p.Sealed, "country_code": textOrNull(p.CountryCode),
	})
}

func deviceNative(d *Device) map[string]any {
	return map[string]any{
		"brand": textOrNull(d.Brand), "model": textOrNull(d.Model), "system": textOrNull(d.System), "platform": textOrNull(d.Platform),
		"app_name": textOrNull(d.AppName), "version": textOrNull(d.Version), "sdk_version": textOrNull(d.SDKVersion),
		"sdk_update_version": textOrNull(d.SDKUpdateVersion), "native_sdk_version": textOrNull(d.NativeSDKVersion), "language": textOrNull(d.Language),
		"screen_width": pointerOrNull("double", d.ScreenWidth), "screen_height": pointerOrNull("double", d.ScreenHeight),
		"window_width": pointerOrNull("double", d.WindowWidth), "window_height": pointerOrNull("double", d.WindowHeight),
		"pixel_ratio": pointerOrNull("double", d.PixelRatio), "status_bar_height": pointerOrNull("double", d.StatusBarHeight),
		"font_size_setting": pointerOrNull("double", d.FontSizeSetting), "battery": pointerOrNull("double", d.Battery),
		"wifi_signal": pointerOrNull("double", d.WifiSignal), "score_cpu": pointerOrNull("double", d.ScoreCPU),
		"score_gpu": pointerOrNull("double", d.ScoreGPU), "score_memory": pointerOrNull("double", d.ScoreMemory),
		"score_overall": pointerOrNull("double", d.ScoreOverall),
	}
}

func goavroCodec(t testing.TB, name string) *goavro.Codec {
	t.Helper()
	codec, err := goavro.NewCodec(newest[name].Text)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// anyUser draws any EnrichedUser at all, and not only those that enrich makes.
func anyUser(t *rapid.T) *EnrichedUser {
	text := rapid.String()
	blob := rapid.SliceOfN(rapid.Byte(), 0, 40)
	number := rapid.Ptr(rapid.Float64(), true)
	phone := rapid.Custom(func(t *rapid.T) Phone {
		return Phone{Masked: text.Draw(t, "masked"), Hash: text.Draw(t, "hash"), HashKey: text.Draw(t, "hash_key"), Sealed: blob.Draw(t, "sealed"), CountryCode: text.Draw(t, "country")}
	})
	u := &EnrichedUser{
		EventID: text.Draw(t, "event_id"), Kind: Kind(rapid.IntRange(0, len(kindSymbols)-1).Draw(t, "kind")),
		AppID: text.Draw(t, "app_id"), SessionID: text.Draw(t, "session_id"), OpenID: text.Draw(t, "open_id"),
		UnionID: text.Draw(t, "union_id"), AnonymousOpenID: text.Draw(t, "anonymous"),
		OccurredAt: rapid.Int64Range(-1<<52, 1<<52).Draw(t, "occurred_at"), EnrichedAt: rapid.Int64Range(-1<<52, 1<<52).Draw(t, "enriched_at"),
		Phone:  rapid.Ptr(phone, true).Draw(t, "phone"),
		Source: Source{Topic: text.Draw(t, "topic"), Partition: rapid.Int32().Draw(t, "partition"), Offset: rapid.Int64().Draw(t, "offset")},
	}
	if rapid.Bool().Draw(t, "has profile") {
		u.Profile = &Profile{NickName: text.Draw(t, "nick"), AvatarURL: text.Draw(t, "avatar"), Gender: rapid.Int32().Draw(t, "gender"), City: text.Draw(t, "city"), Language: text.Draw(t, "language")}
	}
	if rapid.Bool().Draw(t, "has location") {
		u.Location = &Location{
			Longitude: rapid.Float64().Draw(t, "longitude"), Latitude: rapid.Float64().Draw(t, "latitude"),
			CoordType: rapid.SampledFrom([]CoordType{CoordUnknown, CoordWGS84, CoordGCJ02}).Draw(t, "coord_type"),
			City:      text.Draw(t, "city"), District: text.Draw(t, "district"), Speed: number.Draw(t, "speed"), Altitude: number.Draw(t, "altitude"),
		}
	}
	if rapid.Bool().Draw(t, "has address") {
		u.Address = &Address{Province: text.Draw(t, "province"), County: text.Draw(t, "county"), DetailSealed: blob.Draw(t, "detail"), Phone: rapid.Ptr(phone, true).Draw(t, "phone")}
	}
	if rapid.Bool().Draw(t, "has device") {
		u.Device = &Device{Brand: text.Draw(t, "brand"), Language: text.Draw(t, "language"), ScreenWidth: number.Draw(t, "width"), ScoreOverall: number.Draw(t, "score")}
	}
	if rapid.Bool().Draw(t, "has subscription") {
		u.Subscription = &Subscription{Templates: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) TemplateConsent {
			return TemplateConsent{TemplateID: text.Draw(t, "id"), Status: rapid.SampledFrom(consentStatuses[:]).Draw(t, "status"), Always: rapid.Bool().Draw(t, "always")}
		}), 0, 5).Draw(t, "templates")}
	}
	return u
}

// The hand-written codec writes what goavro writes, byte for byte, and each
// reads what the other wrote.
func TestEnrichedUserAgainstGoavro(t *testing.T) {
	t.Parallel()
	codec := goavroCodec(t, nameEnrichedUser)
	check := func(t interface{ Fatalf(string, ...any) }, u *EnrichedUser) {
		want, err := codec.BinaryFromNative(nil, enrichedUserNative(u))
		if err != nil {
			t.Fatalf("goavro: %v", err)
		}
		got := appendEnrichedUser(nil, u)
		if !bytes.Equal(got, want) {
			t.Fatalf("encoded as\n%x, by goavro as\n%x", got, want)
		}
		fast, err := enrichedUsers.decodeVersion(newest[nameEnrichedUser].Fingerprint, want)
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		n, err := decodeNative(codec, got)
		if err != nil {
			t.Fatalf("goavro reads: %v", err)
		}
		if slow := enrichedUserFromNative(n); !equalUsers(&fast, &slow) || !equalUsers(&fast, u) {
			t.Fatalf("read as\n%s, by goavro as\n%s, was\n%s", asJSON(fast), asJSON(slow), asJSON(u))
		}
	}
	for _, u := range sampleUsers() {
		check(t, u)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, anyUser(t)) })
}

// equalUsers compares as readers do: empty and absent lists are one, NaN is NaN.
func equalUsers(a, b *EnrichedUser) bool {
	return bytes.Equal(appendEnrichedUser(nil, a), appendEnrichedUser(nil, b))
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// A UserReader answers what a Decoder does, whatever it read before.
func TestUserReaderReadsAlike(t *testing.T) {
	t.Parallel()
	formats := []Format{FormatSingleObject, FormatConfluent, FormatJSON}
	reader := NewUserReader(nil)
	rapid.Check(t, func(t *rapid.T) {
		encoder, err := NewEncoder(rapid.SampledFrom(formats).Draw(t, "format"), map[string]uint32{nameEnrichedUser: 7})
		if err != nil {
			t.Fatal(err)
		}
		u := anyUser(t)
		value, err := encoder.EnrichedUser(nil, u)
		if err != nil {
			t.Skip("a text that JSON cannot hold, or a number")
		}
		if n := rapid.IntRange(0, len(value)).Draw(t, "cut"); rapid.Bool().Draw(t, "is cut") {
			value = value[:n]
		}
		want, wantErr := DecodeEnrichedUser(value)
		got, err := reader.Read(value)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Read: %v, DecodeEnrichedUser: %v", err, wantErr)
		}
		if err == nil && !equalUsers(got, &want) {
			t.Fatalf("read %s, want %s", asJSON(got), asJSON(want))
		}
	})
}

func TestUserReaderMakesNothing(t *testing.T) {
	reader := NewUserReader(nil)
	for kind, u := range sampleUsers() {
		value := appendEnrichedUser(appendSingleObject(nil, newest[nameEnrichedUser].Fingerprint), u)
		if _, err := reader.Read(value); err != nil {
			t.Fatal(err)
		}
		allocs := testing.AllocsPerRun(50, func() {
			if _, err := reader.Read(value); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %.0f allocations", kind, allocs)
		}
	}
}

// checkAgainstGoavro holds a record's hand-written codec against goavro, both
// ways, over records of any content.
func checkAgainstGoavro[T any](t *testing.T, codec recordCodec[T], native func(*T) map[string]any, fit func(*T)) {
	t.Run(codec.name, func(t *testing.T) {
		t.Parallel()
		oracle := goavroCodec(t, codec.name)
		anything := rapid.Make[T]()
		rapid.Check(t, func(t *rapid.T) {
			v := anything.Draw(t, "record")
			fit(&v)
			want, err := oracle.BinaryFromNative(nil, native(&v))
			if err != nil {
				t.Fatalf("goavro: %v", err)
			}
			got := codec.write(nil, &v)
			if !bytes.Equal(got, want) {
				t.Fatalf("encoded as\n%x, by goavro as\n%x", got, want)
			}
			fast, err := codec.decodeVersion(newest[codec.name].Fingerprint, got)
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			n, err := decodeNative(oracle, got)
			if err != nil {
				t.Fatalf("goavro reads: %v", err)
			}
			slow := codec.from(n)
			if !bytes.Equal(codec.write(nil, &fast), want) || !bytes.Equal(codec.write(nil, &slow), want) {
				t.Fatalf("read as\n%s, by goavro as\n%s", asJSON(fast), asJSON(slow))
			}
		})
	})
}

func TestRecordsAgainstGoavro(t *testing.T) {
	t.Parallel()
	fitTimes := func(times ...*int64) {
		for _, ms := range times {
			*ms %= 1 << 43 // what goavro's nanoseconds hold
		}
	}
	checkAgainstGoavro(t, consentFacts, consentFactNative, func(f *ConsentFact) { fitTimes(&f.OccurredAt) })
	checkAgainstGoavro(t, parkedEvents, parkedEventNative, func(p *ParkedEvent) { fitTimes(&p.Timestamp, &p.ParkedAt) })
	checkAgainstGoavro(t, tokenRecords, tokenRecordNative, func(r *TokenRecord) { fitTimes(&r.FetchStartedAt, &r.FetchedAt, &r.ExpiresAt) })
	checkAgainstGoavro(t, creditStates, creditStateNative, func(s *CreditState) { fitTimes(&s.AcceptedAt, &s.RejectedAt, &s.RefusedAt) })
	checkAgainstGoavro(t, notificationResults, notificationResultNative, func(r *NotificationResult) { fitTimes(&r.FinishedAt) })
	checkAgainstGoavro(t, notificationStates, notificationStateNative, func(s *NotificationState) {
		fitTimes(&s.RetryAt, &s.QueuedAt, &s.ExpiresAt, &s.IntentAt)
		if s.Result != nil {
			fitTimes(&s.Result.FinishedAt)
		}
	})
	checkAgainstGoavro(t, sessionOutcomes, sessionOutcomeNative, func(o *SessionOutcome) {
		if len(o.SessionKey)%2 == 0 { // as the platform gives it
			o.SessionKey = base64.StdEncoding.EncodeToString([]byte(o.SessionKey))
		}
	})
	checkAgainstGoavro(t, sessionFacts, sessionFactNative, func(f *SessionFact) {
		fitTimes(&f.At, &f.LoginAt)
		f.CodeHash = append(f.CodeHash, make([]byte, codeHashSize)...)[:codeHashSize]
		f.CodeKind = codeKinds[len(f.CodeKind)%len(codeKinds)]
	})
}

// A signature is made over the key's text: whatever the platform gives comes
// back byte for byte, Base64 or not.
func TestSessionKeyComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"none": "", "sixteen bytes": "hZy6t19VPjFqm/+xxxxxxQ==", "no base64": "not a key!", "without padding": "hZy6t19VPjFqm/+xxxxxxQ",
		"bits behind the end": "hZy6t19VPjFqm/+xxxxxxR==", "a line break inside": "hZy6t19VPjFq\nm/+xxxxxxQ==", "of another length": "YQ==",
	} {
		o := SessionOutcome{SessionKey: key, OpenID: "o1"}
		got, err := DecodeSessionOutcome(o.Append(nil))
		if err != nil || got != o {
			t.Errorf("%s: %q came back as %q, %v", name, key, got.SessionKey, err)
		}
	}
}

func TestSessionFactRefusesAnotherHashLength(t *testing.T) {
	t.Parallel()
	if _, err := (&SessionFact{CodeHash: []byte("short")}).Encode(); err == nil {
		t.Error("a code hash of five bytes is encoded")
	}
}

func TestEncoderFormats(t *testing.T) {
	t.Parallel()
	ids := map[string]uint32{EnrichedUserSchema().Name: 7, NotificationResultSchema().Name: 8}
	for format, first := range map[Format][]byte{
		FormatSingleObject: {0xC3, 0x01}, FormatConfluent: {0, 0, 0, 0}, FormatJSON: {'{'},
	} {
		encoder, err := NewEncoder(format, ids)
		if err != nil {
			t.Fatal(err)
		}
		for name, u := range sampleUsers() {
			value, err := encoder.EnrichedUser([]byte("before"), u)
			if err != nil {
				t.Fatalf("%s: encode %s: %v", format, name, err)
			}
			value, ok := bytes.CutPrefix(value, []byte("before"))
			if !ok || !bytes.HasPrefix(value, first) {
				t.Errorf("%s: %s begins with %x", format, name, value[:4])
			}
			got, err := DecodeEnrichedUser(value)
			if err != nil {
				t.Fatalf("%s: decode %s: %v", format, name, err)
			}
			if !equalUsers(&got, u) {
				t.Errorf("%s: %s came back as %s", format, name, asJSON(got))
			}
		}
		value, err := encoder.NotificationResult(nil, sampleResult())
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeNotificationResult(value)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, got, *sampleResult())
	}
}

func TestEncoderRefuses(t *testing.T) {
	t.Parallel()
	if _, err := NewEncoder("xml", nil); err == nil {
		t.Error("the format xml is accepted")
	}
	if _, err := NewEncoder(FormatConfluent, nil); err == nil {
		t.Error("Confluent without ids is accepted")
	}
	encoder, err := NewEncoder(FormatConfluent, map[string]uint32{nameEnrichedUser: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.NotificationResult(nil, sampleResult()); err == nil {
		t.Error("a result is encoded without the id of its schema")
	}
}

func TestDecodersRefuse(t *testing.T) {
	t.Parallel()
	u := sampleUsers()["subscription"]
	good := appendEnrichedUser(appendSingleObject(nil, newest[nameEnrichedUser].Fingerprint), u)
	result, err := (&Encoder{result: appendSingleObject(nil, newest[nameNotificationResult].Fingerprint)}).NotificationResult(nil, sampleResult())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{
		"nothing":                      nil,
		"text":                         []byte("hello"),
		"an unknown fingerprint":       append(appendSingleObject(nil, 7), good[singleObjectHeader:]...),
		"another record's fingerprint": result,
		"JSON cut short":               []byte(`{"event_id":"e"`),
		"JSON with bytes behind":       []byte(`{"event_id":"e"}x`),
		"JSON with a wrong type":       []byte(`{"event_id":{}}`),
		"a header alone":               good[:5],
		"a Confluent header alone":     {0, 0, 0},
	} {
		if u, err := DecodeEnrichedUser(value); err == nil {
			t.Errorf("%s decodes as %s", name, asJSON(u))
		}
	}
	// One bad byte in each place either fails or reads as another record; it
	// never panics and never asks for memory that the input does not pay for.
	for i := singleObjectHeader; i < len(good); i++ {
		for _, bad := range []byte{0, 1, 0x7f, 0x80, 0xff, good[i] + 1} {
			value := bytes.Clone(good)
			value[i] = bad
			if _, err := DecodeEnrichedUser(value); err != nil && ReasonOf(err) != "" {
				t.Errorf("byte %d as %x: %v is a rejection", i, bad, err)
			}
		}
	}
}

// A registry may hold older versions and other schemas under its ids.
func TestDecoderAsksTheRegistry(t *testing.T) {
	t.Parallel()
	decoder := NewDecoder(registry{
		1: {newest[nameEnrichedUser].Text, SchemaAvro},
		2: {newest[nameNotificationResult].Text, SchemaAvro},
		3: {newest[nameEnrichedUser].Text, SchemaJSON},
	})
	u := sampleUsers()["phone"]
	for id, ok := range map[uint32]bool{1: true, 2: false, 3: false, 4: false} {
		got, err := decoder.EnrichedUser(appendEnrichedUser(appendConfluent(nil, id), u))
		if ok && (err != nil || !equalUsers(&got, u)) || !ok && !errors.Is(err, errSchemaUnknown) {
			t.Errorf("id %d: %v", id, err)
		}
	}
}

// A record of an older version reads with the defaults of what it lacks. No
// second version has shipped yet, so an older one is made by leaving fields out.
func TestOlderVersionReadsWithDefaults(t *testing.T) {
	t.Parallel()
	codec, err := goavro.NewCodec(`{"type":"record","name":"EnrichedUser","namespace":"doustream","fields":[
		{"name":"event_id","type":"string"},{"name":"kind","type":{"type":"enum","name":"Kind","symbols":["UNKNOWN","LOGIN","WEDDING"]}},
		{"name":"occurred_at","type":"long"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	body, err := codec.BinaryFromNative(nil, map[string]any{"event_id": "e", "kind": "WEDDING", "occurred_at": int64(5)})
	if err != nil {
		t.Fatal(err)
	}
	n, err := decodeNative(codec, body)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, enrichedUserFromNative(n), EnrichedUser{EventID: "e", Kind: KindUnknown, OccurredAt: 5})
}

func TestStateRecordsKeepWhatIsAbsent(t *testing.T) {
	t.Parallel()
	p := &ParkedEvent{Source: Source{Topic: "t"}}
	value, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeParkedEvent(value)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, got, *p)
	s := &NotificationState{Stage: StageQueued, Order: []byte{}}
	if value, err = s.Encode(); err != nil {
		t.Fatal(err)
	}
	state, err := DecodeNotificationState(value)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, state, *s)
	if _, err := DecodeTokenRecord(value); !errors.Is(err, errSchemaUnknown) {
		t.Errorf("a state of another record decodes: %v", err)
	}
}

// Numbers that an enum does not have write as UNKNOWN.
func TestEnumsOutOfRangeAreUnknown(t *testing.T) {
	t.Parallel()
	got, err := enrichedUsers.decodeVersion(newest[nameEnrichedUser].Fingerprint, appendEnrichedUser(nil, &EnrichedUser{Kind: 99, Location: &Location{CoordType: "mars"}}))
	if err != nil || got.Kind != KindUnknown || got.Location.CoordType != CoordUnknown {
		t.Errorf("kind %v, coord_type %v, %v", got.Kind, got.Location, err)
	}
	if Kind(99).String() != "UNKNOWN" || Status(99).String() != "UNKNOWN" || Stage(99).String() != "UNKNOWN" || FactKind(99).String() != "UNKNOWN" {
		t.Error("a number out of range has a symbol")
	}
}
