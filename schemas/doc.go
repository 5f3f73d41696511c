// Package schemas is what crosses a boundary: every topic's Avro schema beside
// its Go type, the three framings, topic names and settings, and the
// ClickHouse tables as migrations. It knows nothing of Kafka clients, of HTTP
// or of what happens to an event.
package schemas
