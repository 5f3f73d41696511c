package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const upHelp = `Starts Kafka, ClickHouse and the open platform, each as its own process. When all of them
answer it writes DIR/env, prints one line, and runs until a signal; then it stops them in
order. Data, keys and ports stay in DIR: started again, it goes on where it was.

DIR/env holds everything that a doustream process needs:
  set -a; . DIR/env; set +a`

func (a *app) upCommand() *cobra.Command {
	o := worldOptions{say: func(format string, args ...any) { fmt.Fprintf(a.stderr, "sandbox: "+format+"\n", args...) }}
	c := &cobra.Command{
		Use:   "up",
		Short: "Start the outside world and run until a signal",
		Long:  upHelp,
		Example: "  sandbox up\n  sandbox up --dir /tmp/world --kafka apache --nodes 3\n" +
			"  sandbox up --only kafka,platform",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				a.started = false
				return err
			}
			return a.up(cmd.Context(), o)
		},
	}
	addWorldFlags(c, &o)
	c.Flags().StringSliceVar(&o.only, "only", nil, "parts to start, of kafka, clickhouse, platform (default all)")
	return c
}

// addWorldFlags adds the flags that every command with a world has.
func addWorldFlags(c *cobra.Command, o *worldOptions) {
	c.Flags().StringVar(&o.dir, "dir", ".run", "directory for data, logs and the env file")
	c.Flags().StringVar(&o.kafka, "kafka", "embedded", "which Kafka: embedded, or apache (Java)")
	c.Flags().IntVar(&o.nodes, "nodes", 1, "brokers of Kafka: 1 or 3")
}

func (o worldOptions) check() error {
	if o.kafka != "embedded" && o.kafka != "apache" {
		return fmt.Errorf("--kafka is %q, not embedded or apache", o.kafka)
	}
	if o.nodes != 1 && o.nodes != 3 {
		return fmt.Errorf("--nodes is %d, not 1 or 3", o.nodes)
	}
	for _, part := range o.only {
		if part != kafkaPart && part != clickhousePart && part != platformPart {
			return fmt.Errorf("--only names %q, not one of kafka, clickhouse, platform", part)
		}
	}
	return nil
}

// up runs a world until ctx ends or one of its parts does.
func (a *app) up(ctx context.Context, o worldOptions) error {
	w, err := startWorld(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "ready: %s; for a doustream process: set -a; . %s; set +a\n", strings.Join(w.describe(), ", "), shellQuote(w.envFile()))
	ended := awaitEnd(ctx, w.ended())
	o.say("stopping")
	err = errors.Join(w.withdrawEnvironment(), w.close())
	if ended != "" {
		return errors.Join(fmt.Errorf("%s ended by itself: see %s", ended, w.logPath(ended)), err)
	}
	return err
}

// describe names each part's address.
func (w *world) describe() []string {
	var parts []string
	if brokers := w.brokers(); len(brokers) > 0 {
		parts = append(parts, "kafka "+strings.Join(brokers, ","))
	}
	if w.clickhouse != nil {
		parts = append(parts, "clickhouse "+w.clickhouse.Addr())
	}
	if w.platform != nil {
		parts = append(parts, "platform "+w.env[platformVariable])
	}
	return parts
}

// awaitEnd returns when ctx ends, or with the name of the part that ended first.
func awaitEnd(ctx context.Context, ended map[string]<-chan struct{}) string {
	first := make(chan string, len(ended))
	for name, done := range ended {
		go func() {
			select {
			case <-done:
				first <- name
			case <-ctx.Done():
			}
		}()
	}
	select {
	case name := <-first:
		return name
	case <-ctx.Done():
		return ""
	}
}
