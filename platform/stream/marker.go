package stream

import (
	"bytes"
	"strconv"
)

// markerPrefix begins a marker's key. No session id, app id or notification id
// can begin with a zero byte's key of this form without being one of ours: state
// topics are written by their role alone.
const markerPrefix = "\x00marker|"

// newMarker is the record that an owner writes to a state partition and then
// reads up to. The key is the partition's own, so that compaction keeps the last
// owner's alone.
func newMarker(topic string, partition int32, owner string) *Record {
	key := markerPrefix + topic + "|" + strconv.Itoa(int(partition))
	return &Record{Topic: topic, Partition: partition, Key: []byte(key), Value: []byte(owner)}
}

func marker(rec *Record) (owner string, ok bool) {
	if rec == nil || !bytes.HasPrefix(rec.Key, []byte(markerPrefix)) {
		return "", false
	}
	return string(rec.Value), true
}
