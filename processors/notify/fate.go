package notify

import (
	"errors"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// fate is what is done with an order after an attempt.
type fate uint8

const (
	fateDone  fate = iota // a result: fateRow.status
	fateRetry             // refused for certain, and passing
	fateMaybe             // may have been sent: the Unknown policy decides
)

// effect is what an attempt's outcome does to the app beyond its order.
type effect uint8

const (
	effectNone       effect = iota
	effectAnswered          // the platform is there
	effectUnanswered        // the platform is not there: the breaker counts
	effectSlowDown          // the rate is halved
	effectQuota             // nothing for a while
	effectDropToken         // the token that was used is dropped
	effectStop              // the app stands still until a probe succeeds
	effectNoConsent         // the ledger is corrected
	effectConsumed          // a credit is spent
)

type fateRow struct {
	fate   fate
	status schemas.Status // of fateDone
	reason string
	effect effect
}

// sent is the fate of an attempt without an error.
var sent = fateRow{fateDone, schemas.StatusSent, reasonSent, effectConsumed}

// fates is what every kind of error means for an order and for its app.
var fates = map[douyin.Kind]fateRow{
	douyin.KindUnknown:       {fate: fateMaybe, reason: reasonOutcomeUnknown, effect: effectUnanswered},
	douyin.KindNotSent:       {fate: fateRetry, reason: reasonUnreachable, effect: effectUnanswered},
	douyin.KindRetry:         {fate: fateRetry, reason: reasonRefused, effect: effectAnswered},
	douyin.KindThrottled:     {fate: fateRetry, reason: reasonThrottled, effect: effectSlowDown},
	douyin.KindQuota:         {fate: fateRetry, reason: reasonQuota, effect: effectQuota},
	douyin.KindToken:         {fate: fateRetry, reason: reasonToken, effect: effectDropToken},
	douyin.KindConfig:        {fate: fateRetry, reason: reasonConfig, effect: effectStop},
	douyin.KindBadRequest:    {fateDone, schemas.StatusRefused, reasonBadRequest, effectAnswered},
	douyin.KindCode:          {fateDone, schemas.StatusRefused, reasonBadRequest, effectAnswered},
	douyin.KindContent:       {fateDone, schemas.StatusRefused, reasonContent, effectAnswered},
	douyin.KindUser:          {fateDone, schemas.StatusRefused, reasonUser, effectAnswered},
	douyin.KindNotSubscribed: {fateDone, schemas.StatusNoCredit, reasonNotSubscribed, effectNoConsent},
}

// fateOf reads an attempt's error. An error of no known kind may have been
// sent.
func fateOf(err error) fateRow {
	if err == nil {
		return sent
	}
	row, ok := fates[douyin.KindOf(err)]
	if !ok {
		row = fates[douyin.KindUnknown]
	}
	if e, ok := errors.AsType[*douyin.Error](err); ok && e.Unlisted() && row.effect == effectUnanswered {
		row.effect = effectAnswered // the order may have been sent, and the platform is there
	}
	return row
}

// The reasons of results, beside those of schemas.Reason for StatusInvalid.
const (
	reasonSent           = ""                // a reason says why it was not sent
	reasonOutcomeUnknown = "outcome_unknown" // no answer that says what became of it
	reasonInterrupted    = "interrupted"     // the owner died while it was being sent
	reasonUnreachable    = "platform_unreachable"
	reasonRefused        = "platform_refused"
	reasonThrottled      = "throttled"
	reasonQuota          = "quota"
	reasonToken          = "token_refused"
	reasonConfig         = "app_refused"
	reasonBadRequest     = "bad_request"
	reasonContent        = "content_refused"
	reasonUser           = "user_unreachable"
	reasonNotSubscribed  = "not_subscribed" // the platform says so
	reasonNoConsent      = "no_consent"     // the ledger says so; not asked
	reasonUserFlooded    = "user_flooded"   // Config.UserQueue of the user's orders wait already
	reasonExpired        = "expired"
	reasonUnreadable     = "state_unreadable" // a restored order that no longer decodes
)

// reasonTexts is every reason that dedup may have to remember, by a number
// that is never given another meaning within one process.
var reasonTexts = []string{
	reasonSent, reasonOutcomeUnknown, reasonInterrupted, reasonUnreachable, reasonRefused, reasonThrottled,
	reasonQuota, reasonToken, reasonConfig, reasonBadRequest, reasonContent, reasonUser, reasonNotSubscribed,
	reasonNoConsent, reasonExpired, reasonUnreadable, string(schemas.ReasonAppUnknown),
}
