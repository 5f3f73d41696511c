package enrich

import "doustream/schemas"

// topic is one of the six input topics.
type topic uint8

const (
	topicLogin topic = iota
	topicProfile
	topicPhone
	topicLocation
	topicDevice
	topicSubscription
	topicCount
)

// names are the topics of one installation.
type names struct {
	inputs   [topicCount]string // with prefix
	bases    [topicCount]string // without
	byName   map[string]topic
	users    string
	sessions string
	parked   string
}

func newNames(prefix string) *names {
	n := &names{
		byName:   map[string]topic{},
		users:    prefix + schemas.TopicUsers,
		sessions: prefix + schemas.TopicSessions,
		parked:   prefix + schemas.TopicParked,
	}
	for t, base := range map[topic]string{
		topicLogin: schemas.TopicLogin, topicProfile: schemas.TopicProfile, topicPhone: schemas.TopicPhone,
		topicLocation: schemas.TopicLocation, topicDevice: schemas.TopicDevice, topicSubscription: schemas.TopicSubscription,
	} {
		n.bases[t], n.inputs[t], n.byName[prefix+base] = base, prefix+base, t
	}
	return n
}
