package schemas

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Bit tricks over the eight bytes of a word.
const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
)

// plainBytes answers how many bytes at the start of a word, of its eight, are
// text as it stands in JSON: ASCII, no control character, quote or backslash.
// A byte is marked by its highest bit; borrows only ever mark bytes behind one
// that is marked rightly.
func plainBytes(word uint64) int {
	quote, slash := word^'"'*eachByte, word^'\\'*eachByte
	special := (quote-eachByte)&^quote | (slash-eachByte)&^slash | (word-' '*eachByte)&^word | word
	return bits.TrailingZeros64(special&highBits) / 8
}

// text takes a text, whose quote comes next, and reports whether anything in
// it is escaped.
func (c *jsonChecker) text() (escaped bool, err error) {
	i := c.pos + 1
	for i < len(c.data) {
		if i+8 <= len(c.data) {
			n := plainBytes(binary.LittleEndian.Uint64(c.data[i:]))
			if i += n; n == 8 {
				continue
			}
		}
		switch b := c.data[i]; {
		case b == '"':
			c.pos = i + 1
			return escaped, nil
		case b == '\\':
			n, err := escape(c.data[i:])
			if err != nil {
				return false, err
			}
			i, escaped = i+n, true
		case b < ' ':
			return false, errNotJSON
		case b < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(c.data[i:])
			if r == utf8.RuneError && n == 1 {
				return false, errNotJSON
			}
			i += n
		}
	}
	return false, errCutShort
}

// escape answers the length of the escape that b begins with. Half a surrogate
// pair is no text.
func escape(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, errCutShort
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
	default:
		return 0, errNotJSON
	}
	r, err := hexRune(b)
	if err != nil || !utf16.IsSurrogate(r) {
		return 6, err
	}
	low, err := hexRune(b[6:])
	if err != nil {
		return 0, err
	}
	if utf16.DecodeRune(r, low) == utf8.RuneError {
		return 0, errNotJSON
	}
	return 12, nil
}

// hexRune reads \uXXXX.
func hexRune(b []byte) (r rune, err error) {
	if len(b) < 6 {
		return 0, errCutShort
	}
	if b[0] != '\\' || b[1] != 'u' {
		return 0, errNotJSON
	}
	for _, d := range b[2:6] {
		switch {
		case '0' <= d && d <= '9':
			r = r<<4 | rune(d-'0')
		case 'a' <= d|0x20 && d|0x20 <= 'f':
			r = r<<4 | rune(d|0x20-'a'+10)
		default:
			return 0, errNotJSON
		}
	}
	return r, nil
}

func (c *jsonChecker) word(w string) error {
	rest := c.data[c.pos:]
	if len(rest) < len(w) && string(rest) == w[:len(rest)] {
		return errCutShort
	}
	if len(rest) < len(w) || string(rest[:len(w)]) != w {
		return errNotJSON
	}
	c.pos += len(w)
	return nil
}

// number takes a number: no leading zero, and digits behind each sign, point
// and exponent.
func (c *jsonChecker) number() error {
	if c.data[c.pos] == '-' {
		c.pos++
	}
	if c.at('0') {
		c.pos++
	} else if err := c.digits(); err != nil {
		return err
	}
	if c.at('.') {
		c.pos++
		if err := c.digits(); err != nil {
			return err
		}
	}
	if c.at('e') || c.at('E') {
		if c.pos++; c.at('+') || c.at('-') {
			c.pos++
		}
		return c.digits()
	}
	return nil
}

func (c *jsonChecker) at(b byte) bool { return c.pos < len(c.data) && c.data[c.pos] == b }

// digits takes one digit or more.
func (c *jsonChecker) digits() error {
	start := c.pos
	for c.pos < len(c.data) && c.data[c.pos]-'0' <= 9 {
		c.pos++
	}
	if c.pos == start {
		return c.unexpected()
	}
	return nil
}
