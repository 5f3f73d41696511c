package config

import (
	"crypto/tls"
	"net/url"

	"doustream/platform/secrets"
)

// RegistrySection is the schema registry, which is optional.
type RegistrySection struct {
	URL      string         `env:"SCHEMA_REGISTRY_URL" doc:"schema registry; with it results are framed for it (subjects by topic name), and framed events are looked up in it"`
	User     string         `env:"SCHEMA_REGISTRY_USER" doc:"user to log in as"`
	Password secrets.String `env:"SCHEMA_REGISTRY_PASSWORD" doc:"and the password"`
	CAFile   string         `env:"SCHEMA_REGISTRY_CA_FILE" doc:"PEM file of the authorities to trust; default the system's"`
}

// Title names the section.
func (RegistrySection) Title() string { return "Schema registry" }

func (s *RegistrySection) check(_ *Config, faults *Faults) {
	checkURL(Prefix+"SCHEMA_REGISTRY_URL", s.URL, faults)
	if _, err := s.TLS(); err != nil {
		faults.merge(Prefix+"SCHEMA_REGISTRY_CA_FILE", err)
	}
	if s.URL == "" && (s.User != "" || !s.Password.Empty() || s.CAFile != "") {
		faults.add(Prefix+"SCHEMA_REGISTRY_URL", "is not set, and how to log in to it is")
	}
}

// TLS is how the registry is trusted; nil for the system's way.
func (s RegistrySection) TLS() (*tls.Config, error) {
	pool, err := authorities(Prefix+"SCHEMA_REGISTRY_CA_FILE", s.CAFile)
	if pool == nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}

func checkURL(variable, text string, faults *Faults) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		faults.add(variable, "is not an http or https address")
	case u.User != nil:
		faults.add(variable, "holds a password: log-ins have variables of their own")
	}
}

// checkFormat answers the framing of results: what is asked for, else what
// suits the installation.
func checkFormat(variable, format string, c *Config, faults *Faults) string {
	switch {
	case format == "confluent" && c.Registry.URL == "":
		faults.add(Prefix+"SCHEMA_REGISTRY_URL", "is not set, and %s is confluent", variable)
	case format == "" && c.Registry.URL != "":
		return "confluent"
	case format == "":
		return "single-object"
	}
	return format
}
