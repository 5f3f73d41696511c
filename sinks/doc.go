// Package sinks is where results land: the records of the output topics
// (enriched users, notification results, consents, dead letters), and
// ClickHouse, which the sink role fills from those topics with each row once.
// It stands at the end of the flow: processors hand their results to Topics,
// ClickHouse reads what Topics wrote.
package sinks
