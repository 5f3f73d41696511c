package schemas

import (
	"strconv"
	"time"
)

// Names of the topics, without the prefix that an installation may give them.
const (
	TopicLogin        = "miniapp.login"
	TopicProfile      = "miniapp.profile"
	TopicPhone        = "miniapp.phone"
	TopicLocation     = "miniapp.location"
	TopicDevice       = "miniapp.device"
	TopicSubscription = "miniapp.subscription"

	TopicOrders      = "orders.notifications"
	TopicUsers       = "users.enriched"
	TopicResults     = "notifications.results"
	TopicDeadLetters = "dead-letters"
	TopicConsents    = "doustream.consents"

	TopicSessions      = "doustream.sessions"
	TopicParked        = "doustream.parked"
	TopicNotifications = "doustream.notifications"
	TopicTokens        = "doustream.tokens"
)

// InputTopics are the six topics of mini-app events, the leading one first.
// They are keyed by session_id and have one partition count.
func InputTopics() []string {
	return []string{TopicLogin, TopicProfile, TopicPhone, TopicLocation, TopicDevice, TopicSubscription}
}

// TopicRole says what a topic is to doustream.
type TopicRole string

// The roles of topics.
const (
	TopicRoleInput  TopicRole = "input"  // others write, doustream reads
	TopicRoleOutput TopicRole = "output" // doustream writes, others read
	TopicRoleState  TopicRole = "state"  // doustream's own, sealed
)

// TopicSpec is one topic as it should be.
type TopicSpec struct {
	Name          string // with the prefix
	Base          string // without it
	Role          TopicRole
	Partitions    int32
	Copartitioned bool // its partition count must equal that of every other such topic, for life
	Replication   int16
	Config        map[string]string // Kafka's topic settings that matter here
}

// TopicOptions are what an installation decides of its topics. Zero values
// take the defaults named.
type TopicOptions struct {
	Prefix      string
	Orders      []string      // order topics without prefix, default orders.notifications
	Partitions  int32         // of the copartitioned topics, default 12
	Outputs     int32         // of users.enriched, dead-letters and consents, default Partitions
	Notify      int32         // of order topics, results, notifications and tokens, default 6
	Replication int16         // default 1
	MinInsync   int           // min.insync.replicas, default 2 from three replicas on, else 1
	SessionLife time.Duration // default 72h
	MaxMessage  int           // max.message.bytes of the input topics, default 1 MiB and 12 bytes (Kafka's own default is 1048588)
}

func (o TopicOptions) withDefaults() TopicOptions {
	if len(o.Orders) == 0 {
		o.Orders = []string{TopicOrders}
	}
	setDefault(&o.Partitions, 12)
	setDefault(&o.Outputs, o.Partitions)
	setDefault(&o.Notify, 6)
	setDefault(&o.Replication, 1)
	setDefault(&o.SessionLife, 72*time.Hour)
	setDefault(&o.MaxMessage, 1048588)
	if o.MinInsync == 0 {
		o.MinInsync = 1
		if o.Replication >= 3 {
			o.MinInsync = 2
		}
	}
	return o
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// roomForHeaders is what a dead letter or parked entry may be larger than the
// record it holds: headers, the envelope of the state record and its seal.
const roomForHeaders = 64 << 10

// sessionsLag is how long a fact of doustream.sessions stays whatever compaction
// there is. An owner that stood still tells by the markers between its facts and
// what it has read whether others took over meanwhile; all markers of a partition
// have one key, and of two the cleaner would leave it the last alone, which may stand
// behind its facts. When those are as old no code of theirs lives any more: it is the
// most that DOUSTREAM_CODE_LIFE may be. It costs
// nothing: nearly every fact has a key of its own.
const sessionsLag = 24 * time.Hour

const (
	mebibyte = 1 << 20
	week     = 7 * 24 * time.Hour
	quarter  = 90 * 24 * time.Hour // how long a consent is remembered; what is forgotten, the platform is asked
)

// Topics lists every topic that doustream reads or writes, with the settings
// that it relies on.
func Topics(opts TopicOptions) []TopicSpec {
	o := opts.withDefaults()
	var specs []TopicSpec
	add := func(base string, role TopicRole, partitions int32, copartitioned bool, config ...string) {
		settings := map[string]string{"min.insync.replicas": strconv.Itoa(o.MinInsync)}
		for i := 0; i < len(config); i += 2 {
			settings[config[i]] = config[i+1]
		}
		specs = append(specs, TopicSpec{
			Name: o.Prefix + base, Base: base, Role: role, Partitions: partitions,
			Copartitioned: copartitioned, Replication: o.Replication, Config: settings,
		})
	}
	input := []string{"cleanup.policy", "delete", "max.message.bytes", strconv.Itoa(o.MaxMessage)}
	larger := strconv.Itoa(o.MaxMessage + roomForHeaders)
	for _, base := range InputTopics() {
		add(base, TopicRoleInput, o.Partitions, true, input...)
	}
	for _, base := range o.Orders {
		add(base, TopicRoleInput, o.Notify, false, input...)
	}
	add(TopicUsers, TopicRoleOutput, o.Outputs, false, "cleanup.policy", "delete")
	add(TopicResults, TopicRoleOutput, o.Notify, false, "cleanup.policy", "delete")
	add(TopicDeadLetters, TopicRoleOutput, o.Outputs, false,
		"cleanup.policy", "delete", "retention.ms", millis(week), "max.message.bytes", larger)
	// Each accept of a one-time template is a credit of its own: compaction by
	// user would forget all but the last.
	add(TopicConsents, TopicRoleOutput, o.Outputs, false, "cleanup.policy", "delete", "retention.ms", millis(quarter))
	add(TopicSessions, TopicRoleState, o.Partitions, true,
		"cleanup.policy", "compact,delete", "retention.ms", millis(o.SessionLife), "segment.bytes", strconv.Itoa(64*mebibyte),
		"min.compaction.lag.ms", millis(sessionsLag))
	compacted := []string{"cleanup.policy", "compact", "segment.bytes", strconv.Itoa(16 * mebibyte), "max.message.bytes", larger}
	add(TopicParked, TopicRoleState, o.Partitions, true, compacted...)
	add(TopicNotifications, TopicRoleState, o.Notify, false, compacted...)
	add(TopicTokens, TopicRoleState, 1, false, compacted...)
	return specs
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
