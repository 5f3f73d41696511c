package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"doustream/cmd/sandbox/traffic"
	"doustream/schemas"
)

// codeFact is one record of doustream.sessions: what its key says, and where it
// stands.
type codeFact struct {
	code   string // session, and hash of the code
	kind   string // SENT, RESULT, FAILED or ANNULLED
	offset int64  // in its partition, which is the session's
}

// readCodeFacts reads what doustream wrote down of codes, in the order of each
// partition. A record whose key says something else is an owner's marker.
func readCodeFacts(ctx context.Context, env environment) ([]codeFact, error) {
	records, err := readAll(ctx, env, false, env["DOUSTREAM_TOPIC_PREFIX"]+schemas.TopicSessions)
	if err != nil {
		return nil, err
	}
	var facts []codeFact
	for _, rec := range records {
		parts := strings.Split(string(rec.Key), "|") // the traffic's sessions have none
		if len(parts) == 4 && len(rec.Value) > 0 {
			facts = append(facts, codeFact{parts[0] + "|" + parts[1], parts[2], rec.Offset})
		}
	}
	return facts, nil
}

// codeID is how the facts of a login's code begin: the session, and the first
// half of an HMAC over what the code belongs to.
func codeID(s traffic.Sent, kind string) string {
	mac := hmac.New(sha256.New, []byte("doustream/code/1"))
	for _, part := range []string{s.AppID, s.Session, kind, s.Code} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) //nolint:gosec // a code is short
		mac.Write([]byte(part))
	}
	return s.Session + "|" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// record is what stands in the ledger of one code.
type record struct {
	sent    int    // SENTs before the outcome
	outcome string // the first that stands; empty: none
}

// judgeLedger holds the requests and the results against doustream.sessions: each
// request has a SENT of its own, which stands before the code's outcome, and the
// outcome that stands first is the login's. No fault excuses anything else.
func (o *oracle) judgeLedger() {
	ledger := o.ledger()
	judged := map[string]bool{}
	for _, in := range o.inputs {
		s := o.expected[in.source]
		if s.Code == "" {
			continue
		}
		var r record
		for _, kind := range []string{"code", "anonymous"} {
			of := ledger[codeID(s, kind)]
			r = record{r.sent + of.sent, cmp.Or(r.outcome, of.outcome)}
		}
		if asks := o.byCode[s.Code].Asks; len(asks) > r.sent && !judged[s.Code] {
			o.find(chargeUnwritten, s, in.source, "the platform was asked %d times, on %d SENTs", len(asks), r.sent)
		}
		judged[s.Code] = true
		for _, got := range o.bySource[in.source] {
			if got.enriched != (r.outcome == "RESULT") {
				o.find(chargeOutcome, s, in.source, "became %s; the ledger says %s", got.what, cmp.Or(r.outcome, "nothing"))
			}
		}
	}
}

func (o *oracle) ledger() map[string]record {
	facts := slices.Clone(o.codeFacts)
	slices.SortStableFunc(facts, func(a, b codeFact) int { return cmp.Compare(a.offset, b.offset) })
	ledger := map[string]record{}
	for _, f := range facts {
		r := ledger[f.code]
		switch {
		case r.outcome != "":
		case f.kind == "SENT":
			r.sent++
		case f.kind == "RESULT" || f.kind == "FAILED":
			r.outcome = f.kind
		}
		ledger[f.code] = r
	}
	return ledger
}
