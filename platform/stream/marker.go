package stream

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// markerPrefix begins a marker's key. Another key may begin so too, since what
// names a session is the backend's to choose: a marker's is compared as a whole.
const markerPrefix = "\x00marker|"

func markerKey(topic string, partition int32) string {
	return markerPrefix + topic + "|" + strconv.Itoa(int(partition))
}

// newMarker is the record that an owner writes to a state partition and then
// reads up to. The key is the partition's own, so that compaction keeps the last
// owner's alone.
func newMarker(topic string, partition int32, owner string) *Record {
	return &Record{Topic: topic, Partition: partition, Key: []byte(markerKey(topic, partition)), Value: []byte(owner)}
}

func marker(rec *Record) (owner string, ok bool) {
	if rec == nil || !bytes.HasPrefix(rec.Key, []byte(markerPrefix)) || string(rec.Key) != markerKey(rec.Topic, rec.Partition) {
		return "", false
	}
	return string(rec.Value), true
}

var errMarkerGone = errors.New("the own marker was compacted away: another owner's stands behind it")

// missed ends the session when what stands behind the own marker was read and the
// marker was not. Compaction dropped it for another owner's: a successor's, of which
// the group is about to tell, or a predecessor's that came late, and then nobody
// would ever tell. What was read may stand before or behind that one.
func (t *stateTail) missed(p *tailed) {
	if p.unmarked && p.goal >= 0 && p.next > p.goal {
		t.loop.fail(fmt.Errorf("restore from %s/%d: %w", p.topic, p.number, errMarkerGone))
	}
}
