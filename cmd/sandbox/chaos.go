package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

const chaosHelp = `Runs real doustream processes against traffic whose outcome is known in advance, makes
faults at moments that a seed decides, heals everything, waits for quiet, and judges by
an oracle that knows the contract and no code of doustream's. It prints a scorecard, and
exits with 1 if anything on it is not zero.

What happens to whom:
  every role       kill -9; SIGTERM; SIGSTOP below and beyond the session time-out, then
                   SIGCONT; instances that come, and go, while the traffic plays
  the platform     refuses connections, hangs, answers garbage, resets the connection
                   behind the effect, throttles, says -1
  Kafka in a box   errors of each kind of request, restart, SIGSTOP, coordinators move,
                   commits that are carried out and whose answer never comes
  Apache Kafka     kill -9 and SIGSTOP of one of its nodes
  ClickHouse       kill -9, SIGSTOP

The seed decides the traffic, the faults with their moments and targets, and by which
kind of token notifications are sent. It reproduces a run's plan (--plan prints it), not
its interleavings. What a fault may cost is part of the contract, and the oracle grants
it only where the fault struck: a code or a message whose answer nobody can have heard.`

// chaosOptions say how much chaos.
type chaosOptions struct {
	demo   demoOptions
	seed   uint64
	events int
	faults int
	span   time.Duration
	kinds  []string
	// credits is DOUSTREAM_NOTIFY_CREDITS.
	credits string
	plan    bool
}

func (a *app) chaosCommand() *cobra.Command {
	o := chaosOptions{demo: demoOptions{
		world: worldOptions{say: func(format string, args ...any) { fmt.Fprintf(a.stderr, "chaos: "+format+"\n", args...) }},
		sinks: 2,
	}}
	var noClickHouse bool
	cmd := &cobra.Command{
		Use:   "chaos",
		Short: "Faults against an oracle, and a scorecard",
		Long:  chaosHelp,
		Example: "  sandbox chaos --seed 7 --faults 20\n  sandbox chaos --kafka apache --faults 30\n  sandbox chaos --credits enforce --faults 40\n" +
			"  sandbox chaos --kinds 'kill -9,SIGTERM' --faults 50 --no-clickhouse",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if noClickHouse {
				o.demo.world.only = []string{kafkaPart, platformPart}
			}
			if err := o.check(); err != nil {
				a.started = false
				return err
			}
			if o.plan {
				return a.printPlan(o)
			}
			return a.chaos(cmd.Context(), o)
		},
	}
	addWorldFlags(cmd, &o.demo.world)
	flags := cmd.Flags()
	flags.Lookup("dir").DefValue, flags.Lookup("dir").Usage = "a temporary one", "directory for data and logs, which stays"
	flags.Lookup("nodes").DefValue = "3"
	o.demo.world.dir, o.demo.world.nodes = "", 3
	flags.BoolVar(&noClickHouse, "no-clickhouse", false, "without ClickHouse and the sink")
	flags.Uint64Var(&o.seed, "seed", 1, "another seed, another plan")
	flags.IntVar(&o.events, "events", 3000, "events and orders, about")
	flags.IntVar(&o.faults, "faults", 20, "faults")
	flags.DurationVar(&o.span, "over", 0, "time over which events and faults come (default 2s for each fault, 20s at least)")
	flags.StringSliceVar(&o.kinds, "kinds", nil, "the kinds of faults, by their names on the scorecard (default all)")
	flags.StringVar(&o.credits, "credits", "advise", "DOUSTREAM_NOTIFY_CREDITS: advise, or enforce: an order is sent only on a consent that an event told of")
	flags.BoolVar(&o.plan, "plan", false, "print the plan of the faults, and make none")
	flags.DurationVar(&o.demo.latency, "latency", 20*time.Millisecond, "median time to an answer of the platform; its 99th percentile is five times that")
	flags.IntVar(&o.demo.enrich, "enrich", 3, "processes of the role enrich")
	flags.DurationVar(&o.demo.sessionWait, "session-wait", 40*time.Second, "DOUSTREAM_SESSION_WAIT; a login may come late behind a broker that is down")
	flags.DurationVar(&o.demo.patience, "patience", 90*time.Second, "how long nothing may come of anything before what is missing counts as lost")
	flags.StringVar(&o.demo.doustream, "doustream", "", "the program to run (default the one beside this, else it is built)")
	return cmd
}

func (o *chaosOptions) check() error {
	err := o.demo.world.check()
	if o.credits != "advise" && o.credits != "enforce" {
		err = errors.Join(err, fmt.Errorf("--credits is %q, not advise or enforce", o.credits))
	}
	if o.events < 1 || o.faults < 0 || o.demo.enrich < 1 {
		err = errors.Join(err, errors.New("--events, --faults and --enrich are counts"))
	}
	menu := o.cast().menu()
	for _, kind := range o.kinds {
		if !slices.ContainsFunc(menu, func(m menuItem) bool { return string(m.kind) == kind }) {
			err = errors.Join(err, fmt.Errorf("--kinds: %q is none of what happens here", kind))
		}
	}
	return err
}

// cast is who there is to suffer, from what was asked for.
func (o *chaosOptions) cast() cast {
	c := cast{clickhouse: o.demo.world.has(clickhousePart), only: o.kinds}
	for i := range o.demo.enrich {
		c.roles = append(c.roles, fmt.Sprintf("enrich-%d", i+1))
	}
	c.roles = append(c.roles, "notify-1", "notify-2")
	if c.clickhouse {
		for i := range o.demo.sinks {
			c.roles = append(c.roles, fmt.Sprintf("sink-%d", i+1))
		}
	}
	if o.demo.world.kafka == "apache" {
		c.nodes = o.demo.world.nodes
	}
	return c
}

func (o *chaosOptions) faultPlan() []fault { return planFaults(o.seed, o.faults, o.span, o.cast()) }

// settle fills in what follows from the rest.
func (o *chaosOptions) settle() {
	if o.span == 0 {
		o.span = max(20*time.Second, time.Duration(o.faults)*2*time.Second)
	}
	way := senders[o.seed%uint64(len(senders))]
	o.demo.driver, o.demo.token = way.driver, way.token
	o.demo.world.platform = []string{"--token-life", tokenLife.String()}
}

// senders are the ways to send a notification, each with the token that it
// takes.
var senders = []struct{ driver, token string }{
	{"v2", "client_token"}, {"v2", "stable_client_token"}, {"v1", "access_token"},
}

// tokenLife is short, so that tokens are refreshed while the faults come.
const tokenLife = time.Minute

func (a *app) printPlan(o chaosOptions) error {
	o.settle()
	for _, f := range o.faultPlan() {
		fmt.Fprintln(a.stdout, f)
	}
	return nil
}
