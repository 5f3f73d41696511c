package schemas

import (
	"embed"
	"fmt"
	"sync"

	"github.com/linkedin/goavro/v2"
)

// Full names of the schemas.
const (
	nameMiniappEvent       = "doustream.MiniappEvent"
	nameNotificationOrder  = "doustream.NotificationOrder"
	nameEnrichedUser       = "doustream.EnrichedUser"
	nameNotificationResult = "doustream.NotificationResult"
	nameConsentFact        = "doustream.ConsentFact"
	nameSessionFact        = "doustream.SessionFact"
	nameSessionOutcome     = "doustream.SessionOutcome"
	nameParkedEvent        = "doustream.ParkedEvent"
	nameNotificationState  = "doustream.NotificationState"
	nameTokenRecord        = "doustream.TokenRecord"
	nameCreditState        = "doustream.CreditState"
)

//go:embed *.avsc
var files embed.FS

// Schema is one version of one Avro schema that was ever shipped.
type Schema struct {
	Name        string // full name, doustream.EnrichedUser
	Version     int    // from 1
	Text        string // the .avsc
	Fingerprint uint64 // CRC-64-AVRO of its canonical form

	compile func() (*goavro.Codec, error)
}

// shipped lists every version ever shipped, by file, oldest first: a record
// that was written under it may still stand in a topic. When a schema changes,
// its file moves to name.version.avsc and stays in this list.
var shipped = []struct {
	name    string
	version int
	file    string
}{
	{nameMiniappEvent, 1, "miniapp_event.avsc"},
	{nameNotificationOrder, 1, "notification_order.avsc"},
	{nameEnrichedUser, 1, "enriched_user.avsc"},
	{nameNotificationResult, 1, "notification_result.avsc"},
	{nameConsentFact, 1, "consent_fact.avsc"},
	{nameSessionFact, 1, "session_fact.avsc"},
	{nameParkedEvent, 1, "parked_event.avsc"},
	{nameNotificationState, 1, "notification_state.avsc"},
	{nameTokenRecord, 1, "token_record.avsc"},
	{nameCreditState, 1, "credit_state.avsc"},
	{nameSessionOutcome, 1, "session_outcome.avsc"},
}

var (
	versions = loadVersions()
	byPrint  = indexVersions(func(s *Schema) uint64 { return s.Fingerprint })
	newest   = indexVersions(func(s *Schema) string { return s.Name })
)

// Schemas lists every schema version ever shipped, oldest first.
func Schemas() []Schema { return append([]Schema(nil), versions...) }

// Newest answers the current version of a schema by its full name.
func Newest(name string) (Schema, bool) {
	s, ok := newest[name]
	if !ok {
		return Schema{}, false
	}
	return *s, true
}

func loadVersions() []Schema {
	list := make([]Schema, 0, len(shipped))
	for _, s := range shipped {
		text, err := files.ReadFile(s.file)
		if err != nil {
			panic(err) // the build embeds it
		}
		form, err := Canonical(string(text))
		if err != nil {
			panic(fmt.Errorf("%s: %w", s.file, err)) // a test reads every schema
		}
		list = append(list, Schema{
			Name: s.name, Version: s.version, Text: string(text), Fingerprint: Fingerprint(form),
			compile: sync.OnceValues(func() (*goavro.Codec, error) { return goavro.NewCodec(string(text)) }),
		})
	}
	return list
}

// indexVersions finds a version by its key; of several the last counts.
func indexVersions[K comparable](key func(*Schema) K) map[K]*Schema {
	index := make(map[K]*Schema, len(versions))
	for i := range versions {
		index[key(&versions[i])] = &versions[i]
	}
	return index
}

func init() {
	// goavro makes room for as many items as a block claims to hold; the claim
	// may be foreign.
	goavro.MaxBlockCount = 1 << 12
}

// decodeNative reads body, all of it, under a schema. Neither goavro's errors,
// which quote what they read, nor a panic of it leave.
func decodeNative(codec *goavro.Codec, body []byte) (n native, err error) {
	defer func() {
		if recover() != nil {
			err = errSchema
		}
	}()
	datum, rest, err := codec.NativeFromBinary(body)
	if err != nil {
		return nil, errSchema
	}
	if len(rest) > 0 {
		return nil, errTrailing
	}
	n, ok := datum.(map[string]any)
	if !ok {
		return nil, errSchema
	}
	return n, nil
}
