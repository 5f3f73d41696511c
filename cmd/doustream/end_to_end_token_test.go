package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"doustream/schemas"
)

var handingOut = regexp.MustCompile(`msg="handing out tokens" .*address=(\S+)`)

// askToken asks a running notify for a token.
func (w *world) askToken(r *running, query string) (int, tokenAnswer, string) {
	w.t.Helper()
	addr := handingOut.FindStringSubmatch(r.log.String())
	if addr == nil {
		w.t.Fatalf("nothing says where tokens are handed out:\n%s", r.log)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+addr[1]+"/token?"+query, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var answer tokenAnswer
	if res.StatusCode == http.StatusOK && json.Unmarshal(body, &answer) != nil {
		w.t.Fatalf("no answer: %s", body)
	}
	return res.StatusCode, answer, string(body)
}

// The owner's token is read by others, by command and on loopback, from the
// owner and from one that stands by, and never fetched for it (I6). It is in no
// log, nor in what the command prints unasked (I8).
func TestEndToEndTokenIsReadNotFetched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "DOUSTREAM_NOTIFY_TOKEN_ADDR=127.0.0.1:0", "DOUSTREAM_LOG_LEVEL=debug", "DOUSTREAM_NOTIFY_TOKEN=client_token")
	if code, _, errs := invoke(t, w.environ, "token", "--show"); code != exitFailed || !strings.Contains(errs, "none that lives") {
		t.Errorf("before there is one: exit %d: %s", code, errs)
	}
	owner := w.role("notify")
	w.produce(schemas.TopicOrders, "u", asJSON(t, map[string]any{
		"notification_id": "n", "app_id": testApp, "open_id": "u", "template_id": "MSG1", "data": map[string]any{"k": "v"},
	}))
	collect(w, schemas.TopicResults, 1, decodeResult)
	w.environ = append(w.environ, "DOUSTREAM_INSTANCE_ID=two")
	standby := start(t, w.environ, "notify")
	standby.log.await(t, "handing out tokens")

	status, answer, body := w.askToken(owner, "app_id="+testApp)
	if status != http.StatusOK || !strings.HasPrefix(answer.Token, "clt.") || answer.Kind != "client_token" || answer.AppID != testApp ||
		answer.ExpiresIn < 7000 || answer.ExpiresIn > 7200 || answer.AskAgainIn != 240 {
		t.Fatalf("the owner answers %d %s", status, body)
	}
	if _, again, body := w.askToken(standby, "app_id="+testApp+"&kind=client_token"); again.Token != answer.Token {
		t.Errorf("one that stands by answers %s", body)
	}
	for query, want := range map[string]int{"": 400, "app_id=tt9": 404, "app_id=" + testApp + "&kind=access_token": 404} {
		if status, _, body := w.askToken(owner, query); status != want || strings.Contains(body, answer.Token) {
			t.Errorf("%q: %d %s, want %d", query, status, body, want)
		}
	}
	code, out, errs := invoke(t, w.environ, "token", "--app", testApp, "--kind", "client_token", "--show")
	if code != exitOK || out != answer.Token+"\n" {
		t.Errorf("the command: exit %d, %q %s", code, out, errs)
	}
	code, out, more := invoke(t, w.environ, "token")
	if code != exitOK || !strings.Contains(out, testApp+"  client_token") || strings.Contains(out, answer.Token) {
		t.Errorf("the list: exit %d, %s", code, out)
	}
	code, _, errs2 := invoke(t, append(slices.Clone(w.environ), "DOUSTREAM_SEALING_KEYS=other:"+testKey), "token", "--show")
	if code != exitFailed || !strings.Contains(errs2, "key that is not configured") {
		t.Errorf("without the key: exit %d, %s", code, errs2)
	}
	if fetches := w.platform.TokenFetches(); len(fetches) != 1 {
		t.Errorf("I6: %d fetches, want the owner's one", len(fetches))
	}
	standby.first()
	standby.wait(t)
	w.stop(owner)
	for place, text := range map[string]string{"the owner's log": owner.log.String(), "the other's log": standby.log.String(), "the command's log": errs + more} {
		if strings.Contains(text, answer.Token) {
			t.Errorf("I8: the token is in %s", place)
		}
	}
}
