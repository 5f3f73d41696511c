package notify

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"doustream/platform/douyin"
)

// Driver is the API of the platform that sends.
type Driver string

const (
	DriverV2 Driver = "v2" // notification/v2/subscription/notify_user, by client token
	DriverV1 Driver = "v1" // subscribe_notification/developer/v1/notify, by access_token
)

// TokenKind is a kind of token; the kinds are not interchangeable.
type TokenKind string

const (
	TokenAccess       TokenKind = "access_token"        // the only one of v1
	TokenClient       TokenKind = "client_token"        // v2; a new one cuts the life of the old
	TokenStableClient TokenKind = "stable_client_token" // v2's default; idempotent while it lives
)

// Unknown is what is done about a send whose outcome is unknown.
type Unknown string

const (
	UnknownReport Unknown = "report" // a result UNKNOWN, never sent again
	UnknownResend Unknown = "resend" // sent again: at least once
)

// Credits is how far the ledger of consents is trusted.
type Credits string

const (
	// CreditsAdvise ends an order as NO_CREDIT without asking the platform only
	// on a known negative: rejected, or refused by the platform with no later
	// accept.
	CreditsAdvise Credits = "advise"
	// CreditsEnforce sends only what the ledger holds a credit or a standing
	// permission for. Templates that Config.Templates does not name are treated
	// as by CreditsAdvise.
	CreditsEnforce Credits = "enforce"
)

// TemplateKind is how a template's consent is given.
type TemplateKind string

const (
	TemplateOneTime  TemplateKind = "one-time"  // each accept is one credit
	TemplateLongTerm TemplateKind = "long-term" // an accept stands until it is rejected
)

// Template is what is known of a message template.
type Template struct {
	Kind TemplateKind
	Keys []string // keywords that an order's data must have; nil: not checked
}

// Config is what notify is told. Zero values take the defaults named.
type Config struct {
	Orders        []string // order topics, full names; required
	Notifications string   // state topic, full name; required
	Tokens        string   // state topic, full name; required
	Consents      string   // the topic of consent facts, full name; required

	Apps      []douyin.App        // required; each has a token, limits and a queue of its own
	Templates map[string]Template // by template id; CreditsEnforce needs their kinds

	Driver    Driver    // default v2
	TokenKind TokenKind // default access_token under v1, stable_client_token under v2
	PerApp    map[string]AppConfig
	Unknown   Unknown // default report
	Credits   Credits // default advise

	DedupLife  time.Duration // how long a result is remembered, default 24h
	DedupMax   int           // results remembered at most, the oldest forgotten first, default 10 million
	OrderLife  time.Duration // of an order without expires_at, default 24h
	OrderBytes int           // of one order, default 256 KiB; larger ones are INVALID

	Rate         float64       // sends per second and app, default 800 (the platform's bound is 1000)
	InFlight     int           // sends per app that are under way at once, default 256
	UserInterval time.Duration // between two sends to a user, default 1s
	// UserQueue bounds the orders of one user that wait, default 10,000, and no
	// more than half of its app's share of Queue and QueueBytes. Further ones are
	// refused with a result, so that they hold nobody else up; they are not
	// remembered, and may be published again.
	UserQueue int
	// Queue and QueueBytes bound the orders of all apps that are taken in, default
	// 100,000 and 256 MiB, each app having an equal share. Beyond its share an
	// app's orders wait where they are, and hold up what stands behind them in
	// their partitions; other partitions, and topics, go on.
	Queue      int
	QueueBytes int64

	RequestTimeout time.Duration // of one request to the platform, default 5s
	RetryMin       time.Duration // before the second attempt, doubling, default 1s
	RetryMax       time.Duration // between two attempts, default 1m
	// ConsentWait is how long an order waits for the subscription event that it
	// may have overtaken, before it ends as NO_CREDIT unasked; default 5s.
	ConsentWait time.Duration
	LedgerMax   int // consents remembered, default 5 million
}

