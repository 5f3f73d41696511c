package sinks

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

func ptr[T any](v T) *T { return &v }

// everyKind are enriched users, one of each kind, with every field filled.
func everyKind() []schemas.EnrichedUser {
	phone := &schemas.Phone{Masked: "138****0000", Hash: "ab12", HashKey: "p1", Sealed: []byte{1, 0, 255, '\n'}, CountryCode: "86"}
	kinds := []schemas.EnrichedUser{
		{Kind: schemas.KindLogin},
		{Kind: schemas.KindProfile, Profile: &schemas.Profile{NickName: "小明\x00'\\", AvatarURL: "https://a", Gender: 2, City: "c", Province: "p", Country: "cn", Language: "zh"}},
		{Kind: schemas.KindPhone, Phone: phone},
		{Kind: schemas.KindLocation, Location: &schemas.Location{Longitude: 116.3974, Latitude: 39.9092, CoordType: schemas.CoordGCJ02, City: "北京市", Province: "北京", District: "东城", Speed: ptr(0.0), Accuracy: ptr(65.0), Altitude: ptr(-3.5), HorizontalAccuracy: ptr(1.0)}},
		{Kind: schemas.KindAddress, Address: &schemas.Address{Province: "p", City: "c", County: "x", NameSealed: []byte("n"), DetailSealed: []byte("d"), Phone: phone}},
		{Kind: schemas.KindDevice, Device: &schemas.Device{Brand: "Apple", Model: "iPhone", System: "iOS 17", Platform: "ios", AppName: "Douyin", Version: "29.1", SDKVersion: "3.1", SDKUpdateVersion: "3.1.0", NativeSDKVersion: "1", Language: "zh", ScreenWidth: ptr(390.0), Battery: ptr(77.0), ScoreOverall: ptr(9.5)}},
		{Kind: schemas.KindSubscription, Subscription: &schemas.Subscription{Templates: []schemas.TemplateConsent{
			{TemplateID: "m1", Status: schemas.ConsentAccept, Always: true}, {TemplateID: "m2", Status: schemas.ConsentBan},
		}}},
		{Kind: schemas.KindSubscription, Subscription: &schemas.Subscription{Templates: []schemas.TemplateConsent{{TemplateID: "m3", Status: schemas.ConsentReject}}}},
	}
	for i := range kinds {
		u := &kinds[i]
		u.EventID, u.AppID, u.SessionID, u.OpenID = fmt.Sprintf("e-%d", i), "tt1", "s-1", "o-1"
		u.OccurredAt, u.EnrichedAt = 1763800000123, 1763800000456
		u.Source = schemas.Source{Topic: "miniapp.x", Partition: 2, Offset: int64(100 + i)}
	}
	return kinds
}

// record is one record as Kafka delivers it.
func record(topic string, offset int64, value []byte) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: 4, Offset: offset, Timestamp: time.UnixMilli(1763800001000 + offset), Value: value}
}

func userRecord(t testing.TB, offset int64, u *schemas.EnrichedUser) *kgo.Record {
	t.Helper()
	rec, err := testTopics(t, 0).Enriched(u)
	if err != nil {
		t.Fatal(err)
	}
	return record(schemas.TopicUsers, offset, rec.Value)
}

