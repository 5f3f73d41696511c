// Sandbox is the outside world of doustream on one machine, for trying it out,
// for the demo and for chaos: Kafka, ClickHouse, the open platform, and mini-app
// traffic.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"doustream/platform/embedded"
)

// What a process ends with.
const (
	exitOK     = 0 // done, or stopped by a signal
	exitFailed = 1
	exitUsage  = 2 // wrong usage
)

func main() {
	embedded.Main() // never returns in a process that was started to be an engine
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	release()
	os.Exit(code)
}

// run is the program; it ends in good order when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitOK
	case !a.started:
		fmt.Fprintf(stderr, "sandbox: %v\nRun 'sandbox --help' for what there is.\n", err)
		return exitUsage
	case !errors.Is(err, errReported):
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
	}
	return exitFailed
}

// errReported is the end of a command that has already said what is wrong.
var errReported = errors.New("reported")
