package douyin

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	errEncode      = errors.New("encode request")
	errNoAnswer    = errors.New("not an answer of the platform's")
	errEmptyAnswer = errors.New("success without its payload")
	errTransport   = errors.New("broken exchange")
)

const (
	maxMessage = 200 // bytes
	maxLogID   = 64  // bytes
	maxWord    = 24  // bytes; a longer run of token characters is no word of a message
)

// transportError is the error of a request that had no whole answer.
func transportError(endpoint Endpoint, status int, sent bool, err error) *Error {
	kind := KindUnknown
	if !sent {
		kind = KindNotSent
	}
	return &Error{Endpoint: endpoint, Status: status, Kind: kind, Err: cleanTransport(err)}
}

// cleanTransport lets through the errors whose text is known to hold addresses
// and system errors only. Others are net/http's complaints about what the
// other side sent, which quote it.
func cleanTransport(err error) error {
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF, errNoAnswer} {
		if errors.Is(err, known) {
			return known
		}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return cert
	}
	return errTransport
}

// cleanMessage makes the platform's text fit for a log: no value of the
// request, nothing that looks like a token, printable, bounded.
func cleanMessage(s string, secrets []string) string {
	s = scrub(s, secrets)
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	fields := strings.FieldsFunc(s, unicode.IsSpace)
	for i, f := range fields {
		if hasToken(f) {
			fields[i] = redacted
		}
	}
	return cut(strings.Join(fields, " "), maxMessage)
}

// scrub takes the request's values out of s, the longest first: one may begin
// with another. Values of under four bytes are no secrets, and would tear words
// apart.
func scrub(s string, secrets []string) string {
	if s == "" {
		return s
	}
	secrets = slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		if len(secret) >= 4 {
			s = strings.ReplaceAll(s, secret, redacted)
		}
	}
	return s
}

// hasToken finds a part of a code, key or token that was echoed cut short.
func hasToken(s string) bool {
	run := 0
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || !isTokenByte(c) {
			run = 0
			continue
		}
		if run++; run > maxWord {
			return true
		}
	}
	return false
}

func isTokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("+/=_-", c) >= 0
}

// cleanLogID keeps the characters that log ids are made of.
func cleanLogID(s string) string {
	return cut(strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && isTokenByte(byte(r)) {
			return r
		}
		return -1
	}, s), maxLogID)
}

// cut bounds s to n bytes at a rune's edge.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
