package sinks

import (
	"fmt"
	"strconv"
	"strings"
)

// span is the contiguous range of delivered records that one block holds. First
// and Last are offsets that were delivered; a range has holes where a
// transaction's markers and aborted records stand, so Count is not their
// distance.
type span struct {
	First, Last, Count int64
}

// metadataVersion begins the commit metadata that announces a range.
const metadataVersion = "v1"

// metadata is what is committed beside the old offset before the range is
// inserted, so that a successor can rebuild exactly this block.
func (s span) metadata() string {
	return fmt.Sprintf("%s %d %d %d", metadataVersion, s.First, s.Last, s.Count)
}

// parseSpan reads committed metadata. What it cannot read announces no range:
// the look-up of a take-over finds what such a block has left.
func parseSpan(metadata string) (span, bool) {
	fields := strings.Split(metadata, " ")
	if len(fields) != 4 || fields[0] != metadataVersion {
		return span{}, false
	}
	var numbers [3]int64
	for i, field := range fields[1:] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || n < 0 {
			return span{}, false
		}
		numbers[i] = n
	}
	s := span{First: numbers[0], Last: numbers[1], Count: numbers[2]}
	if s.Last < s.First || s.Count < 1 || s.Count > s.Last-s.First+1 {
		return span{}, false
	}
	return s, true
}

// place is where a partition's rows come from and go to.
type place struct {
	topic     string
	partition int32
	table     string
}

// token is the insert_deduplication_token of a range's block. A round above 0 is
// for rows that an insert under the earlier tokens has not brought.
func (p place) token(s span, round int) string {
	token := fmt.Sprintf("%s-%d-%d-%d-%s", p.topic, p.partition, s.First, s.Last, p.table)
	if round > 0 {
		token += "-" + strconv.Itoa(round)
	}
	return token
}
