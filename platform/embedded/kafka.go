package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

// KafkaOptions say where a Kafka in a box lives and who may come in. Topics are never made by asking for them.
type KafkaOptions struct {
	// Dir keeps the cluster's data over restarts, a kill -9 among them; empty: nothing is kept.
	Dir string
	// Ports are the brokers' loopback ports, one each; none takes free ones.
	Ports []int
	// Brokers is how many there are when Ports is empty. Default 1.
	Brokers int
	// Config are broker settings, such as transaction.max.timeout.ms.
	Config map[string]string
	// Users, if there are any, are asked for SASL; those that are not Super may do what their ACLs allow.
	Users []KafkaUser
	// ACLs denies what no ACL allows; without it every user may do everything.
	ACLs bool
	// Log gets what the cluster has to say; nil drops it. Only for a cluster in its own process.
	Log io.Writer `json:"-"`
	// Env is added to the environment. Only for a cluster in its own process.
	Env []string `json:"-"`
	// Extra is passed to the cluster as it is. Only for a cluster in this process.
	Extra []kfake.Opt `json:"-"`
}

// KafkaUser is one who may come in by SASL.
type KafkaUser struct {
	Mechanism, Name, Password string
	Super                     bool
	ACLs                      []kfake.ACL
}

func (o KafkaOptions) brokers() int {
	if len(o.Ports) > 0 {
		return len(o.Ports)
	}
	return max(o.Brokers, 1)
}

// brokerDefaults are what a cluster has that was told nothing else: the largest message of Kafka's default, and no more.
var brokerDefaults = map[string]string{"transaction.max.timeout.ms": "900000"}

// cluster are the options in kfake's words.
func (o KafkaOptions) cluster() []kfake.Opt {
	config := maps.Clone(brokerDefaults)
	maps.Copy(config, o.Config)
	opts := []kfake.Opt{kfake.NumBrokers(o.brokers()), kfake.BrokerConfigs(config), kfake.ClusterID("doustream")}
	if len(o.Ports) > 0 {
		opts = append(opts, kfake.Ports(o.Ports...))
	}
	if o.Dir != "" {
		opts = append(opts, kfake.DataDir(o.Dir))
	}
	if len(o.Users) > 0 {
		opts = append(opts, kfake.EnableSASL())
	}
	for _, u := range o.Users {
		if u.Super {
			opts = append(opts, kfake.Superuser(u.Mechanism, u.Name, u.Password))
			continue
		}
		opts = append(opts, kfake.User(u.Mechanism, u.Name, u.Password, u.ACLs...))
	}
	if o.ACLs {
		opts = append(opts, kfake.EnableACLs())
	}
	return append(opts, o.Extra...)
}

// Kafka is a Kafka in this process: transactions, both group protocols, compaction, SASL, ACLs, faults. It has no
// replication, no throttling and no limit on offset metadata: those need the real one, [StartApache].
type Kafka struct {
	// Cluster is for faults and for looking inside.
	Cluster *kfake.Cluster
	users   bool // are asked who they are
}

// StartKafka starts a cluster in this process. The caller closes it.
func StartKafka(_ context.Context, options KafkaOptions) (*Kafka, error) {
	cluster, err := kfake.NewCluster(options.cluster()...)
	if err != nil {
		return nil, fmt.Errorf("start kafka: %w", err)
	}
	return &Kafka{cluster, len(options.Users) > 0}, nil
}

// Brokers are the host:port of the brokers.
func (k *Kafka) Brokers() []string { return k.Cluster.ListenAddrs() }

// Close ends the cluster; what is on disk is closed in order.
func (k *Kafka) Close() error {
	k.Cluster.Close()
	return nil
}

// KafkaProcess is a Kafka in a process of its own, so that it can be paused and restarted without whoever uses it. What
// was committed survives a kill; but a transaction that was open is then aborted without a marker in the log, and
// readers that begin before it drop what the same producer writes later: stop it in order, or use [StartApache], where
// transactions are to survive it.
type KafkaProcess struct {
	*Process
	options KafkaOptions
	addr    *partAddr
}

// StartKafkaProcess starts a cluster in a process of its own and waits until it answers. Ports that were not given are
// chosen now and kept over restarts. The caller closes it.
func StartKafkaProcess(ctx context.Context, options KafkaOptions) (*KafkaProcess, error) {
	for n := options.brokers(); len(options.Ports) < n; {
		port, err := FreePort()
		if err != nil {
			return nil, fmt.Errorf("start kafka: %w", err)
		}
		options.Ports = append(options.Ports, port)
	}
	if options.Dir != "" {
		dir, err := filepath.Abs(options.Dir)
		if err != nil {
			return nil, fmt.Errorf("start kafka: %w", err)
		}
		options.Dir = dir
	}
	k := &KafkaProcess{options: options, addr: &partAddr{}}
	command, err := partCommand("kafka", options, options.Log, k.addr)
	if err != nil {
		return nil, err
	}
	command.Env = append(command.Env, options.Env...)
	if k.Process, err = StartProcess(ctx, command); err != nil {
		k.addr.release()
		return nil, err
	}
	return k, nil
}

// Brokers are the host:port of the brokers.
func (k *KafkaProcess) Brokers() []string {
	brokers := make([]string, len(k.options.Ports))
	for i, port := range k.options.Ports {
		brokers[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	return brokers
}

// Close ends the cluster in order. It is safe to call twice.
func (k *KafkaProcess) Close() error {
	defer k.addr.release()
	if !k.Running() {
		return nil
	}
	return k.Terminate()
}

// serveKafka is the part's own process.
func serveKafka(ctx context.Context, s started) error {
	var o KafkaOptions
	if err := json.Unmarshal(s.options, &o); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	o.Extra = []kfake.Opt{kfake.WithLogger(kafkaLog{s.log})}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
	}
	k, err := StartKafka(ctx, o)
	if err != nil {
		return err
	}
	go k.takeFaults(s.orders, s.log)
	if err := s.ready(strings.Join(k.Brokers(), ",")); err != nil {
		return fmt.Errorf("tell the address: %w", err)
	}
	<-ctx.Done()
	return k.Close()
}

// kafkaLog takes the cluster's warnings and errors.
type kafkaLog struct{ log *slog.Logger }

// Logf implements kfake's Logger.
func (l kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("kafka", "said", fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("kafka", "said", fmt.Sprintf(format, args...))
	}
}
