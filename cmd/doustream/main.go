// Doustream turns what a Douyin mini-app reports about its users into enriched
// user records, and sends order notifications back to those users.
//
// This package composes it: one file for each role and each command, with the
// arguments, the environment, the wiring and the signals. What the roles do
// lives in processors and sinks; the environment's meaning in config.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"doustream/cmd/doustream/config"
)

// What a process ends with.
const (
	exitOK     = 0 // done, or stopped by a signal
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration
)

func main() {
	polling, work, release := untilSignals(context.Background())
	defer release()
	os.Exit(run(polling, work, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is the program. polling ends at the first signal: what is begun is
// finished. work ends at the second: it is left, as by a crash.
func run(polling, work context.Context, args, environ []string, stdout, stderr io.Writer) int {
	a := &app{work: work, environ: environ, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(polling)
	if err == nil {
		return exitOK
	}
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		fmt.Fprintf(stderr, "doustream: %v\n", faults)
		return exitUsage
	case !a.started:
		fmt.Fprintf(stderr, "doustream: %v\nRun 'doustream --help' for what there is.\n", err)
		return exitUsage
	case errors.Is(err, context.Canceled) && polling.Err() != nil:
		return exitOK
	case !errors.Is(err, errReported):
		fmt.Fprintf(stderr, "doustream: %v\n", err)
	}
	return exitFailed
}

// errReported is the end of a command that has already said what is wrong.
var errReported = errors.New("reported")
