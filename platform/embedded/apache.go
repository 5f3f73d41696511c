package embedded

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ApacheOptions say where an Apache Kafka lives. Topics are never made by asking for them.
type ApacheOptions struct {
	// Dir keeps each node's settings, data and log (node-1/, node-1.log, …); it is made if missing, and a cluster that
	// is there is started again.
	Dir string
	// Nodes is 1 (the default) or 3, each broker and controller. Three replicate everything thrice and take writes that
	// two have.
	Nodes int
	// Ports are the brokers' loopback ports, one each; none takes free ones, which restarts keep.
	Ports []int
	// HeapMB is each node's heap. Default 512.
	HeapMB int
	// Libs is the folder of Kafka's jars; empty: .engines/kafka, as FindLibrary looks for it.
	Libs string
	// Config are further lines of each node's server.properties.
	Config map[string]string
}

// Apache is an Apache Kafka 4 in KRaft mode, each node a Java process of its own.
type Apache struct {
	options     ApacheOptions
	controllers []int
	cluster     string
	nodes       []*Process // by node, from 0
	logs        []*os.File // likewise
}

// StartApache starts a cluster and waits until every node is in it: about 5 s for one, 12 s for three. Without the jars
// or Java the error wraps [ErrNoEngine]. The caller closes it.
func StartApache(ctx context.Context, options ApacheOptions) (*Apache, error) {
	a := &Apache{options: options}
	if err := a.prepare(); err != nil {
		return nil, fmt.Errorf("start apache kafka: %w", err)
	}
	if err := a.each(func(node int) error { return a.format(ctx, node) }); err != nil {
		return nil, fmt.Errorf("format apache kafka: %w", err)
	}
	a.nodes, a.logs = make([]*Process, a.options.Nodes), make([]*os.File, a.options.Nodes)
	if err := a.each(func(node int) error { return a.startNode(ctx, node) }); err != nil {
		return nil, errors.Join(fmt.Errorf("start apache kafka: %w", err), a.Close())
	}
	return a, nil
}

// prepare settles what was left open: jars, folder, ports, the cluster's name.
func (a *Apache) prepare() (err error) {
	o := &a.options
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	if o.Nodes != 1 && o.Nodes != 3 {
		return fmt.Errorf("a cluster has 1 node or 3, not %d", o.Nodes)
	}
	if o.HeapMB == 0 {
		o.HeapMB = 512
	}
	if o.Libs == "" {
		if o.Libs, err = findEngine("kafka"); err != nil {
			return fmt.Errorf("find Kafka's jars: %w: run `make engines-kafka`", err)
		}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	for len(o.Ports) < o.Nodes {
		port, err := FreePort()
		if err != nil {
			return err
		}
		o.Ports = append(o.Ports, port)
	}
	for range o.Nodes {
		port, err := FreePort()
		if err != nil {
			return err
		}
		a.controllers = append(a.controllers, port)
	}
	a.cluster, err = a.clusterID()
	return err
}

// clusterID is the cluster's name, made once and kept with the data.
func (a *Apache) clusterID() (string, error) {
	path := filepath.Join(a.options.Dir, "cluster.id")
	if raw, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(raw)), nil
	}
	var id [16]byte
	_, _ = rand.Read(id[:])
	id[0] &= 0x7f // the first letter is never a dash, which the tool would take for a flag
	text := base64.RawURLEncoding.EncodeToString(id[:])
	return text, os.WriteFile(path, []byte(text+"\n"), 0o644)
}

// each does something for all nodes at once; nodes count from 1.
func (a *Apache) each(do func(node int) error) error {
	errs := make([]error, a.options.Nodes)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = do(i + 1) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (a *Apache) nodeDir(node int) string {
	return filepath.Join(a.options.Dir, fmt.Sprintf("node-%d", node))
}

// format writes a node's settings, and its storage if that is new.
func (a *Apache) format(ctx context.Context, node int) error {
	dir := a.nodeDir(node)
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o755); err != nil {
		return err
	}
	files := map[string]string{"server.properties": a.properties(node), "log4j2.properties": apacheLogging}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if _, err := exec.LookPath("java"); err != nil {
		return fmt.Errorf("%w: %w: run `make engines-kafka`", ErrNoEngine, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "meta.properties")); err == nil {
		return nil
	}
	var said strings.Builder
	tool, err := StartProcess(ctx, a.java(node, &said, "-Xmx128m", "kafka.tools.StorageTool", "format", "-t", a.cluster, "-c", filepath.Join(dir, "server.properties")))
	if err != nil {
		return err
	}
	select {
	case <-tool.Done():
	case <-ctx.Done():
		tool.Kill()
		return context.Cause(ctx)
	}
	if err := tool.Wait(); err != nil {
		return fmt.Errorf("format node %d: %w: %s", node, err, said.String())
	}
	return nil
}

// java is the command of one of Kafka's programs.
func (a *Apache) java(node int, log io.Writer, heap, class string, args ...string) Command {
	dir := a.nodeDir(node)
	return Command{
		Name: fmt.Sprintf("kafka-%d", node), Path: "java", Dir: dir, Log: log, Grace: 30 * time.Second,
		Args: append([]string{
			heap, "-XX:+ExitOnOutOfMemoryError", "-Djava.io.tmpdir=" + filepath.Join(dir, "tmp"),
			"-Dlog4j2.configurationFile=" + filepath.Join(dir, "log4j2.properties"),
			"-cp", filepath.Join(a.options.Libs, "*"), class,
		}, args...),
	}
}

func (a *Apache) startNode(ctx context.Context, node int) error {
	log, err := os.OpenFile(filepath.Join(a.options.Dir, fmt.Sprintf("node-%d.log", node)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	command := a.java(node, log, fmt.Sprintf("-Xmx%dm", a.options.HeapMB), "kafka.Kafka", filepath.Join(a.nodeDir(node), "server.properties"))
	command.Ready = func(ctx context.Context) error { return awaitBroker(ctx, a.Brokers()[node-1], int32(node)) }
	p, err := StartProcess(ctx, command)
	if err != nil {
		return errors.Join(fmt.Errorf("%w (see %s)", err, log.Name()), log.Close())
	}
	a.nodes[node-1], a.logs[node-1] = p, log
	return nil
}

// Brokers are the host:port of all nodes, those that are down among them.
func (a *Apache) Brokers() []string {
	brokers := make([]string, a.options.Nodes)
	for i, port := range a.options.Ports[:a.options.Nodes] {
		brokers[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	return brokers
}

// Node is a node's process; nodes count from 1.
func (a *Apache) Node(node int) *Process { return a.nodes[node-1] }

// Kill ends a node as a kill -9 does.
func (a *Apache) Kill(node int) { a.Node(node).Kill() }

// Restart starts a node again and waits until it is back in the cluster.
func (a *Apache) Restart(ctx context.Context, node int) error { return a.Node(node).Restart(ctx) }

// Close ends all nodes in order. It is safe to call twice.
func (a *Apache) Close() error {
	return a.each(func(node int) error {
		p := a.nodes[node-1]
		if p == nil {
			return nil
		}
		defer a.logs[node-1].Close()
		if !p.Running() {
			return nil
		}
		if err := p.Terminate(); err != nil && !exitedBySignal(err) { // Java exits 143 on SIGTERM
			return err
		}
		return nil
	})
}
