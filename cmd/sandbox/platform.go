package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

type platformFlags struct {
	addr, control     string
	latency, tail     time.Duration
	codeLife, tokens  time.Duration
	notifyMinInterval time.Duration
}

func (a *app) platformCommand() *cobra.Command {
	var f platformFlags
	cmd := &cobra.Command{
		Use:   "platform",
		Short: "The simulated open platform alone",
		Long: `The simulated open platform, both of its hosts on one address: single-use codes,
rotating session keys, tokens, subscription credits. Tests and traffic drive it by
the control address (/_sim/), which also tells everything that it was asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := f.platform()
			srv, err := douyintest.Listen(cmd.Context(), p, f.addr, f.control)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "platform %s control %s\n", srv.URL(), srv.ControlURL())
			return srv.Serve(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "addr", "127.0.0.1:0", "address of the platform's two hosts")
	flags.StringVar(&f.control, "control", "127.0.0.1:0", "address of the control API")
	flags.DurationVar(&f.latency, "latency", 0, "median time to an answer")
	flags.DurationVar(&f.tail, "latency-p99", 0, "99th percentile of the time to an answer; default: the median")
	flags.DurationVar(&f.codeLife, "code-life", 5*time.Minute, "how long a login code can be exchanged")
	flags.DurationVar(&f.tokens, "token-life", 2*time.Hour, "how long a token lives")
	flags.DurationVar(&f.notifyMinInterval, "notify-interval", time.Second, "least time between two messages to one user")
	return cmd
}

func (f *platformFlags) platform() *douyintest.Platform {
	p := douyintest.New(douyintest.Options{
		Apps: traffic.PlatformApps(), CodeLife: f.codeLife, TokenLife: f.tokens, NotifyInterval: f.notifyMinInterval,
		ForbiddenText: traffic.ForbiddenText,
	})
	p.SetLatency("", douyintest.Latency{Median: f.latency, P99: f.tail})
	p.SetFaults(traffic.Faults()...)
	return p
}
