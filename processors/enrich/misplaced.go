package enrich

import (
	"encoding/binary"

	"doustream/platform/stream"
)

// checkPartition counts a record that lies where its key's hash does not lead:
// its producer does not use the murmur2 partitioner, and events of one session
// are torn apart.
func (t *Task) checkPartition(rec *stream.Record) {
	if n := t.cfg.Partitions; n > 0 && rec.Key != nil && int32(murmur2(rec.Key)&0x7fffffff)%n != rec.Partition {
		t.metrics.misplaced[t.names.byName[rec.Topic]].Inc()
	}
}

// murmur2 is the hash of Kafka's default partitioner.
func murmur2(key []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(key[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
