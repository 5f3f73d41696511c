package sinks

import (
	"encoding/binary"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// The parts of an LZ4 frame's head, as its format names them.
const (
	lz4Magic           = 0x184D2204
	lz4VersionMask     = 0xC0
	lz4Version         = 0x40
	lz4Independent     = 0x20
	lz4BlockChecksum   = 0x10
	lz4ContentSize     = 0x08
	lz4ContentChecksum = 0x04
	lz4Dictionary      = 0x01
	lz4Stored          = 1 << 31 // of a block's size: its bytes are not compressed
	lz4Window          = 64 << 10
)

// unpackFrame appends what one LZ4 frame holds to dst, straight from its blocks:
// a stream's reader copies everything once more and hashes it, which Kafka's
// CRC-32C over the batch has done already. What it cannot read, be it broken or
// merely unusual, it leaves to such a reader.
func unpackFrame(dst, src []byte) (_ []byte, ok bool) {
	if len(src) < 7 || binary.LittleEndian.Uint32(src) != lz4Magic {
		return nil, false
	}
	flags, largest := src[4], lz4BlockSize(src[5])
	if flags&lz4VersionMask != lz4Version || flags&lz4Dictionary != 0 || largest == 0 {
		return nil, false
	}
	head := 7
	if flags&lz4ContentSize != 0 {
		head += 8
	}
	tail := 0 // after each block
	if flags&lz4BlockChecksum != 0 {
		tail = 4
	}
	for src = src[min(head, len(src)):]; len(src) >= 4; {
		size := binary.LittleEndian.Uint32(src)
		if src = src[4:]; size == 0 {
			end := 0
			if flags&lz4ContentChecksum != 0 {
				end = 4
			}
			return dst, len(src) == end
		}
		length := int(size &^ lz4Stored)
		if length+tail > len(src) {
			return nil, false
		}
		block := src[:length]
		src = src[length+tail:]
		switch {
		case length > largest:
			return nil, false
		case size&lz4Stored != 0:
			dst = append(dst, block...)
		default:
			if dst, ok = unpackBlock(dst, block, largest, flags&lz4Independent == 0); !ok {
				return nil, false
			}
		}
	}
	return nil, false
}

// unpackBlock appends what a block holds, at most largest bytes. First it tries the
// room that is there, which is nearly always enough.
func unpackBlock(dst, block []byte, largest int, linked bool) ([]byte, bool) {
	for {
		var window []byte
		if linked {
			window = dst[max(0, len(dst)-lz4Window):]
		}
		room := dst[len(dst):min(cap(dst), len(dst)+largest)]
		if len(room) > 0 {
			n, err := lz4.UncompressBlockWithDict(block, room, window)
			if err == nil {
				return dst[:len(dst)+n], true
			}
		}
		if len(room) == largest {
			return nil, false
		}
		// Not all that a block may hold: a batch is seldom as long, and its memory is
		// lent again and again.
		dst = slices.Grow(dst, min(largest, max(4*len(block), 2*len(room))))
	}
}

// lz4BlockSize is what a block holds at most, by the head's second byte; 0: not
// known.
func lz4BlockSize(descriptor byte) int {
	switch descriptor >> 4 & 7 {
	case 4:
		return 64 << 10
	case 5:
		return 256 << 10
	case 6:
		return 1 << 20
	case 7:
		return 4 << 20
	}
	return 0
}
