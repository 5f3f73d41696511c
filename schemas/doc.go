// Package schemas is what crosses a boundary: every topic's Avro schema beside
// its Go type, the three framings, topic names and settings, and the
// ClickHouse tables as migrations. It knows nothing of Kafka clients, of HTTP
// or of what happens to an event.
//
// # In
//
// DecodeEvent and DecodeOrder read foreign bytes. Whatever is wrong with them
// is a Rejection with a Reason, the id of the event where it could be read,
// and no word of the input. JSON is validated once and then walked; a payload
// stays the bytes that came, for the payload decoders (DecodeLogin and its
// like) and for whoever needs it unchanged.
//
// # Out
//
// An Encoder writes EnrichedUser and NotificationResult in single-object
// framing, in Confluent's, or as JSON; DecodeEnrichedUser, a Decoder and a
// UserReader tell them apart by the first bytes. In JSON the names and symbols
// are those of the Avro schema, times are milliseconds, bytes are base64 and
// what is absent is left out.
//
// # Versions
//
// Every schema version ever shipped is in Schemas, and its bytes are in
// testdata/golden. To change a schema: copy its file to name.N.avsc, list that
// as version N and the changed file as N+1 in versions.go, change the type with
// its write, read and from functions, and add the fingerprint and golden bytes
// of N+1 to the tests. New fields have a default; enums grow at the end, and
// readers of an older version take a new symbol for UNKNOWN. The newest version
// is read and written by hand, older ones and foreign schemas through goavro.
// A reader does not know versions newer than itself: the sink is upgraded
// before enrich and notify.
//
// A fingerprint is the CRC-64-AVRO of the Parsing Canonical Form, as the Avro
// specification says and as readers in other languages compute it; goavro's
// own differs for every schema with a logical type. goavro resolves no schemas
// either: an old codec reads newer bytes without complaint and leaves a rest,
// so a rest is an error everywhere here.
package schemas
