package config

// Prefix begins every variable.
const Prefix = "DOUSTREAM_"

// Use is what a configuration is read for: a role or a command.
type Use string

// What there is to use a configuration for.
const (
	Enrich      Use = "enrich"
	Sink        Use = "sink"
	Notify      Use = "notify"
	Topics      Use = "topics"
	Migrate     Use = "migrate"
	Verify      Use = "verify"
	DeadLetters Use = "dead-letters"
	Token       Use = "token"
)

// Roles are the uses that run until they are stopped.
var Roles = []Use{Enrich, Sink, Notify}

// Config holds all variables in sections. Load fills and checks the sections
// that name one of the uses asked for; the others stay zero.
type Config struct {
	Process     ProcessSection     `for:"enrich sink notify topics migrate verify dead-letters token"`
	Kafka       KafkaSection       `for:"enrich sink notify topics verify dead-letters token"`
	Names       NamesSection       `for:"enrich sink notify topics verify dead-letters token"`
	TopicsToBe  TopicsSection      `for:"enrich sink notify topics"`
	Registry    RegistrySection    `for:"enrich sink notify"`
	Apps        AppsSection        `for:"enrich notify"`
	Platform    PlatformSection    `for:"enrich notify"`
	Sealing     SealingSection     `for:"enrich notify token"`
	Transaction TransactionSection `for:"enrich notify"`
	Enrich      EnrichSection      `for:"enrich"`
	Notify      NotifySection      `for:"notify"`
	ClickHouse  ClickHouseSection  `for:"sink migrate verify"`
	Sink        SinkSection        `for:"sink"`
}

// section is implemented by sections that check more than single values.
type section interface {
	// check notes what is wrong across a section's values. c has been read.
	check(c *Config, faults *Faults)
}
