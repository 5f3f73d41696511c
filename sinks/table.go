package sinks

import "doustream/schemas"

// table is one table that the sink fills and the topic it fills it from.
type table struct {
	name  string
	topic string // without prefix
	rows  func(*schemas.Decoder) rowWriter
}

// deadLettersTable is the one table whose own refusals are no dead letters.
const deadLettersTable = "dead_letters"

// tables are those that the sink fills.
var tables = []table{
	{name: "user_events", topic: schemas.TopicUsers, rows: func(d *schemas.Decoder) rowWriter { return newUserRows(d) }},
	{name: "notifications", topic: schemas.TopicResults, rows: func(d *schemas.Decoder) rowWriter { return newResultRows(d) }},
	{name: deadLettersTable, topic: schemas.TopicDeadLetters, rows: func(*schemas.Decoder) rowWriter { return newDeadLetterRows() }},
}

// tableOf is the table that a topic's rows go into; the topic may carry the
// prefix.
func tableOf(prefix, topic string) (table, bool) {
	for _, t := range tables {
		if prefix+t.topic == topic {
			return t, true
		}
	}
	return table{}, false
}

// group is the columns of one kind of record, by name.
type group []namedColumn
