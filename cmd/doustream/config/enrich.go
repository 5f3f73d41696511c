package config

import (
	"time"

	"doustream/platform/secrets"
)

// EnrichSection is the enrich role.
type EnrichSection struct {
	PersonalKeys *secrets.Keyring `env:"PERSONAL_KEYS,required,notEmpty" doc:"id:base64(32 bytes),… for the sealed phone, name and address in results; the first seals"`
	PhonePeppers *secrets.Peppers `env:"PHONE_PEPPERS,required,notEmpty" doc:"id:base64,… (16 bytes or more) for the phone hash; the first hashes"`
	InFlight     int              `env:"ENRICH_IN_FLIGHT" envDefault:"1024" min:"1" max:"100000" doc:"exchanges under way at once"`
	Window       int              `env:"ENRICH_WINDOW" envDefault:"8192" min:"1" max:"1000000" doc:"records a topic's partition may hold unfinished; a full window pauses it"`
	CodeLife     time.Duration    `env:"CODE_LIFE" envDefault:"3m" min:"1s" max:"24h" doc:"how long a login code may be exchanged"`
	JoinWait     time.Duration    `env:"JOIN_WAIT" envDefault:"2s" min:"1ms" max:"1m" doc:"how long what is unfinished stays in the window before it is parked"`
	SessionWait  time.Duration    `env:"SESSION_WAIT" envDefault:"3m" min:"1ms" max:"24h" doc:"how far logins must have passed an event before its session counts as missing"`
	Watermark    time.Duration    `env:"WATERMARK_LIFE" envDefault:"24h" min:"0s" max:"8760h" doc:"how old decrypted data may be at its event; 0: any age"`
	Format       string           `env:"ENRICHED_FORMAT" oneof:"single-object,confluent,json" doc:"framing of results; default confluent with a schema registry, else single-object"`
}

// Title names the section.
func (EnrichSection) Title() string { return "Enrich" }

func (s *EnrichSection) check(c *Config, faults *Faults) {
	s.Format = checkFormat(Prefix+"ENRICHED_FORMAT", s.Format, c, faults)
	if c.TopicsToBe.SessionLife < s.CodeLife {
		faults.add(Prefix+"SESSION_LIFE", "is %s, less than %sCODE_LIFE's %s", shortDuration(c.TopicsToBe.SessionLife), Prefix, shortDuration(s.CodeLife))
	}
}
