//go:build !sabotage

package sabotage

// The bugs; see planted.go.
const (
	EarlyCommit  = false
	SkipLedger   = false
	Reorder      = false
	SendTwice    = false
	ForgetTokens = false
	BlindInsert  = false
)
