package embedded

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// apacheLogging sends what Kafka has to say to standard output, which is the node's log file.
const apacheLogging = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`

// properties is a node's server.properties: everything on loopback, replication by the number of nodes, and what a
// small machine needs to start soon.
func (a *Apache) properties(node int) string {
	replicas, quorum := fmt.Sprint(a.options.Nodes), "1"
	if a.options.Nodes > 1 {
		quorum = "2"
	}
	voters := make([]string, a.options.Nodes)
	for i, port := range a.controllers {
		voters[i] = fmt.Sprintf("%d@127.0.0.1:%d", i+1, port)
	}
	broker := a.Brokers()[node-1]
	config := map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          fmt.Sprint(node),
		"controller.quorum.voters":                         strings.Join(voters, ","),
		"listeners":                                        fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://127.0.0.1:%d", broker, a.controllers[node-1]),
		"advertised.listeners":                             "PLAINTEXT://" + broker,
		"controller.listener.names":                        "CONTROLLER",
		"inter.broker.listener.name":                       "PLAINTEXT",
		"listener.security.protocol.map":                   "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs":                                         a.nodeDir(node) + "/data",
		"auto.create.topics.enable":                        "false",
		"default.replication.factor":                       replicas,
		"min.insync.replicas":                              quorum,
		"offsets.topic.replication.factor":                 replicas,
		"offsets.topic.num.partitions":                     "8",
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    quorum,
		"transaction.state.log.num.partitions":             "8",
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            quorum,
		"group.initial.rebalance.delay.ms":                 "0",
		"broker.heartbeat.interval.ms":                     "1000",
		"broker.session.timeout.ms":                        "6000",
		"log.cleaner.dedupe.buffer.size":                   "16777216",
	}
	maps.Copy(config, a.options.Config)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(config)) {
		fmt.Fprintf(&b, "%s=%s\n", key, config[key])
	}
	return b.String()
}

// exitedBySignal says whether a process ended as one that was asked to: by the signal, or by exit 128+15.
func exitedBySignal(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && (status.Signaled() && status.Signal() == syscall.SIGTERM || status.ExitStatus() == 128+int(syscall.SIGTERM))
}
