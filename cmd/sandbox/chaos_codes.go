package main

import (
	"slices"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

// judgeCodes holds what the platform was asked against I3: one send, and one
// more when nobody can know what became of the first. What was refused for
// certain is no send, and the code is as good as before. A code's life is counted
// from its event.
func (o *oracle) judgeCodes() {
	events := map[string]traffic.Sent{}
	for _, s := range o.sent {
		if s.Code != "" {
			events[s.Code] = s
		}
	}
	for _, c := range o.codes {
		asks := slices.DeleteFunc(slices.Clone(c.Asks), refusedForCertain)
		name := "a code of " + c.User + ", issued " + c.IssuedAt.Format(time.TimeOnly)
		if c.IssuedAt.IsZero() {
			name = "a code that was never issued, of " + events[c.Code].Session
		}
		switch {
		case len(asks) > 2:
			o.tell(chargeCodeTwice, "%s: %d times", name, len(asks))
		case len(asks) == 2 && !o.unheard(asks[0]):
			o.tell(chargeCodeTwice, "%s: twice, and the first answer was clear", name)
		}
		event, known := events[c.Code]
		if !known {
			continue // the anonymous one beside a code, which is asked with it
		}
		for _, a := range c.Asks { // one that is refused for certain has left all the same
			if late := a.At.Sub(time.UnixMilli(event.At)) - codeLife; late > handling {
				o.tell(chargeCodeLate, "%s: %s too late", name, late)
			}
		}
	}
}

// refusedForCertain says whether a request was turned down before its code was
// looked at: throttled, or under an app id or secret that is wrong, which each
// instance finds out for itself.
func refusedForCertain(a douyintest.Ask) bool {
	return a.Fault == douyintest.ModeThrottle || a.Fault == "" && (a.ErrNo == errNoApp || a.ErrNo == errNoSecret)
}

// What the platform says of an app that is not, or not with that secret.
const errNoApp, errNoSecret = 40015, 40017
