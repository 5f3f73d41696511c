package schemas

import (
	"testing"

	"github.com/linkedin/goavro/v2"
)

// The known answers of the Avro project for canonical form and CRC-64-AVRO.
func TestCanonicalFormAndFingerprintKnownAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		schema, canonical string
		fingerprint       int64 // 0: not given
	}{
		{`"null"`, `"null"`, 7195948357588979594},
		{`{"type":"null"}`, `"null"`, 0},
		{`"boolean"`, `"boolean"`, -6970731678124411036},
		{`"int"`, `"int"`, 8247732601305521295},
		{`"long"`, `"long"`, -3434872931120570953},
		{`{"type":"long"}`, `"long"`, 0},
		{`"float"`, `"float"`, 5583340709985441680},
		{`"double"`, `"double"`, -8181574048448539266},
		{`"bytes"`, `"bytes"`, 5746618253357095269},
		{`"string"`, `"string"`, -8142146995180207161},
		{`[  ]`, `[]`, -1241056759729112623},
		{`[ "int"  ]`, `["int"]`, -5232228896498058493},
		{`[ "int" , {"type":"boolean"} ]`, `["int","boolean"]`, 5392556393470105090},
		{`{"fields":[], "type":"record", "name":"foo"}`, `{"name":"foo","type":"record","fields":[]}`, -4824392279771201922},
		{`{"fields":[], "type":"record", "name":"foo", "namespace":"x.y"}`, `{"name":"x.y.foo","type":"record","fields":[]}`, 5916914534497305771},
		{`{"fields":[], "type":"record", "name":"a.b.foo", "namespace":"x.y"}`, `{"name":"a.b.foo","type":"record","fields":[]}`, -4616218487480524110},
		{`{"fields":[], "type":"record", "name":"foo", "doc":"foo", "aliases":["foo","bar"]}`, `{"name":"foo","type":"record","fields":[]}`, -4824392279771201922},
		{`{"fields":[{"type":{"type":"boolean"}, "name":"f1"}], "type":"record", "name":"foo"}`, `{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"}]}`, 7843277075252814651},
		{
			`{ "fields":[{"type":"boolean", "aliases":[], "name":"f1", "default":"true"}, {"order":"descending","name":"f2","doc":"Hello","type":"int"}], "type":"record", "name":"foo"}`,
			`{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"},{"name":"f2","type":"int"}]}`, -4860222112080293046,
		},
		{`{"type":"enum", "name":"foo", "symbols":["A1"]}`, `{"name":"foo","type":"enum","symbols":["A1"]}`, -6342190197741309591},
		{`{"namespace":"x.y.z", "type":"enum", "name":"foo", "doc":"foo bar", "symbols":["A1", "A2"]}`, `{"name":"x.y.z.foo","type":"enum","symbols":["A1","A2"]}`, -4448647247586288245},
		{`{"name":"foo","type":"fixed","size":15}`, `{"name":"foo","type":"fixed","size":15}`, 1756455273707447556},
		{`{"namespace":"x.y.z", "type":"fixed", "name":"foo", "doc":"foo bar", "size":"32"}`, `{"name":"x.y.z.foo","type":"fixed","size":32}`, -3064184465700546786},
		{`{ "items":{"type":"null"}, "type":"array"}`, `{"type":"array","items":"null"}`, -589620603366471059},
		{`{ "values":"string", "type":"map"}`, `{"type":"map","values":"string"}`, -8732877298790414990},
		{
			`{"name":"PigValue","type":"record", "fields":[{"name":"value", "type":["null", "int", "long", "PigValue"]}]}`,
			`{"name":"PigValue","type":"record","fields":[{"name":"value","type":["null","int","long","PigValue"]}]}`, -1759257747318642341,
		},
		// Not of the project's list: what the specification's rules say beyond it.
		{`{"type":"long","logicalType":"timestamp-millis"}`, `"long"`, -3434872931120570953},
		{`{"type":{"type":"string"}}`, `"string"`, -8142146995180207161},
		{
			`{"type":"record","name":"a","namespace":"n","fields":[{"name":"x","type":{"type":"enum","name":"e","symbols":["\u0041"]}},{"name":"y","type":"e"},{"name":"z","type":{"type":"record","name":"m.b","fields":[{"name":"w","type":"n.e"}]}}]}`,
			`{"name":"n.a","type":"record","fields":[{"name":"x","type":{"name":"n.e","type":"enum","symbols":["A"]}},{"name":"y","type":"n.e"},{"name":"z","type":{"name":"m.b","type":"record","fields":[{"name":"w","type":"n.e"}]}}]}`, 0,
		},
	} {
		got, err := Canonical(row.schema)
		if err != nil || got != row.canonical {
			t.Errorf("Canonical(%s)\n = %s, %v\nwant %s", row.schema, got, err, row.canonical)
		}
		if fp := int64(Fingerprint(got)); row.fingerprint != 0 && fp != row.fingerprint {
			t.Errorf("fingerprint of %s = %d, want %d", row.schema, fp, row.fingerprint)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"no JSON":             `{`,
		"a number":            `7`,
		"a name nobody knows": `{"type":"record","name":"a","fields":[{"name":"x","type":"b"}]}`,
		"a name twice":        `[{"type":"fixed","name":"a","size":1},{"type":"fixed","name":"a","size":2}]`,
		"no fields":           `{"type":"record","name":"a"}`,
		"no size":             `{"type":"fixed","name":"a"}`,
		"no name":             `{"type":"enum","symbols":[]}`,
		"no type":             `{"name":"a"}`,
	} {
		if form, err := Canonical(schema); err == nil {
			t.Errorf("%s: Canonical = %s, want an error", name, form)
		}
	}
}

// goavro's fingerprint is right exactly where no attribute was dropped from a
// primitive: the trap this package's own canonical form avoids.
func TestFingerprintBesideGoavro(t *testing.T) {
	t.Parallel()
	for schema, same := range map[string]bool{
		`{"type":"record","name":"a.b","fields":[{"name":"x","type":"long"}]}`:                                           true,
		`{"type":"record","name":"a.b","fields":[{"name":"x","type":{"type":"long","logicalType":"timestamp-millis"}}]}`: false,
	} {
		codec, err := goavro.NewCodec(schema)
		if err != nil {
			t.Fatal(err)
		}
		form, err := Canonical(schema)
		if err != nil {
			t.Fatal(err)
		}
		if (Fingerprint(form) == codec.Rabin) != same {
			t.Errorf("%s: ours %x, goavro's %x", form, Fingerprint(form), codec.Rabin)
		}
	}
}
