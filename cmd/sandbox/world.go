package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"doustream/platform/embedded"
)

// Parts of the world, in the order in which they start; they stop in the
// reverse one.
const (
	kafkaPart      = "kafka"
	clickhousePart = "clickhouse"
	platformPart   = "platform"
)

// worldOptions say which world to start.
type worldOptions struct {
	dir   string   // holds data, logs and the env file
	kafka string   // embedded or apache
	nodes int      // Kafka's brokers: 1 or 3
	only  []string // parts; empty: all
	// platform are further flags of the sandbox's command of that name.
	platform []string
	say      func(format string, args ...any)
}

func (o worldOptions) has(part string) bool { return len(o.only) == 0 || slices.Contains(o.only, part) }

// world is the outside world, running. A part that was not asked for is nil.
type world struct {
	dir        string
	nodes      int         // Kafka's brokers
	env        environment // what a doustream process needs; also in dir/env. Not written while parts start
	kafka      *embedded.KafkaProcess
	apache     *embedded.Apache
	clickhouse *embedded.ClickHouse
	platform   *embedded.Process

	mu   sync.Mutex
	logs []*os.File // guarded by mu
}

// startWorld starts the parts side by side, each as its own process, and writes
// the env file when all are ready. The ports and secrets of a world that lived
// in the directory before are used again.
func startWorld(ctx context.Context, o worldOptions) (*world, error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	w := &world{dir: dir, nodes: o.nodes}
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o755); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	if err := w.withdrawEnvironment(); err != nil {
		return nil, err
	}
	if w.env, err = readEnvironment(w.lastEnvFile()); err != nil {
		return nil, err
	}
	w.env.addSecrets()
	w.env.addLoopback()
	if err := w.choosePlatform(o); err != nil {
		return nil, err
	}
	if err := w.start(ctx, o); err != nil {
		return nil, errors.Join(err, w.close())
	}
	w.fillEnvironment()
	if err := w.env.write(w.envFile()); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) envFile() string { return filepath.Join(w.dir, "env") }

// lastEnvFile holds what the env file of the last world in the directory said.
func (w *world) lastEnvFile() string { return filepath.Join(w.dir, "env.last") }

// withdrawEnvironment puts the env file aside: that it is there tells whoever
// waits for it that the world is ready.
func (w *world) withdrawEnvironment() error {
	if err := os.Rename(w.envFile(), w.lastEnvFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the last env file aside: %w", err)
	}
	return nil
}

// start runs all starts at once; the first failure ends the others.
func (w *world) start(ctx context.Context, o worldOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []struct {
		name  string
		start func(context.Context, worldOptions) error
	}{{kafkaPart, w.startKafka}, {clickhousePart, w.startClickHouse}, {platformPart, w.startPlatform}}
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		if !o.has(part.name) {
			continue
		}
		wg.Go(func() {
			o.say("starting %s", part.name)
			if errs[i] = part.start(ctx, o); errs[i] != nil {
				cancel()
				return
			}
			o.say("%s is up", part.name)
		})
	}
	wg.Wait()
	return firstCause(errs)
}

// firstCause leaves out those that only failed because another had.
func firstCause(errs []error) error {
	var causes []error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			causes = append(causes, err)
		}
	}
	if len(causes) > 0 {
		return errors.Join(causes...)
	}
	return errors.Join(errs...)
}

func (w *world) startKafka(ctx context.Context, o worldOptions) (err error) {
	if o.kafka == "apache" {
		w.apache, err = embedded.StartApache(ctx, embedded.ApacheOptions{Dir: filepath.Join(w.dir, "apache-kafka"), Nodes: o.nodes, Ports: w.ports(brokersVariable, max(o.nodes, 1))})
		return err
	}
	log, err := w.log(kafkaPart)
	if err != nil {
		return err
	}
	w.kafka, err = embedded.StartKafkaProcess(ctx, embedded.KafkaOptions{Dir: filepath.Join(w.dir, "kafka"), Ports: w.ports(brokersVariable, max(o.nodes, 1)), Brokers: o.nodes, Log: log})
	return err
}

func (w *world) startClickHouse(ctx context.Context, _ worldOptions) error {
	log, err := w.log(clickhousePart)
	if err != nil {
		return err
	}
	options := embedded.ClickHouseOptions{Dir: filepath.Join(w.dir, "clickhouse"), Database: "doustream", Log: log}
	if ports := w.ports(dsnVariable, 1); len(ports) > 0 {
		options.Port = ports[0]
	}
	w.clickhouse, err = embedded.StartClickHouse(ctx, options)
	return err
}

func (w *world) fillEnvironment() {
	if brokers := w.brokers(); len(brokers) > 0 {
		w.env[brokersVariable] = strings.Join(brokers, ",")
	}
	if w.clickhouse != nil {
		w.env[dsnVariable] = w.clickhouse.DSN()
	}
}

// brokers are Kafka's addresses, if it was asked for.
func (w *world) brokers() []string {
	switch {
	case w.apache != nil:
		return w.apache.Brokers()
	case w.kafka != nil:
		return w.kafka.Brokers()
	}
	return nil
}

// log opens a process's log file, which grows over restarts.
func (w *world) log(name string) (*os.File, error) {
	f, err := os.OpenFile(w.logPath(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", name, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs = append(w.logs, f)
	return f, nil
}

func (w *world) logPath(name string) string { return filepath.Join(w.dir, "log", name+".log") }

// ports are the n loopback ports that a variable named the last time, if all of
// them are free now; else none.
func (w *world) ports(variable string, n int) []int {
	var ports []int
	for address := range strings.SplitSeq(w.env[variable], ",") {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			address = u.Host
		}
		host, text, err := net.SplitHostPort(address)
		port, portErr := strconv.Atoi(text)
		if err != nil || portErr != nil || host != "127.0.0.1" || !portFree(port) {
			return nil
		}
		ports = append(ports, port)
	}
	if len(ports) != n {
		return nil
	}
	return ports
}

func portFree(port int) bool {
	var listen net.ListenConfig
	ln, err := listen.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

// ended gives a channel for each part that runs, closed when its process ends.
func (w *world) ended() map[string]<-chan struct{} {
	ended := map[string]<-chan struct{}{}
	if w.kafka != nil {
		ended[kafkaPart] = w.kafka.Done()
	}
	if w.apache != nil {
		for node := range w.apache.Brokers() {
			ended[fmt.Sprintf("kafka-%d", node+1)] = w.apache.Node(node + 1).Done()
		}
	}
	if w.clickhouse != nil {
		ended[clickhousePart] = w.clickhouse.Done()
	}
	if w.platform != nil {
		ended[platformPart] = w.platform.Done()
	}
	return ended
}

// close stops all parts in order, the last one started first.
func (w *world) close() error {
	var errs []error
	if w.platform != nil && w.platform.Running() {
		errs = append(errs, w.platform.Terminate())
	}
	if w.clickhouse != nil {
		errs = append(errs, w.clickhouse.Close())
	}
	if w.kafka != nil {
		errs = append(errs, w.kafka.Close())
	}
	if w.apache != nil {
		errs = append(errs, w.apache.Close())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.logs {
		errs = append(errs, f.Close())
	}
	w.logs = nil
	return errors.Join(errs...)
}
