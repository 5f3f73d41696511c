package config

import (
	"fmt"
	"time"

	"doustream/platform/telemetry"
)

// NotifySection is the notify role.
type NotifySection struct {
	Driver         string        `env:"NOTIFY_DRIVER" envDefault:"v2" oneof:"v1,v2" doc:"which of the platform's two ways to send"`
	Unknown        string        `env:"NOTIFY_UNKNOWN" envDefault:"report" oneof:"report,resend" doc:"what becomes of a send whose outcome is unknown; resend may send twice"`
	Credits        string        `env:"NOTIFY_CREDITS" envDefault:"advise" oneof:"advise,enforce" doc:"whether the ledger of consents is advice or the law"`
	DedupLife      time.Duration `env:"NOTIFY_DEDUP_LIFE" envDefault:"24h" min:"1m" max:"720h" doc:"how long a repeated notification_id gets its first result again"`
	Templates      Templates     `env:"NOTIFY_TEMPLATES" doc:"message templates, how users consent to them and, where orders are to be checked, the keywords they fill in: id=one-time:keyword:keyword,id=long-term,…; NOTIFY_CREDITS=enforce needs them"`
	Token          string        `env:"NOTIFY_TOKEN" oneof:"access_token,client_token,stable_client_token" doc:"kind of token to send with; default access_token for v1, stable_client_token for v2"`
	Rate           float64       `env:"NOTIFY_RATE" envDefault:"800" min:"0.1" max:"100000" doc:"notifications a second for each app; the platform's bound is 1000"`
	InFlight       int           `env:"NOTIFY_IN_FLIGHT" envDefault:"256" min:"1" max:"10000" doc:"sends under way at once for each app"`
	Queue          int           `env:"NOTIFY_QUEUE" envDefault:"100000" min:"1000" max:"10000000" doc:"orders that wait in memory, an equal share for each app; beyond its share an app's orders wait in Kafka and hold up their partitions"`
	QueueBytes     int           `env:"NOTIFY_QUEUE_BYTES" envDefault:"268435456" min:"16777216" max:"68719476736" doc:"and their bytes"`
	UserQueue      int           `env:"NOTIFY_USER_QUEUE" envDefault:"10000" min:"1" max:"1000000" doc:"orders of one user that wait, and no more than half of its app's share of NOTIFY_QUEUE; further ones end as REFUSED, user_flooded"`
	DedupMax       int           `env:"NOTIFY_DEDUP_MAX" envDefault:"10000000" min:"1000" max:"30000000" doc:"results remembered for repeated notification_ids, at 55 bytes of memory each; beyond, the oldest are forgotten early"`
	UserInterval   time.Duration `env:"NOTIFY_USER_INTERVAL" envDefault:"1s" min:"1ms" max:"1h" doc:"between two notifications to one user; the platform's bound is one a second"`
	CommitInterval time.Duration `env:"NOTIFY_COMMIT_INTERVAL" envDefault:"20ms" min:"5ms" max:"5s" doc:"how often notify commits: an order goes through two commits before it is sent"`
	TokenAddr      string        `env:"NOTIFY_TOKEN_ADDR" doc:"host:port, loopback only, where services of this machine are given the current token (GET /token?app_id=…); not served unless set"`
	Format         string        `env:"RESULTS_FORMAT" oneof:"single-object,confluent,json" doc:"framing of notification results; default confluent with a schema registry, else single-object"`
}

// Title names the section.
func (NotifySection) Title() string { return "Notify" }

func (s *NotifySection) check(c *Config, faults *Faults) {
	s.Format = checkFormat(Prefix+"RESULTS_FORMAT", s.Format, c, faults)
	if s.Credits == "enforce" && len(s.Templates) == 0 {
		faults.add(Prefix+"NOTIFY_TEMPLATES", "is not set, and %sNOTIFY_CREDITS is enforce", Prefix)
	}
	checkAddress(Prefix+"NOTIFY_TOKEN_ADDR", s.TokenAddr, faults)
	if s.TokenAddr != "" && !telemetry.Loopback(s.TokenAddr) {
		faults.add(Prefix+"NOTIFY_TOKEN_ADDR", "is %q, not a loopback address: whoever has a token can send to every user", s.TokenAddr)
	}
	if s.Token == "" {
		s.Token = defaultToken(s.Driver)
	}
	if !sendsWith(s.Driver, s.Token) {
		faults.add(Prefix+"NOTIFY_TOKEN", "is %s, which %sNOTIFY_DRIVER %s cannot send with", s.Token, Prefix, s.Driver)
	}
	for i := range c.Apps.Apps {
		app := &c.Apps.Apps[i]
		s.complete(app)
		if !sendsWith(app.NotifyDriver, app.NotifyToken) {
			faults.add(fmt.Sprintf("%sAPPS_%d_NOTIFY_TOKEN", Prefix, i), "is %s, which driver %s cannot send with", app.NotifyToken, app.NotifyDriver)
		}
	}
}

// complete gives an app what it does not say of its own.
func (s *NotifySection) complete(app *App) {
	if app.NotifyDriver == "" {
		app.NotifyDriver = s.Driver
	}
	if app.NotifyToken == "" && app.NotifyDriver == s.Driver {
		app.NotifyToken = s.Token
	}
	if app.NotifyToken == "" {
		app.NotifyToken = defaultToken(app.NotifyDriver)
	}
	if app.NotifyRate == 0 {
		app.NotifyRate = s.Rate
	}
	if app.NotifyInFlight == 0 {
		app.NotifyInFlight = s.InFlight
	}
}

func defaultToken(driver string) string {
	if driver == "v1" {
		return "access_token"
	}
	return "stable_client_token"
}

func sendsWith(driver, token string) bool { return (driver == "v1") == (token == "access_token") }
