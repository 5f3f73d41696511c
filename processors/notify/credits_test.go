package notify

import (
	"fmt"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// What the ledger holds decides whether the platform is asked.
func TestCredits(t *testing.T) {
	t.Parallel()
	const (
		accept = schemas.ConsentAccept
		reject = schemas.ConsentReject
		ban    = schemas.ConsentBan
		failed = schemas.ConsentFail
	)
	oneTime := map[string]Template{"tpl": {Kind: TemplateOneTime}}
	longTerm := map[string]Template{"tpl": {Kind: TemplateLongTerm}}
	tests := []struct {
		name      string
		mode      Credits
		templates map[string]Template
		facts     []schemas.ConsentStatus
		orders    int
		asked     int
	}{
		{"advise: nothing is known: asked", CreditsAdvise, nil, nil, 2, 2},
		{"advise: rejected: not asked", CreditsAdvise, nil, []schemas.ConsentStatus{reject}, 1, 0},
		{"advise: banned: not asked", CreditsAdvise, nil, []schemas.ConsentStatus{ban}, 1, 0},
		{"advise: a prompt that failed says nothing", CreditsAdvise, nil, []schemas.ConsentStatus{failed}, 1, 1},
		{"advise: rejected, then accepted", CreditsAdvise, nil, []schemas.ConsentStatus{reject, accept}, 1, 1},
		{"advise: a credit is left after a reject, and no second", CreditsAdvise, nil, []schemas.ConsentStatus{accept, reject}, 2, 1},
		{"advise: accepted once and sent twice: the platform knows best", CreditsAdvise, nil, []schemas.ConsentStatus{accept}, 2, 2},
		{"enforce: nothing is known: not asked", CreditsEnforce, oneTime, nil, 1, 0},
		{"enforce: each accept is one", CreditsEnforce, oneTime, []schemas.ConsentStatus{accept, accept}, 3, 2},
		{"enforce: long-term stands", CreditsEnforce, longTerm, []schemas.ConsentStatus{accept}, 3, 3},
		{"enforce: long-term, rejected", CreditsEnforce, longTerm, []schemas.ConsentStatus{accept, reject}, 1, 0},
		{"enforce: a template of no known kind is advised", CreditsEnforce, map[string]Template{"other": {Kind: TemplateOneTime}}, nil, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{Credits: tt.mode, Templates: tt.templates})
			for n, status := range tt.facts {
				w.consent(answered("u1", status, w.now.Add(time.Duration(n)*time.Minute)))
			}
			w.now = w.now.Add(time.Hour)
			w.start()
			for n := range tt.orders {
				w.publish(0, orderJSON(fmt.Sprint("n", n), "u1"))
				w.run(w.now.Add(20 * time.Second))
				w.current.crash() // what was spent outlives its owner
				w.start()
			}
			if len(w.platform.sends) != tt.asked {
				t.Errorf("asked %d times, want %d", len(w.platform.sends), tt.asked)
			}
			for source, rs := range w.results() {
				if len(rs) != 1 {
					t.Errorf("%v has %d results", source, len(rs))
				}
			}
			if n := len(w.results()); n != tt.orders {
				t.Errorf("%d results of %d orders", n, tt.orders)
			}
		})
	}
}

func answered(openID string, status schemas.ConsentStatus, at time.Time) schemas.ConsentFact {
	return schemas.ConsentFact{AppID: "tt1", OpenID: openID, TemplateID: "tpl", Status: status, OccurredAt: at.UnixMilli()}
}

// An order that overtakes its own subscription event is not refused for it.
func TestOrderOvertakesItsConsent(t *testing.T) {
	t.Parallel()
	for _, mode := range []Credits{CreditsAdvise, CreditsEnforce} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := newWorld(Config{Credits: mode, Templates: map[string]Template{"tpl": {Kind: TemplateOneTime}}})
			w.consent(answered("u1", schemas.ConsentReject, w.now.Add(-time.Hour)))
			w.start()
			w.run(w.now.Add(time.Minute))
			source := w.publish(0, orderJSON("n1", "u1"))
			w.run(w.now.Add(3 * time.Second))
			w.consent(answered("u1", schemas.ConsentAccept, w.now.Add(-4*time.Second)))
			w.run(w.now.Add(time.Second))
			if r := one(t, w, source); r.Status != schemas.StatusSent {
				t.Errorf("it is %s", statusNames[r.Status])
			}
		})
	}
}

// The platform's "not subscribed" corrects the ledger, until a later accept.
func TestPlatformCorrectsTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.consent(answered("u1", schemas.ConsentAccept, w.now.Add(-time.Hour)))
	w.platform.send = func(douyin.Notification, douyin.Token) error { return fault(douyin.KindNotSubscribed) }
	w.start()
	send := func(id string) schemas.NotificationResult {
		source := w.publish(0, orderJSON(id, "u1"))
		w.run(w.now.Add(20 * time.Second))
		return one(t, w, source)
	}
	if r := send("n1"); r.Reason != reasonNotSubscribed || r.ErrNo == nil || r.LogID == "" {
		t.Errorf("first: %+v", r)
	}
	w.current.crash()
	w.start()
	if r := send("n2"); r.Reason != reasonNoConsent || len(w.platform.sends) != 1 {
		t.Errorf("second: %+v after %d sends", r, len(w.platform.sends))
	}
	w.consent(answered("u1", schemas.ConsentAccept, w.now.Add(-time.Minute))) // known to the platform when it refused
	if r := send("n3"); r.Reason != reasonNoConsent {
		t.Errorf("after an accept of before: %+v", r)
	}
	w.consent(answered("u1", schemas.ConsentAccept, w.now))
	w.platform.send = nil
	if r := send("n4"); r.Status != schemas.StatusSent {
		t.Errorf("after a new accept: %+v", r)
	}
}

// A full ledger forgets no one it knows, and refuses nobody it does not.
func TestLedgerIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{LedgerMax: 10, Credits: CreditsEnforce, Templates: map[string]Template{"tpl": {Kind: TemplateOneTime}}})
	for n := range 30 {
		w.consent(answered(fmt.Sprint("u", n), schemas.ConsentAccept, w.now))
	}
	i := w.start()
	if n := len(i.task.ledger.entries); n != 10 {
		t.Errorf("%d entries", n)
	}
	known := w.publish(0, orderJSON("n1", "u0"))
	spent := w.publish(0, orderJSON("n2", "u0"))
	unknown := w.publish(0, orderJSON("n3", "u29"))
	w.run(w.now.Add(time.Minute))
	for source, want := range map[schemas.Source]schemas.Status{known: schemas.StatusSent, spent: schemas.StatusNoCredit, unknown: schemas.StatusSent} {
		if r := one(t, w, source); r.Status != want {
			t.Errorf("%s is %s, want %s", r.NotificationID, statusNames[r.Status], statusNames[want])
		}
	}
}
