package config

import (
	"crypto/tls"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"doustream/platform/secrets"
)

// ClickHouseSection is where rows go, and how they are kept.
type ClickHouseSection struct {
	DSN               secrets.String `env:"CLICKHOUSE_DSN,required,notEmpty" doc:"clickhouse://user:password@host:9000,host2:9000/database?…, as clickhouse-go reads it; several addresses of one ClickHouse are tried in turn; secure=true for TLS"`
	TLSCAFile         string         `env:"CLICKHOUSE_TLS_CA_FILE" doc:"PEM file of the authorities to trust; default the system's; any of the TLS files implies TLS"`
	TLSCertFile       string         `env:"CLICKHOUSE_TLS_CERT_FILE" doc:"PEM file of the client certificate"`
	TLSKeyFile        string         `env:"CLICKHOUSE_TLS_KEY_FILE" doc:"PEM file of the client certificate's key"`
	Replication       string         `env:"CLICKHOUSE_REPLICATION" envDefault:"none" oneof:"none,database,cluster" doc:"how tables are made: for one server; in a database of the engine Replicated; ON CLUSTER with Replicated engines"`
	Cluster           string         `env:"CLICKHOUSE_CLUSTER" doc:"the cluster's name, for CLICKHOUSE_REPLICATION=cluster"`
	UserEventsDays    int            `env:"CLICKHOUSE_USER_EVENTS_DAYS" envDefault:"-1" min:"-1" max:"10000" doc:"days that rows of user_events are kept; 0: for ever; -1: as the table has it, at first for ever"`
	UsersDays         int            `env:"CLICKHOUSE_USERS_DAYS" envDefault:"-1" min:"-1" max:"10000" doc:"likewise, each fact behind the view users, from when it happened"`
	NotificationsDays int            `env:"CLICKHOUSE_NOTIFICATIONS_DAYS" envDefault:"-1" min:"-1" max:"10000" doc:"likewise, notifications"`
	DeadLettersDays   int            `env:"CLICKHOUSE_DEAD_LETTERS_DAYS" envDefault:"-1" min:"-1" max:"10000" doc:"likewise, dead_letters"`
}

// Title names the section.
func (ClickHouseSection) Title() string { return "ClickHouse" }

func (s *ClickHouseSection) check(_ *Config, faults *Faults) {
	if _, err := s.TLS(); err != nil {
		faults.merge(Prefix+"CLICKHOUSE_TLS", err)
	}
	if (s.Replication == "cluster") != (s.Cluster != "") {
		faults.add(Prefix+"CLICKHOUSE_CLUSTER", "goes with %sCLICKHOUSE_REPLICATION=cluster, and that with it", Prefix)
	}
	if s.DSN.Empty() {
		return
	}
	// clickhouse-go's error quotes the whole DSN, password included.
	options, err := clickhouse.ParseDSN(s.DSN.Reveal())
	if err != nil {
		faults.add(Prefix+"CLICKHOUSE_DSN", "is not a DSN such as clickhouse://user:password@host:9000/database")
		return
	}
	if s.Replication == "database" && (options.Auth.Database == "" || options.Auth.Database == "default") {
		faults.add(Prefix+"CLICKHOUSE_DSN", "names no database of its own, which %sCLICKHOUSE_REPLICATION=database needs", Prefix)
	}
}

// TLS is what the files make of it, or nil without any: then it is as the DSN
// says. Its errors are Faults.
func (s ClickHouseSection) TLS() (*tls.Config, error) {
	if s.TLSCAFile == "" && s.TLSCertFile == "" && s.TLSKeyFile == "" {
		return nil, nil //nolint:nilnil // no files is an answer
	}
	return clientTLS("CLICKHOUSE_TLS", s.TLSCAFile, s.TLSCertFile, s.TLSKeyFile)
}

// Days are how many days rows are kept, by table, where that is asked for.
func (s ClickHouseSection) Days() map[string]int {
	days := map[string]int{
		"user_events": s.UserEventsDays, "users": s.UsersDays, "notifications": s.NotificationsDays, "dead_letters": s.DeadLettersDays,
	}
	maps.DeleteFunc(days, func(_ string, n int) bool { return n < 0 })
	return days
}

// Shown is the DSN without user, password and settings.
func (s ClickHouseSection) Shown() string {
	u, err := url.Parse(s.DSN.Reveal())
	if err != nil || s.DSN.Empty() {
		return s.DSN.String()
	}
	return u.Host + "/" + strings.TrimPrefix(u.Path, "/")
}

// SinkSection is the sink role.
type SinkSection struct {
	Migrate          bool          `env:"CLICKHOUSE_MIGRATE" envDefault:"true" doc:"bring the tables up to date when the sink starts"`
	BlockRows        int           `env:"SINK_BLOCK_ROWS" envDefault:"100000" min:"1" max:"1000000" doc:"rows at which a block is inserted"`
	BlockBytes       int           `env:"SINK_BLOCK_BYTES" envDefault:"67108864" min:"1024" max:"240000000" doc:"bytes at which a block is inserted"`
	BlockAge         time.Duration `env:"SINK_BLOCK_AGE" envDefault:"1s" min:"10ms" max:"5m" doc:"age at which a block is inserted, however small"`
	InsertsPerSecond float64       `env:"SINK_INSERTS_PER_SECOND" envDefault:"10" min:"0.01" max:"1000" doc:"inserts into one table; beyond, blocks grow older instead"`
	Connections      int           `env:"SINK_CONNECTIONS" envDefault:"2" min:"1" max:"64" doc:"inserts under way at once"`
	MemoryBytes      int           `env:"SINK_MEMORY_BYTES" envDefault:"268435456" min:"1048576" max:"68719476736" doc:"bytes of records that wait or are being inserted; beyond, partitions are not read from"`
}

// Title names the section.
func (SinkSection) Title() string { return "Sink" }
