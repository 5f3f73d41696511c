package enrich

import (
	"bytes"
	"reflect"
	"testing"

	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// I8: what the next event finds on a workbench tells nothing of the one before,
// whether its key was the one or not.
func TestAWorkbenchIsGivenBackWithoutATrace(t *testing.T) {
	t.Parallel()
	rig := newBench(t)
	key, number := keyOf("c"), "13800001234"
	data, iv, err := douyintest.Seal(key, []byte(`{"purePhoneNumber":"`+number+`","countryCode":"86","watermark":{"appid":"`+testApp+`"}}`))
	must(t, err)
	from := &prepared{
		kind: schemas.KindPhone, event: schemas.Event{AppID: testApp},
		encrypted: schemas.Encrypted{EncryptedData: data, IV: iv},
	}
	w := new(workbench)
	for _, key := range []string{string(key), string(keyOf("other")), string(key)} {
		w.user = schemas.EnrichedUser{OpenID: "o", AppID: testApp}
		rig.proc.fill(w, from, &schemas.SessionOutcome{SessionKey: key})
	}
	if w.user.Phone == nil || !bytes.Contains(w.bound, []byte(number)) || !bytes.Contains(w.plain, []byte(number)) {
		t.Fatal("nothing personal was on the workbench")
	}
	w.release()
	for name, room := range map[string][]byte{"plain": w.plain, "bound": w.bound} {
		if room = room[:cap(room)]; bytes.Contains(room, []byte(number)) {
			t.Errorf("%s still holds the number", name)
		}
	}
	if !reflect.DeepEqual(w.user, schemas.EnrichedUser{}) || !reflect.DeepEqual(w.phone, schemas.Phone{}) {
		t.Errorf("left behind: %+v, %+v", w.user, w.phone)
	}
}

// I8: nor does the scratch on which a fact was made or opened.
func TestAScratchIsGivenBackWithoutATrace(t *testing.T) {
	t.Parallel()
	const key = "the session key"
	s := &scratch{plain: []byte(key), bound: []byte("bound")}
	plain := s.plain
	s.release()
	if bytes.Contains(plain, []byte(key)) || len(s.plain) != 0 || len(s.bound) != 0 {
		t.Errorf("left behind: %q", plain)
	}
}
