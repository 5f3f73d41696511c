package config

import "time"

// NotifySection is the notify role.
type NotifySection struct {
	Driver         string        `env:"NOTIFY_DRIVER" envDefault:"v2" oneof:"v1,v2" doc:"which of the platform's two ways to send"`
	Unknown        string        `env:"NOTIFY_UNKNOWN" envDefault:"report" oneof:"report,resend" doc:"what becomes of a send whose outcome is unknown; resend may send twice"`
	Credits        string        `env:"NOTIFY_CREDITS" envDefault:"advise" oneof:"advise,enforce" doc:"whether the ledger of consents is advice or the law"`
	DedupLife      time.Duration `env:"NOTIFY_DEDUP_LIFE" envDefault:"24h" min:"1m" max:"720h" doc:"how long a repeated notification_id gets its first result again"`
	Templates      Templates     `env:"NOTIFY_TEMPLATES" doc:"message templates and how users consent to them: id=one-time,id=long-term,…; NOTIFY_CREDITS=enforce needs them"`
	Token          string        `env:"NOTIFY_TOKEN" oneof:"access_token,client_token,stable_client_token" doc:"kind of token to send with; default access_token for v1, stable_client_token for v2"`
	Rate           float64       `env:"NOTIFY_RATE" envDefault:"800" min:"0.1" max:"100000" doc:"notifications a second for each app; the platform's bound is 1000"`
	InFlight       int           `env:"NOTIFY_IN_FLIGHT" envDefault:"256" min:"1" max:"10000" doc:"sends under way at once for each app"`
	UserInterval   time.Duration `env:"NOTIFY_USER_INTERVAL" envDefault:"1s" min:"1ms" max:"1h" doc:"between two notifications to one user; the platform's bound is one a second"`
	CommitInterval time.Duration `env:"NOTIFY_COMMIT_INTERVAL" envDefault:"20ms" min:"5ms" max:"5s" doc:"how often notify commits: an order goes through two commits before it is sent"`
	Format         string        `env:"RESULTS_FORMAT" oneof:"single-object,confluent,json" doc:"framing of notification results; default confluent with a schema registry, else single-object"`
}

// Title names the section.
func (NotifySection) Title() string { return "Notify" }

func (s *NotifySection) check(c *Config, faults *Faults) {
	s.Format = checkFormat(Prefix+"RESULTS_FORMAT", s.Format, c, faults)
	if s.Credits == "enforce" && len(s.Templates) == 0 {
		faults.add(Prefix+"NOTIFY_TEMPLATES", "is not set, and %sNOTIFY_CREDITS is enforce", Prefix)
	}
	if s.Token == "" {
		s.Token = map[string]string{"v1": "access_token"}[s.Driver]
		if s.Token == "" {
			s.Token = "stable_client_token"
		}
	}
	if (s.Driver == "v1") != (s.Token == "access_token") {
		faults.add(Prefix+"NOTIFY_TOKEN", "is %s, which %sNOTIFY_DRIVER %s cannot send with", s.Token, Prefix, s.Driver)
	}
}