func storeFor(t testing.TB, dsn, table, topic string) *tableStore {
	t.Helper()
	s, err := parseServer(Tables{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	on := &connection{server: s}
	t.Cleanup(on.close)
	return &tableStore{place: place{topic, 4, table}, on: on, sent: func(int, time.Duration) {}}
}

func TestUserEventsHoldsWhatTheRecordsSay(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	conn := connect(t, engine.DSN())
	users := everyKind()
	b := newBlock(newUserRows(nil))
	for i := range users {
		b.add(userRecord(t, int64(10+2*i), &users[i]))
	}
	if len(b.rejections) > 0 {
		t.Fatal(b.rejections[0].cause)
	}
	store := storeFor(t, engine.DSN(), "user_events", schemas.TopicUsers)
	if err := store.insert(testContext(t), b, "token"); err != nil {
		t.Fatal(err)
	}

	checks := map[string]string{
		"one row each, known by its offset":               "count() = 8 AND uniqExact(_topic, _partition, _offset) = 8 AND min(_offset) = 10 AND max(_offset) = 24",
		"kinds by name":                                   "groupUniqArray(kind::String) = groupUniqArray(kind::String) AND countIf(kind = 'SUBSCRIPTION') = 2 AND countIf(kind = 'LOGIN') = 1",
		"times in milliseconds":                           "countIf(toUnixTimestamp64Milli(occurred_at) = 1763800000123 AND toUnixTimestamp64Milli(_timestamp) = 1763800001000 + _offset) = 8",
		"text of any bytes":                               "countIf(profile_nick_name = unhex('E5B08FE6988E00275C') AND profile_gender = 2) = 1",
		"sealed bytes as they are":                        "countIf(phone_sealed = unhex('0100FF0A') AND phone_masked = '138****0000') = 1",
		"an address' phone is its own":                    "countIf(address_phone_hash = 'ab12' AND address_detail_sealed = 'd' AND phone_hash = '') = 1",
		"zero is not absent":                              "countIf(location_speed = 0) = 1 AND countIf(location_speed IS NULL) = 7 AND countIf(location_vertical_accuracy IS NULL) = 8",
		"coordinates and their system":                    "countIf(location_coord_type = 'GCJ02' AND location_longitude = 116.3974 AND location_city = '北京市') = 1",
		"devices":                                         "countIf(device_model = 'iPhone' AND device_screen_width = 390 AND device_score_cpu IS NULL AND device_score_overall = 9.5) = 1",
		"answers stand beside their template":             "countIf(subscription_template_id = ['m1','m2'] AND subscription_status = ['ACCEPT','BAN'] AND subscription_always = [true,false]) = 1 AND countIf(subscription_template_id = ['m3']) = 1",
		"the source is the input's place":                 "countIf(source_topic = 'miniapp.x' AND source_partition = 2 AND source_offset BETWEEN 100 AND 107) = 8",
		"the month of the block is the table's partition": fmt.Sprintf("groupUniqArray(_partition_id) = ['%s']", time.UnixMilli(b.month.from).UTC().Format("200601")),
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			if count(t, conn, "SELECT toUInt64("+check+") FROM user_events") != 1 {
				t.Fatal(check)
			}
		})
	}
	t.Run("a repeated token changes nothing", func(t *testing.T) {
		if err := store.insert(testContext(t), b, "token"); err != nil {
			t.Fatal(err)
		}
		if n := count(t, conn, "SELECT count() FROM user_events"); n != 8 {
			t.Fatalf("%d rows", n)
		}
	})
	t.Run("what is there is found", func(t *testing.T) {
		more := newBlock(newUserRows(nil))
		more.add(userRecord(t, 9, &users[0]))
		more.add(userRecord(t, 10, &users[0]))
		more.add(userRecord(t, 11, &users[0]))
		more.add(userRecord(t, 24, &users[0]))
		there, err := store.present(testContext(t), more)
		if err != nil || !slices.Equal(there, []bool{false, true, false, true}) {
			t.Fatalf("%v, %v", there, err)
		}
	})
	t.Run("picked rows are the rows", func(t *testing.T) {
		keep := []bool{false, true, false, true, false, true, true, false}
		if err := store.insert(testContext(t), b.pick(keep), "picked"); err != nil {
			t.Fatal(err)
		}
		n := count(t, conn, `SELECT count() FROM (SELECT * EXCEPT (_inserted_at), count() AS c FROM user_events GROUP BY ALL HAVING c = 2)`)
		if n != 4 {
			t.Fatalf("%d of 4 picked rows equal the rows they were picked from", n)
		}
	})
}

// A column that a later migration adds and that the sink does not fill is fine;
// one that the sink names and that the table lacks is not.
func TestEveryColumnIsInItsTable(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	conn := connect(t, engine.DSN())
	for _, table := range tables {
		t.Run(table.name, func(t *testing.T) {
			b := newBlock(table.rows(nil))
			for _, c := range append(b.source(), b.table...) {
				if count(t, conn, "SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = ? AND name = ?", table.name, c.name) != 1 {
					t.Errorf("%s has no column %s", table.name, c.name)
				}
			}
			filled := uint64(len(b.source()) + len(b.table))
			if n := count(t, conn, "SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = ? AND default_kind = ''", table.name); n != filled {
				t.Errorf("%d columns without a default, %d filled", n, filled)
			}
		})
	}
}

