package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestASecretIsFoundWhereverItHides(t *testing.T) {
	t.Parallel()
	h := hunter()
	h.letters("hUmG5vVYy9Jq2w==", "a session key")
	h.letters("Ab3dEf_6hIjKlMnOpQrStUvWxYz-0123456789", "a login code")
	h.letters("\x00raw\x01session\x02key\xff", "a session key's bytes")
	h.word("13812345678", "a phone number")
	h.phrase("sandbox-secret-of-the-shop-app", "an AppSecret")
	h.phrase("建国路93号", "an address's detail")
	h.word("short", "too short to tell from a word")
	for _, clean := range []string{"", "phone=138****5678", "at 1763800000123", "short", "key 113812345678"} {
		if h.search("it", []byte(clean)); len(h.found) > 0 {
			t.Errorf("%q: %v", clean, h.found)
		}
	}
	for what, dirty := range map[string]string{
		"a session key in it":         `{"session_key":"hUmG5vVYy9Jq2w=="}`,
		"a login code in it":          `level=INFO msg="exchange code" code=Ab3dEf_6hIjKlMnOpQrStUvWxYz-0123456789 app=tt1`,
		"a session key's bytes in it": "RESULT\x00raw\x01session\x02key\xffbehind",
		"a phone number in it":        "+13812345678x",
		"an address's detail in it":   `"detail":"北京市建国路93号院"`,
		"a token in it":               "token=clt.0123456789abcdef0123456789abcdef0123456789abcdef",
		"an AppSecret in it":          "err=xxsandbox-secret-of-the-shop-appyy",
	} {
		if h.search("it", []byte(dirty)); h.found[what] == 0 {
			t.Errorf("%s: not found in %q", what, dirty)
		}
	}
	if leaks := fmt.Sprint(h.leaks()); strings.Contains(leaks, "hUmG") || strings.Contains(leaks, "1381") {
		t.Errorf("the finding shows it: %s", leaks)
	}
}
