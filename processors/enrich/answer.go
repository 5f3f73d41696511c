package enrich

import (
	"doustream/platform/douyin"
	"doustream/schemas"
)

// answered takes the answer of an exchange that brought no session.
func (t *Task) answered(e *event, err error) {
	x := e.exchange
	x.busy = false
	x.failures++
	t.requests--
	defer t.checkDrained()
	if e.state == stateDone { // another owner's outcome came first
		return
	}
	t.lines[e.p.event.AppID].heard(err)
	if t.outcome(e) != nil || t.ledger.usurped {
		t.decide(e)
		return
	}
	switch fateOf(douyin.KindOf(err)) {
	case fateUnknown:
		x.notBefore = t.now() + t.backoff(x.failures)
	case fatePassing:
		t.annul(e)
		x.notBefore = t.now() + t.backoff(x.failures)
	case fateCode:
		t.fail(e, t.refusal(e), err)
	case fateRefused:
		t.fail(e, schemas.ReasonPlatformRefused, err)
	}
	t.decide(e)
}

// fate is what an error of the platform means for one login.
type fate uint8

const (
	fateUnknown fate = iota // the code may be used up
	fatePassing             // refused for certain, and the code is as good as before
	fateCode                // the code is wrong, used or expired
	fateRefused             // this login never passes
)

func fateOf(kind douyin.Kind) fate {
	switch kind {
	case douyin.KindUnknown:
		return fateUnknown
	case douyin.KindNotSent, douyin.KindRetry, douyin.KindThrottled, douyin.KindQuota, douyin.KindConfig, douyin.KindToken:
		return fatePassing
	case douyin.KindCode:
		return fateCode
	default:
		return fateRefused
	}
}

// refusal tells a code that the platform does not know from one that an
// earlier send of ours, whose answer was lost, has used up.
func (t *Task) refusal(e *event) schemas.Reason {
	for i, one := range t.ledger.open[e.p.hash] {
		if one.sent && i+1 != e.exchange.attempt {
			return schemas.ReasonCodeOutcomeUnknown
		}
	}
	return schemas.ReasonCodeRefused
}

// Bounds of the pause between two tries, in ms.
const (
	firstPause = 200
	mostPause  = 5000
)

// backoff doubles with each failure and is jittered by half.
func (t *Task) backoff(failures int) int64 {
	pause := min(int64(firstPause)<<min(failures-1, 10), mostPause)
	return pause/2 + int64(t.random()*float64(pause/2)) + 1
}
