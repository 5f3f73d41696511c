// Package stream is the Kafka runtime that the roles with state are built on:
// tasks that own the partitions of one number, a leading topic, one queue per
// key and topic, a window that retires results in offset order, one Kafka
// transaction around outputs, state and offsets, state restored up to one's
// own marker, and revocation that changes nothing afterwards. It knows none
// of doustream's events.
package stream
