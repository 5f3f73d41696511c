package schemas

import (
	"slices"
	"strings"
)

// The enums of the Avro schemas. A symbol's place is its number in Avro and in
// ClickHouse; UNKNOWN stands first and takes whatever is not known here.
var (
	kindSymbols      = []string{"UNKNOWN", "LOGIN", "PROFILE", "PHONE", "LOCATION", "ADDRESS", "DEVICE", "SUBSCRIPTION"}
	statusSymbols    = []string{"UNKNOWN", "SENT", "REFUSED", "NO_CREDIT", "EXPIRED", "INVALID"}
	coordTypeSymbols = []string{"UNKNOWN", "WGS84", "GCJ02"}
	consentSymbols   = []string{"UNKNOWN", "ACCEPT", "REJECT", "BAN", "FAIL"}
	factSymbols      = []string{"UNKNOWN", "SENT", "RESULT", "FAILED"}
	codeKindSymbols  = []string{"UNKNOWN", "CODE", "ANONYMOUS", "BOTH"}
	stageSymbols     = []string{"UNKNOWN", "QUEUED", "INTENT", "RETRY", "RESULT"}
)

// symbolAt answers the symbol of a number, UNKNOWN for one out of range.
func symbolAt(symbols []string, n uint8) string {
	if int(n) < len(symbols) {
		return symbols[n]
	}
	return symbols[0]
}

// numberOf is the reverse of symbolAt.
func numberOf(symbols []string, symbol string) uint8 {
	return uint8(max(0, slices.Index(symbols, symbol)))
}

// numberOfText answers the number of a symbol from its text in lower case.
func numberOfText(symbols []string, text string) uint8 {
	return numberOf(symbols, strings.ToUpper(text))
}

// String is the symbol: LOGIN, PROFILE, …
func (k Kind) String() string { return symbolAt(kindSymbols, uint8(k)) }

// MarshalText writes the symbol.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a symbol; one that is not known is UNKNOWN.
func (k *Kind) UnmarshalText(text []byte) error {
	*k = Kind(numberOf(kindSymbols, string(text)))
	return nil
}

// String is the symbol: SENT, REFUSED, …
func (s Status) String() string { return symbolAt(statusSymbols, uint8(s)) }

// MarshalText writes the symbol.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a symbol; one that is not known is UNKNOWN.
func (s *Status) UnmarshalText(text []byte) error {
	*s = Status(numberOf(statusSymbols, string(text)))
	return nil
}

// String is the symbol: SENT, RESULT, FAILED.
func (k FactKind) String() string { return symbolAt(factSymbols, uint8(k)) }

// String is the symbol: QUEUED, INTENT, RETRY, RESULT.
func (s Stage) String() string { return symbolAt(stageSymbols, uint8(s)) }

// Number is the coordinate system's number in Avro's and ClickHouse's enums.
func (c CoordType) Number() uint8 {
	switch c {
	case CoordWGS84:
		return 1
	case CoordGCJ02:
		return 2
	}
	return 0
}

func coordTypeAt(n uint8) CoordType {
	switch n {
	case 1:
		return CoordWGS84
	case 2:
		return CoordGCJ02
	}
	return CoordUnknown
}

// Number is the status's number in Avro's and ClickHouse's enums.
func (s ConsentStatus) Number() uint8 {
	for i, known := range consentStatuses {
		if s == known {
			return uint8(i)
		}
	}
	return 0
}

var consentStatuses = [...]ConsentStatus{ConsentUnknown, ConsentAccept, ConsentReject, ConsentBan, ConsentFail}

func consentStatusAt(n uint8) ConsentStatus {
	if int(n) < len(consentStatuses) {
		return consentStatuses[n]
	}
	return ConsentUnknown
}

func (s ConsentStatus) symbol() string { return symbolAt(consentSymbols, s.Number()) }

func consentStatusOf(symbol string) ConsentStatus {
	return consentStatusAt(numberOf(consentSymbols, symbol))
}

// MarshalText writes the symbol, as Avro and ClickHouse have it: WGS84, GCJ02.
func (c CoordType) MarshalText() ([]byte, error) {
	return []byte(symbolAt(coordTypeSymbols, c.Number())), nil
}

// UnmarshalText reads a symbol in any case; one that is not known is CoordUnknown.
func (c *CoordType) UnmarshalText(text []byte) error {
	*c = coordTypeAt(numberOfText(coordTypeSymbols, string(text)))
	return nil
}

// MarshalText writes the symbol, as Avro and ClickHouse have it: ACCEPT, REJECT.
func (s ConsentStatus) MarshalText() ([]byte, error) { return []byte(s.symbol()), nil }

// UnmarshalText reads a symbol in any case; one that is not known is ConsentUnknown.
func (s *ConsentStatus) UnmarshalText(text []byte) error {
	*s = consentStatusAt(numberOfText(consentSymbols, string(text)))
	return nil
}
