package sinks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// A measured is a process of its own, this very binary, whose processor time and
// memory are those of what it does and of nothing else.
const measuredVariable = "DOUSTREAM_SINKS_BENCH_MEASURED"

type measured struct {
	Does      string // "sink" or "ceiling"
	Pooled    bool   // the ceiling has the sink's memory, which is lent and given back
	Brokers   []string
	DSN       string
	Group     string
	Rows      int // of the ceiling, which knows when it is done
	BlockRows int
	Profile   string // where its processor profile goes, if anywhere
}

// cost is what a measured process has used.
type cost struct {
	CPU time.Duration
	RSS int64 // bytes at its peak
}

// runMeasured is the measured process: it works until its standard input ends, or
// it is done, and answers its cost.
func runMeasured() {
	text := os.Getenv(measuredVariable)
	if text == "" {
		return
	}
	var m measured
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); cancel() }()
	if err := m.profiled(func() error { return m.run(ctx) }); err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(cost{CPU: cpu(), RSS: peakMemory()}); err != nil {
		panic(err)
	}
	os.Exit(0)
}

func (m measured) run(ctx context.Context) error {
	if m.Does == "ceiling" {
		return m.ceiling(ctx)
	}
	encoder, err := schemas.NewEncoder(schemas.FormatSingleObject, nil)
	if err != nil {
		return err
	}
	topics, err := NewTopics(TopicsConfig{Prefix: "test.", Encoder: encoder})
	if err != nil {
		return err
	}
	s, err := NewClickHouse(ClickHouseConfig{
		Connect: []kgo.Opt{kgo.SeedBrokers(m.Brokers...)}, Group: m.Group, Prefix: "test.", Topics: topics, Tables: Tables{DSN: m.DSN},
		BlockRows: m.BlockRows, InsertsPerSecond: 1000, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// ceiling fetches, decodes and puts into columns: what a sink without order,
// offsets and table would do, with the client as it comes, or pooled.
func (m measured) ceiling(ctx context.Context) error {
	var pools []kgo.Opt
	if m.Pooled {
		pools = newRecycler().options()
	}
	client, err := kgo.NewClient(append(pools, kgo.SeedBrokers(m.Brokers...), kgo.ConsumeTopics("test."+schemas.TopicUsers),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes))...)
	if err != nil {
		return err
	}
	defer client.Close()
	block := newBlock(newUserRows(nil))
	for rows := 0; rows < m.Rows; {
		fetches := client.PollRecords(ctx, pollRecords)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if block.add(rec) && m.Pooled {
				rec.Recycle()
			}
			rows++
			if block.count >= int64(m.BlockRows) {
				block.reset()
			}
		})
	}
	return nil
}

func (m measured) profiled(f func() error) error {
	if m.Profile == "" {
		return f()
	}
	to, err := os.Create(m.Profile)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := pprof.StartCPUProfile(to); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// measure runs a process until it ends by itself, or until done returns, and
// answers what it has cost.
func measure(b *testing.B, m measured, done func()) cost {
	b.Helper()
	if dir := os.Getenv("DOUSTREAM_BENCH_PROFILES"); dir != "" {
		m.Profile = fmt.Sprintf("%s/%s.prof", dir, strings.ReplaceAll(b.Name(), "/", "-"))
	}
	text, err := json.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), benchPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), measuredVariable+"="+string(text))
	cmd.Stderr = b.Output()
	var answer bytes.Buffer
	cmd.Stdout = &answer
	stop, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if done != nil {
		done()
		_ = stop.Close()
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	var c cost
	if err := json.Unmarshal(answer.Bytes(), &c); err != nil {
		b.Fatal(err)
	}
	return c
}

// cpu is the processor time that this process has used: a figure that holds on a
// machine that does other things as well.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the most memory that this process has had resident, in bytes; 0
// where the system does not say.
func peakMemory() int64 {
	return memoryOf(os.Getpid())
}

func memoryOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10
}

// cpuOf is the processor time that another process has used so far; 0 where the
// system does not say.
func cpuOf(pid int) time.Duration {
	const tick = time.Second / 100 // as /proc counts on every architecture of Go's
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}
