package schemas

import (
	"errors"
	"strings"
	"testing"
)

func editOrder(old, with string) string {
	const order = `{"notification_id":"n1","app_id":"tt1","open_id":"o1","template_id":"MSG1","data":{"快递派送":"SF1"}}`
	if !strings.Contains(order, old) {
		panic("nothing to replace: " + old)
	}
	return strings.Replace(order, old, with, 1)
}

func TestDecodeOrderAccepts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, value string
		with        func(*Order)
	}{
		{"what is required", editOrder("{", "{"), nil},
		{"everything", editOrder(`"data"`, `"page":"pages/a?b=c","order_id":"x","expires_at":1763800000123,"data"`), func(o *Order) {
			o.Page, o.OrderID, o.ExpiresAt = "pages/a?b=c", "x", 1763800000123
		}},
		{"expires_at by RFC 3339", editOrder(`"data"`, `"expires_at":"2025-11-22T08:26:40.123Z","data"`), func(o *Order) { o.ExpiresAt = 1763800000123 }},
		{"expires_at as text", editOrder(`"data"`, `"expires_at":"1763800000123","data"`), func(o *Order) { o.ExpiresAt = 1763800000123 }},
		{"expires_at in 1970, long past and not absent", editOrder(`"data"`, `"expires_at":0,"data"`), func(o *Order) { o.ExpiresAt = 1 }},
		{"expires_at in 1970, as a time", editOrder(`"data"`, `"expires_at":"1970-01-01T00:00:00Z","data"`), func(o *Order) { o.ExpiresAt = 1 }},
		{"expires_at never", editOrder(`"data"`, `"expires_at":"9999-12-31T23:59:59Z","data"`), func(o *Order) { o.ExpiresAt = 253402300799000 }},
		{"optional fields null or empty", editOrder(`"data"`, `"page":null,"order_id":"","expires_at":null,"data"`), nil},
		{"unknown fields", editOrder(`"data"`, `"trace":{"x":[]},"data"`), nil},
		{"ids that are numbers", editOrder(`"n1"`, `17`), func(o *Order) { o.NotificationID = "17" }},
		{"data of numbers and booleans", editOrder(`"SF1"`, `"SF1","n":1.50,"b":true`), func(o *Order) { o.Data = map[string]string{"快递派送": "SF1", "n": "1.50", "b": "true"} }},
		{"no data to fill in", editOrder(`{"快递派送":"SF1"}`, `{}`), func(o *Order) { o.Data = map[string]string{} }},
		{"behind a byte order mark", "\uFEFF " + editOrder("{", "{"), nil},
	} {
		want := Order{NotificationID: "n1", AppID: "tt1", OpenID: "o1", TemplateID: "MSG1", Data: map[string]string{"快递派送": "SF1"}}
		if row.with != nil {
			row.with(&want)
		}
		o, err := DecodeOrder([]byte(row.value))
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		mustEqual(t, o, want)
	}
}

