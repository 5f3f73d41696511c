// Package enrich turns the mini-app's events into enriched user records. It
// exchanges login codes for sessions, joins every other event with the session
// that it belongs to, decrypts what only that session's key opens, and sets
// aside what has to wait. In the flow it stands between the six input topics
// and users.enriched, dead-letters and doustream.consents.
//
// A Task is one partition number of all input topics, driven by the loop of
// platform/stream. What an event goes through: prepare (decoding, on workers),
// then login or join, then emit; park when it takes too long. The package sees
// Kafka records, and no Kafka client, HTTP or Avro library.
package enrich