func (c Config) withDefaults() Config {
	def(&c.Driver, DriverV2)
	def(&c.TokenKind, c.Driver.token())
	def(&c.Unknown, UnknownReport)
	def(&c.Credits, CreditsAdvise)
	def(&c.DedupLife, 24*time.Hour)
	def(&c.DedupMax, 10_000_000)
	def(&c.OrderLife, 24*time.Hour)
	def(&c.OrderBytes, 256<<10)
	def(&c.Rate, 800)
	def(&c.InFlight, 256)
	def(&c.UserInterval, time.Second)
	def(&c.UserQueue, 10_000)
	def(&c.Queue, 100_000)
	def(&c.QueueBytes, 256<<20)
	def(&c.RequestTimeout, 5*time.Second)
	def(&c.RetryMin, time.Second)
	def(&c.RetryMax, time.Minute)
	def(&c.ConsentWait, 5*time.Second)
	def(&c.LedgerMax, 5_000_000)
	return c
}

// AppConfig is what one app has of its own, by its id in Config.PerApp. Zero
// values take those of Config; a driver of its own has its own default token.
type AppConfig struct {
	Driver    Driver
	TokenKind TokenKind
	Rate      float64
	InFlight  int
}

// of is how an app sends. Config has its defaults.
func (c Config) of(appID string) AppConfig {
	a := c.PerApp[appID]
	def(&a.Driver, c.Driver)
	if a.Driver == c.Driver {
		def(&a.TokenKind, c.TokenKind)
	}
	def(&a.TokenKind, a.Driver.token())
	def(&a.Rate, c.Rate)
	def(&a.InFlight, c.InFlight)
	return a
}

// token is the kind that a driver sends by, unless another is asked for.
func (d Driver) token() TokenKind {
	if d == DriverV1 {
		return TokenAccess
	}
	return TokenStableClient
}

func def[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// maxDedup bounds Config.DedupMax: more does not fit the arena's positions.
const maxDedup = 32 << 20

// validate names everything that is wrong at once.
func (c Config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(len(c.Orders) == 0, "no order topic")
	fault(c.Notifications == "" || c.Tokens == "" || c.Consents == "", "a topic has no name")
	fault(len(c.Apps) == 0, "no app")
	seen := map[string]bool{}
	for _, app := range c.Apps {
		fault(app.ID == "" || strings.Contains(app.ID, "|"), "app id %q is empty or holds a |", app.ID)
		fault(app.Secret == "", "app %q has no secret", app.ID)
		fault(seen[app.ID], "app %q is there twice", app.ID)
		seen[app.ID] = true
		faults = append(faults, c.of(app.ID).faults()...)
	}
	fault(c.Unknown != UnknownReport && c.Unknown != UnknownResend, "unknown policy %q is neither report nor resend", c.Unknown)
	fault(c.Credits != CreditsAdvise && c.Credits != CreditsEnforce, "credits %q is neither advise nor enforce", c.Credits)
	fault(c.Credits == CreditsEnforce && len(c.Templates) == 0, "credits enforce needs the kinds of the templates")
	for id, t := range c.Templates {
		fault(t.Kind != TemplateOneTime && t.Kind != TemplateLongTerm, "template %q is neither one-time nor long-term", id)
	}
	fault(c.UserQueue <= 0 || c.Queue < len(c.Apps) || c.QueueBytes < int64(len(c.Apps)) || c.DedupMax <= 0 || c.DedupMax > maxDedup, "a limit is not positive, or above what can be held")
	fault(c.DedupLife <= 0 || c.OrderLife <= 0 || c.RequestTimeout <= 0 || c.RetryMin <= 0 || c.RetryMax < c.RetryMin || c.UserInterval < 0 || c.ConsentWait < 0, "a time is not positive")
	return errors.Join(faults...)
}

func (a AppConfig) faults() []error {
	var faults []error
	if a.Driver != DriverV1 && a.Driver != DriverV2 {
		faults = append(faults, fmt.Errorf("driver %q is neither v1 nor v2", a.Driver))
	}
	if (a.Driver == DriverV1) != (a.TokenKind == TokenAccess) {
		faults = append(faults, fmt.Errorf("driver %s cannot send with a %s", a.Driver, a.TokenKind))
	}
	if a.TokenKind != TokenAccess && a.TokenKind != TokenClient && a.TokenKind != TokenStableClient {
		faults = append(faults, fmt.Errorf("token kind %q is unknown", a.TokenKind))
	}
	if a.Rate <= 0 || a.InFlight <= 0 {
		faults = append(faults, errors.New("a rate or a limit in flight is not positive"))
	}
	return faults
}
