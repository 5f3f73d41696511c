package config

import (
	"net/url"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"doustream/platform/secrets"
)

// ClickHouseSection is where rows go.
type ClickHouseSection struct {
	DSN secrets.String `env:"CLICKHOUSE_DSN,required,notEmpty" doc:"clickhouse://user:password@host:9000/database?…, as clickhouse-go reads it"`
}

// Title names the section.
func (ClickHouseSection) Title() string { return "ClickHouse" }

func (s *ClickHouseSection) check(_ *Config, faults *Faults) {
	if s.DSN.Empty() {
		return
	}
	// clickhouse-go's error quotes the whole DSN, password included.
	if _, err := clickhouse.ParseDSN(s.DSN.Reveal()); err != nil {
		faults.add(Prefix+"CLICKHOUSE_DSN", "is not a DSN such as clickhouse://user:password@host:9000/database")
	}
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
