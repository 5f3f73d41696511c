package enrich

import (
	"testing"

	"pgregory.net/rapid"

	"doustream/schemas"
)

func TestRememberedSessionIsTheOneThatWasSealed(t *testing.T) {
	t.Parallel()
	m, err := newMemorySealer()
	must(t, err)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 200, 300)
		f := schemas.SessionFact{
			AppID: text.Draw(t, "app"), SessionKey: text.Draw(t, "key"), OpenID: text.Draw(t, "open"),
			UnionID: text.Draw(t, "union"), AnonymousOpenID: text.Draw(t, "anonymous"),
		}
		sealed := m.seal(&f)
		got, err := m.open(sealed)
		if err != nil || got.AppID != f.AppID || got.SessionKey != f.SessionKey || got.OpenID != f.OpenID ||
			got.UnionID != f.UnionID || got.AnonymousOpenID != f.AnonymousOpenID {
			t.Fatalf("got %#v, %v", got, err)
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1
		if _, err := m.open(sealed); err == nil {
			t.Fatal("a damaged one opens")
		}
	})
}

func TestRecentNeverTakesOneSessionForAnother(t *testing.T) {
	t.Parallel()
	r := new(recent)
	rapid.Check(t, func(t *rapid.T) {
		at := place(rapid.Uint64Min(1).Draw(t, "place"))
		r.keep(at, []byte{1})
		if other := place(rapid.Uint64().Draw(t, "other")); other != at && r.find(other) != nil && r.slots[other.slot()].at != other {
			t.Fatal("found another's")
		}
		if r.find(at) == nil {
			t.Fatal("forgot at once")
		}
	})
}
