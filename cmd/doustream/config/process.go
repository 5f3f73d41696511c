package config

import (
	"log/slog"
	"net"
	"os"
	"regexp"
	"time"

	"doustream/platform/telemetry"
)

// ProcessSection is what every command's process has.
type ProcessSection struct {
	Instance        string        `env:"INSTANCE_ID" doc:"stable name of this instance, the same after a restart and another's never; default the host name"`
	HTTPAddr        string        `env:"HTTP_ADDR" doc:"host:port for /metrics, /healthz and /readyz; default a port for each role: run :8080, enrich :8081, sink :8082, notify :8083, and any free one where that is taken"`
	PprofAddr       string        `env:"PPROF_ADDR" doc:"host:port for /debug/pprof/, loopback only; not served unless set"`
	LogLevel        string        `env:"LOG_LEVEL" envDefault:"info" doc:"debug, info, warn or error; to standard error"`
	LogFormat       string        `env:"LOG_FORMAT" envDefault:"text" oneof:"text,json" doc:"how log lines are written"`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"25s" min:"1s" max:"10m" doc:"how long after the first signal a role may finish what it has begun"`
}

// Title names the section.
func (ProcessSection) Title() string { return "Process" }

// Level is the level of the log.
func (s ProcessSection) Level() slog.Level {
	level, _ := telemetry.ParseLevel(s.LogLevel) // checked when it was read
	return level
}

// A group.instance.id and a transactional id hold it; brokers write the latter into file-safe logs.
var instanceName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,180}$`)

func (s *ProcessSection) check(_ *Config, faults *Faults) {
	if s.Instance == "" {
		host, err := os.Hostname()
		if err != nil {
			faults.add(Prefix+"INSTANCE_ID", "is not set, and the host has no name: %v", err)
			return
		}
		s.Instance = host
	}
	if !instanceName.MatchString(s.Instance) {
		faults.add(Prefix+"INSTANCE_ID", "is %q: use up to 180 letters, digits, '.', '_' and '-'", s.Instance)
	}
	if _, err := telemetry.ParseLevel(s.LogLevel); err != nil {
		faults.add(Prefix+"LOG_LEVEL", "is wrong: %v", err)
	}
	checkAddress(Prefix+"HTTP_ADDR", s.HTTPAddr, faults)
	checkAddress(Prefix+"PPROF_ADDR", s.PprofAddr, faults)
	if s.PprofAddr != "" && !telemetry.Loopback(s.PprofAddr) {
		faults.add(Prefix+"PPROF_ADDR", "is %q, not a loopback address: profiles show what is in memory", s.PprofAddr)
	}
}

func checkAddress(variable, address string, faults *Faults) {
	if address == "" {
		return
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		faults.add(variable, "is %q, not host:port", address)
	}
}
