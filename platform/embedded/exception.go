package embedded

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// exception is an error of the engine, with ClickHouse's own number and words.
type exception struct {
	code    int
	message string
}

func (e *exception) Error() string { return fmt.Sprintf("code %d: %s", e.code, e.message) }

// packet is the exception as a server sends it.
func (e *exception) packet() proto.Exception {
	return proto.Exception{Code: proto.Error(e.code), Name: "DB::Exception", Message: "DB::Exception: " + e.message}
}

var exceptionText = regexp.MustCompile(`(?s)Code: (\d+)\. (?:DB::)?\w*Exception: (.*)`)

// unknownException is ClickHouse's number for what has none.
const unknownException = 1002

// parseException reads the engine's error text: "Code: 60. DB::Exception: Unknown table … (UNKNOWN_TABLE)".
func parseException(text string) *exception {
	m := exceptionText.FindStringSubmatch(text)
	if m == nil {
		return &exception{unknownException, strings.TrimSpace(text)}
	}
	code, err := strconv.Atoi(m[1])
	if err != nil {
		code = unknownException
	}
	return &exception{code, strings.TrimSpace(m[2])}
}
