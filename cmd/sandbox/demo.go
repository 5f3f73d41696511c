package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

const demoHelp = `The whole system on this machine, in about a minute: starts Kafka, ClickHouse and the
open platform in a box, makes topics and tables, starts real doustream processes
for the roles, plays mini-app traffic of every kind with everything that can be
wrong in it, sends orders, and reports. It exits with 1 if not every record that
was sent ended exactly once, in Kafka and in ClickHouse, as it must.`

// demoOptions say how much of a demo.
type demoOptions struct {
	world       worldOptions
	traffic     traffic.Config
	keep        bool
	doustream   string // the program; empty: the one beside this
	backlog     bool   // the traffic is there before anybody reads it
	driver      string
	token       string        // kind; empty: the driver's own
	enrich      int           // processes
	sinks       int           // likewise; 0: one
	latency     time.Duration // of the platform
	sessionWait time.Duration
	outage      time.Duration // of each way to fail; 0: none
	kill        time.Duration // between two kills; 0: none
	patience    time.Duration // how long nothing may come before the wait for quiet ends
}

func (a *app) demoCommand() *cobra.Command {
	o := demoOptions{world: worldOptions{say: func(format string, args ...any) { fmt.Fprintf(a.stderr, "demo: "+format+"\n", args...) }}}
	var noClickHouse bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Everything at once, a report, and it is gone again",
		Long:  demoHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if noClickHouse {
				o.world.only = []string{kafkaPart, platformPart}
			}
			if o.backlog {
				o.traffic.Over, o.traffic.Think = 0, 0
			}
			err := o.world.check()
			if o.driver != "v1" && o.driver != "v2" {
				err = errors.Join(err, fmt.Errorf("--driver is %q, not v1 or v2", o.driver))
			}
			if err != nil {
				a.started = false
				return err
			}
			return a.demo(cmd.Context(), o)
		},
	}
	addWorldFlags(cmd, &o.world)
	flags := cmd.Flags()
	flags.Lookup("dir").DefValue = "a temporary one"
	flags.Lookup("dir").Usage = "directory for data and logs, which stays"
	o.world.dir = ""
	flags.BoolVar(&noClickHouse, "no-clickhouse", false, "without ClickHouse and the sink")
	flags.BoolVar(&o.backlog, "backlog", false, "all traffic before the first doustream process, as fast as Kafka takes it")
	flags.BoolVar(&o.keep, "keep", false, "leave the world running after the report, until a signal")
	flags.StringVar(&o.driver, "driver", "v2", "how notifications are sent: v1 or v2")
	flags.DurationVar(&o.sessionWait, "session-wait", 10*time.Second, "DOUSTREAM_SESSION_WAIT; its default of three minutes would outlast the demo")
	flags.DurationVar(&o.outage, "outage", 0, "have the platform fail for this long in one way after another, with as long between; 0: not")
	flags.DurationVar(&o.kill, "kill", 0, "kill -9 one doustream process this often while the traffic plays, and start it again; 0: never")
	flags.IntVar(&o.enrich, "enrich", 2, "processes of the role enrich")
	flags.DurationVar(&o.latency, "latency", 30*time.Millisecond, "median time to an answer of the platform; its 99th percentile is five times that")
	flags.IntVar(&o.traffic.Visits, "visits", 1000, "visits that are as they should be")
	flags.DurationVar(&o.traffic.Over, "over", 20*time.Second, "time over which visits begin")
	flags.DurationVar(&o.traffic.Think, "think", 300*time.Millisecond, "mean pause between two events of a visit")
	flags.IntVar(&o.traffic.Bad, "bad", 1, "how often each thing that can be wrong is tried; negative: never")
	flags.Uint64Var(&o.traffic.Seed, "seed", 1, "another seed, other traffic")
	flags.DurationVar(&o.patience, "patience", 30*time.Second, "how long nothing may come of anything before what is missing counts as lost")
	return cmd
}

// demo runs one, and cleans up behind it.
func (a *app) demo(ctx context.Context, o demoOptions) (err error) {
	if o.world.dir == "" {
		if o.world.dir, err = os.MkdirTemp("", "doustream-demo-"); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		defer func() {
			if err != nil && ctx.Err() == nil {
				o.world.say("data and logs stay in %s", o.world.dir)
				return
			}
			err = errors.Join(err, os.RemoveAll(o.world.dir))
		}()
	} else if _, err := os.Stat(filepath.Join(o.world.dir, "env")); err == nil {
		return fmt.Errorf("start demo: there is a world in %s already; a demo's account needs a fresh one", o.world.dir)
	}
	start := time.Now()
	w, err := startWorld(ctx, o.world)
	if err != nil {
		return err
	}
	d := &demo{demoOptions: o, world: w, say: o.world.say, control: douyintest.NewControl(w.env[controlVariable])}
	r, err := d.play(ctx)
	if r != nil {
		r.took = time.Since(start)
		r.print(a.stdout)
		err = errors.Join(err, r.verdict())
	}
	if o.keep && ctx.Err() == nil {
		o.world.say("the world stays until a signal; its env file is %s", w.envFile())
		<-ctx.Done()
	}
	d.say("stopping")
	return errors.Join(err, d.stop(), w.close())
}

// demo is one under way.
type demo struct {
	demoOptions
	world    *world
	programs *programs
	control  *douyintest.Control
	say      func(format string, args ...any)

	killed, outages int // how often; read when the trouble is over

	mu    sync.Mutex
	roles []*role // guarded by mu
}
