package sinks

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

// A victim is a sink in a process of its own, this very binary, that dies at a
// point as by kill -9: no commit, no leaving of the group, no closed connection.
const victimVariable = "DOUSTREAM_SINKS_TEST_VICTIM"

type victim struct {
	Brokers []string
	DSN     string
	Point   string // where it dies, or stands still
	Nth     int32  // at which time of passing, from 1
	Signal  syscall.Signal
	Age     time.Duration // of a block; 0: half a second
}

// runVictim is the victim's process.
func runVictim() {
	text := os.Getenv(victimVariable)
	if text == "" {
		return
	}
	var v victim
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	encoder, err := schemas.NewEncoder(schemas.FormatSingleObject, nil)
	if err != nil {
		panic(err)
	}
	topics, err := NewTopics(TopicsConfig{Prefix: "test.", Encoder: encoder})
	if err != nil {
		panic(err)
	}
	s, err := NewClickHouse(ClickHouseConfig{
		Connect: []kgo.Opt{kgo.SeedBrokers(v.Brokers...)}, Group: testGroup, Prefix: "test.", Topics: topics, Tables: Tables{DSN: v.DSN},
		BlockRows: 20, BlockAge: cmp.Or(v.Age, 500*time.Millisecond), InsertsPerSecond: 200, SessionTimeout: time.Second, DrainTimeout: time.Second,
	})
	if err != nil {
		panic(err)
	}
	var passed atomic.Int32
	s.passes = func(point string) {
		if point == v.Point && passed.Add(1) == v.Nth {
			_ = syscall.Kill(os.Getpid(), v.Signal)
		}
	}
	if err := s.Run(context.Background()); err != nil {
		panic(err)
	}
}

func (w *world) victim(point string, nth int32, signal syscall.Signal) *exec.Cmd {
	w.t.Helper()
	return w.victimAt(w.engine.Addr(), point, nth, signal)
}

// victimAt is a victim that reaches ClickHouse by another address.
func (w *world) victimAt(addr, point string, nth int32, signal syscall.Signal) *exec.Cmd {
	w.t.Helper()
	text, err := json.Marshal(victim{w.brokers, strings.Replace(w.engine.DSN(), w.engine.Addr(), addr, 1), point, nth, signal, w.victimsAge})
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(testContext(w.t), os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+string(text))
	cmd.Stderr = w.t.Output()
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd
}

// kill runs a victim until it has died.
func (w *world) kill(point string, nth int32) {
	w.t.Helper()
	err := w.victim(point, nth, syscall.SIGKILL).Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		w.t.Fatalf("the victim should have died at %q: %v", point, err)
	}
}

// halt runs a victim until it stands still, as a process does that is swapped
// out or whose machine sleeps. Meanwhile something may be done.
func (w *world) halt(point string, nth int32, meanwhile func()) *os.Process {
	w.t.Helper()
	cmd := w.victim(point, nth, syscall.SIGSTOP)
	w.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	meanwhile()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		w.t.Fatalf("the victim should stand still at %q: %v, %v", point, status, err)
	}
	return cmd.Process
}

// I5: a sink that is killed at any step leaves neither a gap nor a repeated row.
func TestI5AKillAtEachStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	total := 0
	for _, point := range []string{
		"before announce", "after announce", "before insert", "after insert", "before settle", "after settle",
	} {
		for _, nth := range []int32{1, 3} {
			t.Run(fmt.Sprintf("%s, time %d", point, nth), func(t *testing.T) {
				total += 100
				w.produce(w.users(100, 0)...)
				w.kill(point, nth)
			})
		}
	}
	w.run(w.config())
	w.once(total)
}

