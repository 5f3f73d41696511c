package embedded

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseLayout(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]layoutKind{
		"String":                                   stringLayout,
		"DateTime64(3, 'Asia/Shanghai')":           fixedLayout,
		"Enum8('a,)(' = 1, 'it\\'s' = 2)":          fixedLayout,
		"Nullable(Decimal(38, 9))":                 nullableLayout,
		"LowCardinality(Nullable(String))":         lowCardinalityLayout,
		"Map(LowCardinality(String), Array(UUID))": arrayLayout,
		"Tuple(a UInt8, `b c` Array(String))":      tupleLayout,
		"Nested(x UInt8, y Tuple(String, Date))":   arrayLayout,
		"SimpleAggregateFunction(max, DateTime)":   fixedLayout,
		"IntervalSecond":                           fixedLayout,
		"MultiPolygon":                             arrayLayout,
	} {
		got, err := parseLayout(kind)
		if err != nil || got.kind != want {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
	}
	for _, kind := range []string{"", "JSON", "AggregateFunction(argMax, String, UInt8)", "Array", "Array()", "Array(Foo)", "FixedString(x)", "FixedString(-1)", "Decimal(99)", "Nullable(", strings.Repeat("Array(", 99) + "UInt8" + strings.Repeat(")", 99)} {
		if got, err := parseLayout(kind); err == nil {
			t.Errorf("%q was read as %+v", kind, got)
		}
	}
}

func TestParseInsert(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]insertStatement{
		"INSERT INTO t": {table: "t"},
		"insert into `a b`.\"c\" (x, `y)`, z) VALUES":                       {table: "`a b`.\"c\"", columns: "x, `y)`, z"},
		"-- why\n/* and */ INSERT INTO d.t (* EXCEPT (a)) FORMAT Native;":   {table: "d.t", columns: "* EXCEPT (a)"},
		"INSERT INTO t (a) SETTINGS async_insert=0, x='it''s (' VALUES\n":   {table: "t", columns: "a", settings: "async_insert=0, x='it''s ('"},
		"INSERT INTO TABLE t SETTINGS insert_deduplication_token = 'a\\'b'": {table: "t", settings: "insert_deduplication_token = 'a\\'b'"},
	} {
		if got, ok := parseInsert(statement); !ok || got != want {
			t.Errorf("%q was read as %+v, %v", statement, got, ok)
		}
	}
	for _, statement := range []string{"INSERT INTO t VALUES (1)", "INSERT INTO t SELECT 1", "INSERT INTO t (a) SELECT b FROM c", "SELECT 1", "INSERT INTO FUNCTION file('x')", "INSERT INTO t FORMAT JSONEachRow {}"} {
		if got, ok := parseInsert(statement); ok {
			t.Errorf("%q was read as %+v", statement, got)
		}
	}
}

// FuzzCopyBlock: foreign bytes never make the copier panic or run away, and what comes out of a block that it takes is
// a block whose copy is the same, however the bytes arrive. (It need not be what went in: a number may be padded.)
func FuzzCopyBlock(f *testing.F) {
	f.Add([]byte("\x01\x03\x06number\x06UInt64\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x01\x02\x01s\x16LowCardinality(String)\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x01x\x01y\x02\x00\x00\x00\x00\x00\x00\x00\x01\x02"))
	f.Add([]byte("\x01\x01\x01a\x0dArray(String)\x01\x00\x00\x00\x00\x00\x00\x00\x02hi"))
	f.Add([]byte("\x01\x01\x01n\x10Nullable(String)\x00\x02hi"))
	f.Add([]byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var out bytes.Buffer
		c := copier{in: bufio.NewReader(bytes.NewReader(raw)), out: &out}
		first, err := c.copyBlock()
		if err != nil {
			return
		}
		var again bytes.Buffer
		in := bytes.NewReader(out.Bytes())
		c = copier{in: bufio.NewReader(in), out: &again}
		second, err := c.copyBlock()
		if err != nil || c.in.Buffered()+in.Len() != 0 || !bytes.Equal(again.Bytes(), out.Bytes()) || second.rows != first.rows || len(second.columns) != len(first.columns) {
			t.Fatalf("came out as %q, and that as %q (%v)", out.Bytes(), again.Bytes(), err)
		}
		var slow bytes.Buffer
		c = copier{in: bufio.NewReader(iotest.OneByteReader(bytes.NewReader(raw))), out: &slow}
		if _, err := c.copyBlock(); err != nil || !bytes.Equal(slow.Bytes(), out.Bytes()) {
			t.Fatalf("byte by byte: %v, %q", err, slow.Bytes())
		}
	})
}
