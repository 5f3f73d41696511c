package config

import "time"

// NotifySection is the notify role.
type NotifySection struct {
	Driver    string        `env:"NOTIFY_DRIVER" envDefault:"v2" oneof:"v1,v2" doc:"which of the platform's two ways to send"`
	Unknown   string        `env:"NOTIFY_UNKNOWN" envDefault:"report" oneof:"report,resend" doc:"what becomes of a send whose outcome is unknown; resend may send twice"`
	Credits   string        `env:"NOTIFY_CREDITS" envDefault:"advise" oneof:"advise,enforce" doc:"whether the ledger of consents is advice or the law"`
	DedupLife time.Duration `env:"NOTIFY_DEDUP_LIFE" envDefault:"24h" min:"1m" max:"720h" doc:"how long a repeated notification_id gets its first result again"`
}

// Title names the section.
func (NotifySection) Title() string { return "Notify" }
