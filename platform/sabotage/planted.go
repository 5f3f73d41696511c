//go:build sabotage

package sabotage

import (
	"os"
	"slices"
	"strings"
)

var bugs = strings.Split(os.Getenv("SABOTAGE"), ",")

// The bugs.
var (
	// EarlyCommit commits the offsets of all that was read with the first
	// result, whatever has become of the rest.
	EarlyCommit = planted("early-commit")
	// SkipLedger sends a login code without writing down that it was sent.
	SkipLedger = planted("skip-ledger")
	// Reorder puts out what was retired together the other way round.
	Reorder = planted("reorder")
	// SendTwice sends a notification again whose first answer never came.
	SendTwice = planted("send-twice")
	// ForgetTokens has a new owner fetch tokens in place of adopting them.
	ForgetTokens = planted("forget-tokens")
	// BlindInsert inserts without a look-up first, under another token each
	// time, and commits now and then, as a sink does that is at least once.
	BlindInsert = planted("blind-insert")
)

func planted(bug string) bool { return slices.Contains(bugs, bug) }
