package schemas

import (
	"bytes"
	"encoding/binary"
)

// A value's framing is told by its first bytes: 0xC3 0x01 and a fingerprint
// begin Avro's single-object encoding, 0x00 and a registry's id Confluent's
// framing, '{' (behind spaces or a byte order mark) JSON.
type framing uint8

const (
	framingUnknown framing = iota
	framingEmpty
	framingJSON
	framingSingleObject
	framingConfluent
)

const (
	singleObjectHeader = 10
	confluentHeader    = 5
)

var byteOrderMark = []byte("\uFEFF")

// framingOf tells a value's framing; body is the value without a byte order
// mark and leading space, headers included.
func framingOf(value []byte) (f framing, body []byte) {
	if len(value) == 0 {
		return framingEmpty, nil
	}
	switch {
	case value[0] == '{':
		return framingJSON, value
	case value[0] == 0:
		return framingConfluent, value
	case value[0] == 0xC3 && len(value) > 1 && value[1] == 0x01:
		return framingSingleObject, value
	}
	body = trimJSON(value)
	switch {
	case len(body) == 0, string(body) == "null":
		return framingEmpty, nil
	case body[0] == '{':
		return framingJSON, body
	}
	return framingUnknown, value
}

func trimJSON(value []byte) []byte {
	const space = " \t\r\n"
	value = bytes.Trim(value, space)
	return bytes.TrimLeft(bytes.TrimPrefix(value, byteOrderMark), space)
}

func appendSingleObject(dst []byte, fingerprint uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, 0xC3, 0x01), fingerprint)
}

func appendConfluent(dst []byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), id)
}

func cutSingleObject(value []byte) (fingerprint uint64, body []byte, err error) {
	if len(value) < singleObjectHeader {
		return 0, nil, errCutShort
	}
	return binary.LittleEndian.Uint64(value[2:]), value[singleObjectHeader:], nil
}

// ConfluentID answers the registry's id of the schema that value is framed with;
// false: it is no Confluent frame.
func ConfluentID(value []byte) (id uint32, framed bool) {
	if len(value) == 0 || value[0] != 0 {
		return 0, false
	}
	id, _, err := cutConfluent(value)
	return id, err == nil
}

func cutConfluent(value []byte) (id uint32, body []byte, err error) {
	if len(value) < confluentHeader {
		return 0, nil, errCutShort
	}
	return binary.BigEndian.Uint32(value[1:]), value[confluentHeader:], nil
}
