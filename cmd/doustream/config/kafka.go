package config

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"time"

	"doustream/platform/secrets"
	"doustream/schemas"
)

// KafkaSection is how brokers are reached.
type KafkaSection struct {
	Brokers       []string       `env:"KAFKA_BROKERS,required,notEmpty" doc:"seed brokers, host:port,…"`
	TLS           bool           `env:"KAFKA_TLS" envDefault:"false" doc:"speak TLS; implied by any of the TLS files"`
	TLSCAFile     string         `env:"KAFKA_TLS_CA_FILE" doc:"PEM file of the authorities to trust; default the system's"`
	TLSCertFile   string         `env:"KAFKA_TLS_CERT_FILE" doc:"PEM file of the client certificate"`
	TLSKeyFile    string         `env:"KAFKA_TLS_KEY_FILE" doc:"PEM file of the client certificate's key"`
	SASLMechanism string         `env:"KAFKA_SASL_MECHANISM" oneof:"PLAIN,SCRAM-SHA-256,SCRAM-SHA-512" doc:"how to log in; no log-in unless set"`
	SASLUser      string         `env:"KAFKA_SASL_USER" doc:"user to log in as"`
	SASLPassword  secrets.String `env:"KAFKA_SASL_PASSWORD" doc:"and the password"`
}

// Title names the section.
func (KafkaSection) Title() string { return "Kafka" }

// UsesTLS reports whether connections are encrypted.
func (s KafkaSection) UsesTLS() bool {
	return s.TLS || s.TLSCAFile != "" || s.TLSCertFile != "" || s.TLSKeyFile != ""
}

func (s *KafkaSection) check(_ *Config, faults *Faults) {
	for _, broker := range s.Brokers {
		host, port, err := net.SplitHostPort(broker)
		if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n == 0 || host == "" {
			faults.add(Prefix+"KAFKA_BROKERS", "holds %q, not host:port", broker)
		}
	}
	if _, err := s.tlsConfig(); err != nil {
		faults.merge(Prefix+"KAFKA_TLS", err)
	}
	if s.SASLMechanism == "" {
		if s.SASLUser != "" || !s.SASLPassword.Empty() {
			faults.add(Prefix+"KAFKA_SASL_MECHANISM", "is not set, and a user or password is")
		}
		return
	}
	if s.SASLUser == "" {
		faults.add(Prefix+"KAFKA_SASL_USER", "is not set, and a mechanism is")
	}
	if s.SASLPassword.Empty() {
		faults.add(Prefix+"KAFKA_SASL_PASSWORD", "is not set, and a mechanism is")
	}
}

// NamesSection is what doustream's things are called in Kafka.
type NamesSection struct {
	TopicPrefix string   `env:"TOPIC_PREFIX" doc:"stands before every topic's name"`
	GroupPrefix string   `env:"GROUP_PREFIX" doc:"stands before every consumer group's and transaction's name"`
	OrderTopics []string `env:"ORDER_TOPICS" envDefault:"orders.notifications" doc:"topics that notification orders come from, without the prefix"`
}

// Title names the section.
func (NamesSection) Title() string { return "Names" }

var kafkaName = regexp.MustCompile(`^[A-Za-z0-9._-]{0,200}$`)

func (s *NamesSection) check(_ *Config, faults *Faults) {
	for variable, name := range map[string]string{"TOPIC_PREFIX": s.TopicPrefix, "GROUP_PREFIX": s.GroupPrefix} {
		if !kafkaName.MatchString(name) {
			faults.add(Prefix+variable, "is %q: use letters, digits, '.', '_' and '-'", name)
		}
	}
	for i, name := range s.OrderTopics {
		if !kafkaName.MatchString(name) {
			faults.add(Prefix+"ORDER_TOPICS", "holds %q: use letters, digits, '.', '_' and '-'", name)
		}
		if slices.Contains(s.OrderTopics[:i], name) {
			faults.add(Prefix+"ORDER_TOPICS", "holds %q twice", name)
		}
		if ownTopic(name) {
			faults.add(Prefix+"ORDER_TOPICS", "holds %q, a topic of doustream's own for something else", name)
		}
	}
}

// ownTopic reports whether a topic, without the prefix, has another use: orders
// read from where results are written would have results of their own, for ever.
func ownTopic(name string) bool {
	return name != schemas.TopicOrders && slices.ContainsFunc(schemas.Topics(schemas.TopicOptions{}), func(spec schemas.TopicSpec) bool { return spec.Base == name })
}

// Group is the consumer group of a role.
func (s NamesSection) Group(role Use) string { return s.GroupPrefix + "doustream-" + string(role) }

// TopicsSection is what `doustream topics` makes, and `check` expects.
type TopicsSection struct {
	Partitions  int           `env:"TOPIC_PARTITIONS" envDefault:"12" min:"1" max:"10000" doc:"partitions of a topic that does not exist yet; for life"`
	Replication int           `env:"TOPIC_REPLICATION" envDefault:"-1" min:"-1" max:"15" doc:"and its replicas; -1: the brokers' default"`
	SessionLife time.Duration `env:"SESSION_LIFE" envDefault:"72h" min:"1m" max:"8760h" doc:"how long a session is known after its login; the retention of the topic that holds them"`
}

// Title names the section.
func (TopicsSection) Title() string { return "Topics" }

func (s *TopicsSection) check(_ *Config, faults *Faults) {
	if s.Replication == 0 {
		faults.add(Prefix+"TOPIC_REPLICATION", "is 0: use 1 or more, or -1 for the brokers' default")
	}
}