func TestResultsAndDeadLettersBecomeRows(t *testing.T) {
	t.Parallel()
	engine := migrated(t)
	conn := connect(t, engine.DSN())

	results := newBlock(newResultRows(nil))
	for i, status := range []schemas.Status{schemas.StatusSent, schemas.StatusRefused} {
		r := &schemas.NotificationResult{NotificationID: fmt.Sprint("n-", i), AppID: "tt1", OpenID: "o", TemplateID: "m", Status: status, Attempts: 1, FinishedAt: 1763800000123}
		if status == schemas.StatusRefused {
			r.ErrNo, r.Reason, r.LogID = ptr(int64(28014043)), "not_subscribed", "log-1"
		}
		rec, err := testTopics(t, 0).Result(r)
		if err != nil {
			t.Fatal(err)
		}
		results.add(record(schemas.TopicResults, int64(i), rec.Value))
	}
	if err := storeFor(t, engine.DSN(), "notifications", schemas.TopicResults).insert(testContext(t), results, "r"); err != nil {
		t.Fatal(err)
	}
	if count(t, conn, "SELECT toUInt64(countIf(status = 'SENT' AND err_no IS NULL) = 1 AND countIf(status = 'REFUSED' AND err_no = 28014043 AND log_id = 'log-1') = 1) FROM notifications") != 1 {
		t.Error("notifications differ")
	}

	letters := newBlock(newDeadLetterRows())
	src := record("miniapp.login", 5, []byte("{oops"))
	letter := testTopics(t, 0).DeadLetter(src, schemas.DeadLetter{Reason: schemas.ReasonUndecodable, Stage: "decode", Role: "enrich", Attempts: 1, FailedAt: 1763800000123})
	letter.Topic, letter.Offset, letter.Timestamp = schemas.TopicDeadLetters, 0, src.Timestamp
	letters.add(letter)
	letters.add(record(schemas.TopicDeadLetters, 1, []byte("somebody else's")))
	if err := storeFor(t, engine.DSN(), "dead_letters", schemas.TopicDeadLetters).insert(testContext(t), letters, "d"); err != nil {
		t.Fatal(err)
	}
	if count(t, conn, "SELECT toUInt64(countIf(reason = 'undecodable' AND source_topic = 'miniapp.login' AND source_partition = 4 AND source_offset = 5 AND value_bytes = 5) = 1 AND countIf(reason = 'foreign') = 1) FROM dead_letters") != 1 {
		t.Error("dead letters differ")
	}
}

func TestWhatCannotBeARowIsARejection(t *testing.T) {
	u := everyKind()[0]
	b := newBlock(newUserRows(nil))
	b.add(userRecord(t, 1, &u))
	b.add(record(schemas.TopicUsers, 2, []byte("{not avro")))
	b.add(userRecord(t, 3, &u))
	b.add(record(schemas.TopicUsers, 5, nil))
	if !slices.Equal(b.offsets(), []int64{1, 3}) || len(b.rejections) != 2 {
		t.Fatalf("rows %v, %d rejections", b.offsets(), len(b.rejections))
	}
	if got := b.span(); got != (span{First: 1, Last: 5, Count: 4}) {
		t.Fatalf("span %+v", got)
	}
	for _, c := range b.input() {
		if c.Data.Rows() != 2 {
			t.Errorf("%s has %d rows", c.Name, c.Data.Rows())
		}
	}
}

func TestTimesOutsideTheTypeAreBounded(t *testing.T) {
	for name, tc := range map[string]struct{ in, want int64 }{
		"negative":        {-1, 0},
		"before 1970":     {-62135596800000, 0},
		"now":             {1763800000123, 1763800000123},
		"the year 2299":   {maxTimestamp, maxTimestamp},
		"the year 9999":   {253402300799999, maxTimestamp},
		"any larger time": {1 << 62, maxTimestamp},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clampTime(tc.in); got != tc.want {
				t.Fatalf("%d", got)
			}
		})
	}
	if at := time.UnixMilli(maxTimestamp).UTC(); at.Year() != 2299 || time.UnixMilli(maxTimestamp+1).UTC().Year() != 2300 {
		t.Fatal(at)
	}
}

// encoded is a block in the bytes that the native protocol sends.
func encoded(t interface{ Fatal(...any) }, b *block) []byte {
	var buf proto.Buffer
	in := b.input()
	if err := (proto.Block{Rows: len(b.at), Columns: len(in)}).EncodeRawBlock(&buf, 54460, in); err != nil {
		t.Fatal(err)
	}
	return buf.Buf
}

// Other framings, older versions and what is no user take the decoder's way.
func TestRecordsOfAnyFramingBecomeTheSameRow(t *testing.T) {
	for _, u := range everyKind() {
		var blocks [][]byte
		for _, format := range []schemas.Format{schemas.FormatSingleObject, schemas.FormatConfluent, schemas.FormatJSON} {
			encoder, err := schemas.NewEncoder(format, map[string]uint32{"doustream.EnrichedUser": 7, "doustream.NotificationResult": 8})
			if err != nil {
				t.Fatal(err)
			}
			value, err := encoder.EnrichedUser(nil, &u)
			if err != nil {
				t.Fatal(err)
			}
			b := newBlock(newUserRows(nil))
			b.add(record(schemas.TopicUsers, 1, value))
			if len(b.rejections) > 0 {
				t.Fatalf("%s: %v", format, b.rejections[0].cause)
			}
			blocks = append(blocks, encoded(t, b))
		}
		if !bytes.Equal(blocks[0], blocks[1]) || !bytes.Equal(blocks[0], blocks[2]) {
			t.Errorf("%v differs by framing", u.Kind)
		}
	}
}
