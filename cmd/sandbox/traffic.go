package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

const trafficHelp = `Plays the mini-app's users, their backend and the order services in a world that
'sandbox up' started: visits of logins, profiles, phone numbers, locations,
addresses, devices and subscriptions, encrypted under keys that the platform gave;
everything that can be wrong; orders for notifications. It ends when all of it is
acknowledged, and writes down what it sent and what must become of each.`

func (a *app) trafficCommand() *cobra.Command {
	var dir, manifest string
	var cfg traffic.Config
	var backlog bool
	cmd := &cobra.Command{
		Use:     "traffic",
		Short:   "Mini-app events and orders, at a rate or as a backlog",
		Long:    trafficHelp,
		Example: "  sandbox traffic --visits 1000 --over 30s\n  sandbox traffic --visits 100000 --backlog --bad=-1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if backlog {
				cfg.Over, cfg.Think = 0, 0
			}
			return a.traffic(cmd.Context(), dir, manifest, cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", ".run", "directory of the world, where its env file is")
	flags.StringVar(&manifest, "manifest", "", "file for what was sent, as lines of JSON; default DIR/manifest.jsonl, - for none")
	flags.IntVar(&cfg.Visits, "visits", 1000, "visits that are as they should be")
	flags.DurationVar(&cfg.Over, "over", 20*time.Second, "time over which visits begin")
	flags.DurationVar(&cfg.Think, "think", 300*time.Millisecond, "mean pause between two events of a visit")
	flags.BoolVar(&backlog, "backlog", false, "everything at once, as fast as Kafka takes it")
	flags.IntVar(&cfg.Bad, "bad", 1, "how often each thing that can be wrong is tried; negative: never")
	flags.BoolVar(&cfg.NoOrders, "no-orders", false, "events alone")
	flags.StringVar(&cfg.Run, "run", "", "what every id begins with; default: the time")
	flags.Uint64Var(&cfg.Seed, "seed", 1, "another seed, other traffic")
	return cmd
}

func (a *app) traffic(ctx context.Context, dir, manifestFile string, cfg traffic.Config) error {
	env, err := readEnvironment(filepath.Join(dir, "env"))
	if err != nil {
		return err
	}
	if env[brokersVariable] == "" || env[controlVariable] == "" {
		return fmt.Errorf("find a world: %s names no Kafka or no platform; is 'sandbox up' running?", filepath.Join(dir, "env"))
	}
	if cfg.Run == "" {
		cfg.Run = fmt.Sprintf("r%x", time.Now().Unix())
	}
	out, err := createManifest(dir, manifestFile)
	if err != nil {
		return err
	}
	manifest := traffic.NewManifest(out)
	start := time.Now()
	err = playTraffic(ctx, env, cfg, manifest)
	if c, ok := out.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	took := time.Since(start)
	fmt.Fprintf(a.stdout, "sent %d records in %s, %.0f a second\n", manifest.Len(), took.Round(time.Millisecond), float64(manifest.Len())/took.Seconds())
	return err
}

func createManifest(dir, name string) (io.Writer, error) {
	if name == "-" {
		return nil, nil
	}
	if name == "" {
		name = filepath.Join(dir, "manifest.jsonl")
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("make manifest: %w", err)
	}
	return f, nil
}

// largestRecord is what the 5 MB value needs, with room.
const largestRecord = 8 << 20

// playTraffic sends everything and returns when it is acknowledged.
func playTraffic(ctx context.Context, env environment, cfg traffic.Config, manifest *traffic.Manifest) error {
	cfg.Prefix = env["DOUSTREAM_TOPIC_PREFIX"]
	producer, err := kgo.NewClient(append(kafkaOptions(env), kgo.ProducerBatchMaxBytes(largestRecord), kgo.MaxBufferedRecords(30000))...)
	if err != nil {
		return fmt.Errorf("connect producer: %w", err)
	}
	defer producer.Close()
	return traffic.New(cfg, producer, douyintest.NewControl(env[controlVariable]), manifest).Run(ctx)
}

func kafkaOptions(env environment) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(strings.Split(env[brokersVariable], ",")...), kgo.ClientID("sandbox")}
}
