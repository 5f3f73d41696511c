package sinks

import (
	"errors"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// refusal is an exception of ClickHouse's. Its text says what the server said only
// where that cannot quote a row: a constraint that is violated, a value that cannot
// be converted, a view that throws are reported with the values at fault, and what
// an error says ends in a log (I8). Their codes are enough to find the rest in
// ClickHouse's own system.query_log, by the time and by the offset that the
// sink's log names.
type refusal struct {
	code proto.Error
	text string // empty: may quote a row
}

// Error names the code, and says the server's words where they quote no row.
func (r *refusal) Error() string {
	if r.text == "" {
		return "ClickHouse answers " + r.code.Error()
	}
	return "ClickHouse answers " + r.code.Error() + ": " + r.text
}

// Unwrap gives the code.
func (r *refusal) Unwrap() error { return r.code }

// scrub takes out of an error what a server's words may quote of a row. Other
// errors stay as they are.
func scrub(err error) error {
	var exception *ch.Exception
	if !errors.As(err, &exception) {
		return err
	}
	if f, known := faults[exception.Code]; !known || f == fateRow {
		return &refusal{code: exception.Code}
	}
	return &refusal{code: exception.Code, text: exception.Message}
}