// An order with a readable notification_id ends in a result, so the id comes
// back with the rejection; one without is a dead letter.
func TestDecodeOrderRejects(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, value string
		reason      Reason
		field, id   string
	}{
		{"a tombstone", "", ReasonInvalid, "", ""},
		{"null", "null", ReasonInvalid, "", ""},
		{"text", "<order/>", ReasonUndecodable, "", ""},
		{"Avro", "\xC3\x01abcdefgh", ReasonUndecodable, "", ""},
		{"cut short before the id", `{"notification_id":"n`, ReasonUndecodable, "", ""},
		{"cut short behind the id", `{"notification_id":"n1","app`, ReasonUndecodable, "", "n1"},
		{"bytes behind it", editOrder("}}", "}}}"), ReasonUndecodable, "", "n1"},
		{"a name twice", editOrder(`"app_id"`, `"app_id":"x","app_id"`), ReasonUndecodable, "", "n1"},
		{"invalid UTF-8", editOrder(`SF1`, "SF\xff"), ReasonUndecodable, "", "n1"},
		{"too deep", editOrder(`"data"`, `"x":`+nested(65)+`,"data"`), ReasonUndecodable, "", "n1"},
		{"no notification_id", editOrder(`"notification_id":"n1",`, ``), ReasonInvalid, "notification_id", ""},
		{"notification_id empty", editOrder(`n1`, ``), ReasonInvalid, "notification_id", ""},
		{"notification_id too long", editOrder(`n1`, strings.Repeat("n", 513)), ReasonInvalid, "notification_id", strings.Repeat("n", 513)},
		{"notification_id as long as is answered", editOrder(`n1`, strings.Repeat("n", 64<<10)), ReasonInvalid, "notification_id", strings.Repeat("n", 64<<10)},
		{"notification_id beyond that", editOrder(`n1`, strings.Repeat("n", 64<<10+1)), ReasonInvalid, "notification_id", ""},
		{"notification_id an object", editOrder(`"n1"`, `{}`), ReasonInvalid, "notification_id", ""},
		{"no app_id", editOrder(`"app_id":"tt1",`, ``), ReasonInvalid, "app_id", "n1"},
		{"open_id empty", editOrder(`o1`, ``), ReasonInvalid, "open_id", "n1"},
		{"template_id an object", editOrder(`"MSG1"`, `{}`), ReasonInvalid, "template_id", "n1"},
		{"page too long", editOrder(`"data"`, `"page":"`+strings.Repeat("p", 1025)+`","data"`), ReasonInvalid, "page", "n1"},
		{"order_id a list", editOrder(`"data"`, `"order_id":[],"data"`), ReasonInvalid, "order_id", "n1"},
		{"no data", editOrder(`,"data":{"快递派送":"SF1"}`, ``), ReasonInvalid, "data", "n1"},
		{"data null", editOrder(`{"快递派送":"SF1"}`, `null`), ReasonInvalid, "data", "n1"},
		{"data a text", editOrder(`{"快递派送":"SF1"}`, `"x"`), ReasonInvalid, "data", "n1"},
		{"data within data", editOrder(`"SF1"`, `{}`), ReasonInvalid, "data", "n1"},
		{"data of too many keywords", editOrder(`"SF1"`, `"SF1",`+manyAnswers(64)), ReasonInvalid, "data", "n1"},
		{"data null within", editOrder(`"SF1"`, `null`), ReasonInvalid, "data", "n1"},
		{"expires_at negative", editOrder(`"data"`, `"expires_at":-1,"data"`), ReasonInvalid, "expires_at", "n1"},
		{"expires_at words", editOrder(`"data"`, `"expires_at":"soon","data"`), ReasonInvalid, "expires_at", "n1"},
		{"expires_at an object", editOrder(`"data"`, `"expires_at":{},"data"`), ReasonInvalid, "expires_at", "n1"},
		{"expires_at in the year 10000", editOrder(`"data"`, `"expires_at":253402300800000,"data"`), ReasonInvalid, "expires_at", "n1"},
	} {
		o, err := DecodeOrder([]byte(row.value))
		var r *Rejection
		if !errors.As(err, &r) {
			t.Errorf("%s: %v, want a rejection", row.name, err)
			continue
		}
		if r.Reason != row.reason || r.Field != row.field || r.EventID != row.id || o.NotificationID != row.id {
			t.Errorf("%s: %v (id %q), order of %q, want %s of %q (id %q)", row.name, err, r.EventID, o.NotificationID, row.reason, row.field, row.id)
		}
	}
	// What else was readable is there for the result.
	o, err := DecodeOrder([]byte(editOrder(`,"data":{"快递派送":"SF1"}`, `,"order_id":"x"`)))
	if err == nil || o.AppID != "tt1" || o.OpenID != "o1" || o.TemplateID != "MSG1" || o.OrderID != "x" {
		t.Errorf("of an invalid order remains %+v, %v", o, err)
	}
}
