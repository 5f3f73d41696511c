package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// oracleJSON says what jsontext thinks of data, which is what validateJSON
// must think, but for the depth.
func oracleJSON(data []byte) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	if _, err := dec.ReadValue(); err != nil {
		return err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// deep tells apart what the oracle takes and we do not.
func deep(data []byte) bool {
	return bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}) > maxDepth
}

func checkJSON(t *testing.T, data []byte) {
	t.Helper()
	got, want := validateJSON(data), oracleJSON(data)
	if errors.Is(got, errTooDeep) && deep(data) {
		return
	}
	if (got == nil) != (want == nil) {
		t.Fatalf("%.200q: %v; jsontext says %v", data, got, want)
	}
}

var jsonSeeds = []string{
	`{}`, `[]`, `""`, `0`, `-0`, `-`, `01`, `1.`, `.5`, `1.5e`, `1.5E+10`, `1e400`, `+1`, `--1`, `0x1`, `1_0`,
	`true`, `tru`, `truex`, `trux`, `nul`, `null`, `false`, `NaN`, `Infinity`, ` `, ``, "\xef\xbb\xbf{}",
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"\u0061":2}`, `{"a":{"a":1},"b":{"a":2}}`, `[{"a":1},{"a":1}]`, `{"a":{"b":1},"b":2}`,
	`{"":1,"":2}`, `{"a" : 1 , "b" : [ 1 , 2 ] }`, "{\"a\"\t:\r\n1}", `{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":}`, `{a:1}`, `{'a':1}`,
	`{"a":1}}`, `{"a":1} {}`, `{"a":1} x`, `{"a":1`, `{"a":`, `{"a"`, `{"a`, `{"`, `{`, `[`, `[1`, `"`, `"\`, `"\u`, `"\u00`, `"\ud83d`, `"\ud83d\`, `"\ud83d\u`,
	`"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"\ude00\ud83d"`, `"\ud83d\ud83d"`, `"\ud83dx"`, `"\uD83D\uDE00"`, `"\uzzzz"`, `"\x41"`, `"\""`, `"\\"`, `"\/\b\f\n\r\t"`,
	"\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"1234567\x1f\"", "\"12345678\x1f\"", "\"\x80\"", "\"\xc3\x28\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc0\xaf\"", "\"名字🙂\"", "\"\u2028\"", "\"1234567名\"", "\"123456名\xff\"",
	`"01234567890123456789\"0123456789\\"`, `"0123456\n89"`, "\"0123456\xff89abcdef\"",
}

func TestValidateJSONThinksAsJSONTextDoes(t *testing.T) {
	t.Parallel()
	for _, s := range jsonSeeds {
		checkJSON(t, []byte(s))
		for _, around := range []string{`{"k":%s}`, `[%s]`, ` %s `, `[[%s],%[1]s]`} {
			checkJSON(t, fmt.Appendf(nil, around, s))
		}
	}
	for b := range 256 { // every byte in every place of a word
		for at := range 20 {
			text := []byte(`"abcdefghijklmnopqrst"`)
			text[1+at] = byte(b)
			checkJSON(t, text)
		}
		checkJSON(t, []byte{byte(b)})
		checkJSON(t, []byte{'1', byte(b)})
		checkJSON(t, []byte{'[', byte(b), ']'})
	}
}

func TestValidateJSONFindsATwiceGivenNameAmongMany(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, fewNames - 1, fewNames, fewNames + 1, 5 * fewNames} {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"n%d":{"n0":%d}`, i, i))
		}
		checkJSON(t, []byte("{"+strings.Join(members, ",")+"}"))
		for _, twice := range []string{"n0", fmt.Sprintf("n%d", n-1), `n\u0030`, fmt.Sprintf("n%d", n/2)} {
			text := []byte("{" + strings.Join(members, ",") + `,"` + twice + `":1}`)
			checkJSON(t, text)
			if err := validateJSON(text); !errors.Is(err, errDuplicate) {
				t.Errorf("%d names and %q again: %v", n, twice, err)
			}
		}
	}
}

func TestValidateJSONBoundsDepth(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]error{1: nil, maxDepth: nil, maxDepth + 1: errTooDeep, 100_000: errTooDeep} {
		if err := validateJSON([]byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))); !errors.Is(err, want) {
			t.Errorf("%d arrays: %v; want %v", depth, err, want)
		}
		if err := validateJSON([]byte(strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth))); !errors.Is(err, want) {
			t.Errorf("%d objects: %v; want %v", depth, err, want)
		}
	}
}

func TestValidateJSONAllocatesNothing(t *testing.T) {
	for name, text := range benchmarkEvents() {
		if name == "phone/avro" {
			continue
		}
		if n := testing.AllocsPerRun(100, func() { _ = validateJSON(text) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzValidateJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	seedEvents(f)
	f.Fuzz(checkJSON)
}
