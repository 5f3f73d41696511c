// Package douyintest is the open platform in a box: an http.Handler for both
// of its hosts with single-use codes, session keys that rotate, tokens that
// live as the platform's do, subscription credits, and bad days on request. It
// keeps a ledger of everything it was asked, which tests and the demo hold
// doustream's own account against.
//
// In one process: New, then Platform's methods; Local gives an HTTP transport
// over pipes that also runs inside a testing/synctest bubble. As a process of
// its own: Serve, and a Control elsewhere. It persists nothing.
package douyintest