// I5: a sink dies while its block is on the way, half of it sent.
func TestI5AKillInTheMiddleOfTheInsert(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.produce(w.users(200, 0)...)
	for _, into := range []int64{0, 600} { // bytes of the block
		var dying atomic.Pointer[os.Process]
		var killed atomic.Bool
		started := make(chan struct{})
		var tail []byte
		begun := int64(-1)
		front := startRelay(t, w.engine.Addr(), nil, func(sent int64, part []byte) bool { // one connection inserts, for one partition
			tail = append(tail[max(0, len(tail)-16):], part...)
			if begun < 0 && bytes.Contains(tail, []byte(") VALUES")) {
				begun = sent
				return false
			}
			if begun < 0 || sent <= begun+into {
				return false
			}
			<-started
			killed.Store(true) // before the victim's end can be seen
			_ = dying.Load().Kill()
			return true
		})
		cmd := w.victimAt(front.addr(), "never", 1, syscall.SIGKILL)
		dying.Store(cmd.Process)
		close(started)
		if err := cmd.Wait(); err == nil {
			t.Fatal("the victim should have died")
		}
		if !killed.Load() {
			t.Fatal("the victim died by itself")
		}
	}
	w.run(w.config())
	w.once(200)
}

// I5: the tokens of what was inserted are forgotten by the time that somebody takes
// over: the look-up tells what is there.
func TestI5AKillAfterWhichTheDeduplicationWindowHasPassed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.exec("ALTER TABLE user_events MODIFY SETTING non_replicated_deduplication_window = 2")
	w.produce(w.users(60, 0)...)
	w.kill("after insert", 2)
	s := w.announced()
	if s.Count == 0 {
		t.Fatal("no range under way")
	}
	there := count(t, w.rows, "SELECT count() FROM user_events")
	for i := range 5 { // other blocks push the tokens out
		w.exec(fmt.Sprintf("INSERT INTO user_events (_topic, _partition, _offset, event_id) SELECT 'elsewhere', 0, %d, 'x' SETTINGS insert_deduplication_token = 'other-%d'", i, i))
	}
	w.exec("ALTER TABLE user_events DELETE WHERE _topic = 'elsewhere' SETTINGS mutations_sync = 2")
	if n := count(t, w.rows, "SELECT count() FROM user_events"); n != there || n == 0 {
		t.Fatalf("%d rows, %d before", n, there)
	}
	w.run(w.config())
	w.once(60)
}

// I5: ClickHouse is killed while it writes, and comes back.
func TestI5TheEngineIsKilledInTheMiddleOfInserts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.produce(w.users(600, 0)...)
	w.produce(w.users(600, 1)...)
	inserts := make(chan struct{}, 1000)
	w.run(w.config(), func(s *ClickHouse) {
		s.passes = func(point string) {
			if point == "before insert" {
				inserts <- struct{}{}
			}
		}
	})
	for kill := range 3 {
		for range 1 + kill {
			select {
			case <-inserts:
			case <-testContext(t).Done():
				t.Fatal("no insert came")
			}
		}
		w.engine.Kill()
		if err := w.engine.Restart(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	w.once(1200)
}

// I5: an instance stands still until its session is over and another has its
// partition, and then goes on where it stood.
func TestI5TwoOwnersForAMoment(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after announce", "before insert", "after insert", "before settle"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			w.produce(w.users(20, 0)...) // one block
			sleeper := w.halt(point, 2, func() {
				w.once(20)
				w.produce(w.users(80, 0)...) // written since it began: it looks none of it up before it inserts
			})
			w.run(w.config())
			w.once(100)
			if err := sleeper.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			// It has learnt that its session is over, and done what it was about to.
			until(t, "the sleeper's return to the group", func() bool { return w.members() == 2 })
			w.produce(w.users(60, 0)...)
			w.once(160)
		})
	}
}

// members is how many instances the group has.
func (w *world) members() int {
	w.t.Helper()
	groups, err := kadm.NewClient(w.client).DescribeGroups(testContext(w.t), testGroup)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(groups[testGroup].Members)
}

func TestAPartitionMovesToAnotherInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	for p := range int32(4) {
		w.produce(w.users(100, p)...)
	}
	_, stopFirst := w.run(w.config())
	second, _ := w.run(w.config())
	w.once(400)
	for p := range int32(4) {
		w.produce(w.users(100, p)...)
	}
	w.once(800)
	stopFirst()
	for p := range int32(4) {
		w.produce(w.users(100, p)...)
	}
	w.once(1200)
	if err := second.Ready(); err != nil {
		t.Error(err)
	}
}
