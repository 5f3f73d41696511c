package enrich

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Two contenders run side by side for so many spells, of which each lasts so long;
// before the first of them connections are made, and limits found. After each spell
// they change their places.
const (
	warmUp  = 5 * time.Second
	spells  = 8
	lasting = 2500 * time.Millisecond
)

// leastRead is the share of the answers whose results can be read by the end of the last
// spell, with those from before the first: a commit comes ten times a second, the reader
// is starved at times, and neither may fall behind for good.
const leastRead = 0.9

// profilesVariable names a folder for the CPU profiles of the contenders.
const profilesVariable = "DOUSTREAM_BENCH_PROFILES"

// run has contenders do a cell: one alone, or two at the same time, each with its Kafka
// and its platform on its own half of the processors; what others do on the machine
// meets both. The answer is what each came to.
func (c cell) run(b *testing.B, processors int, who ...string) []row {
	both := make([]*contestant, len(who))
	for i, name := range who {
		if both[i] = newContestant(b, c, name); len(who) > 1 {
			onHalf(b, i, both[i].cmd.Start)
		} else {
			must(b, both[i].cmd.Start())
		}
		both[i].started(b)
	}
	for _, one := range both {
		one.tell(b)
	}
	time.Sleep(warmUp)
	for n := range spells {
		if n > 0 && len(both) > 1 {
			for i, one := range both {
				moveTo(b, (i+n)%2, one.cmd.Process.Pid)
				moveTo(b, (i+n)%2, one.outside)
			}
		}
		for _, one := range both {
			one.begin()
		}
		time.Sleep(lasting)
		for _, one := range both {
			one.end()
		}
	}
	rows := make([]row, len(both))
	for i, one := range both {
		one.tell(b)
		rows[i] = one.result(b)
		rows[i].processors = processors
	}
	return rows
}

// contestant is a contender's process.
type contestant struct {
	who     string // what it is called in what is printed
	cmd     *exec.Cmd
	orders  io.WriteCloser
	told    *os.File // what it tells, and where it does
	tells   *os.File
	answers *json.Decoder
	outside int // the process of its Kafka and its platform
	spells  []bounds
}

// bounds are when a spell began and ended, and what its processes used.
type bounds struct {
	from, to     time.Time
	own, outside time.Duration
}

func newContestant(b *testing.B, c cell, who string) *contestant {
	exe, err := os.Executable()
	must(b, err)
	if who == whoBefore {
		exe, who = os.Getenv(beforeVariable), whoEnrich
	}
	spec, err := json.Marshal(contest{who, c.inFlight, c.outside})
	must(b, err)
	told, tells, err := os.Pipe()
	must(b, err)
	one := &contestant{who: who, told: told, tells: tells}
	one.cmd = exec.CommandContext(context.WithoutCancel(b.Context()), exe,
		"-test.run=^$", "-test.bench=^BenchmarkContender$", "-test.benchtime=1x", "-test.timeout=5m")
	if dir := os.Getenv(profilesVariable); dir != "" {
		file := strings.NewReplacer("/", ".", " ", "-").Replace(c.name()+"."+who) + ".prof"
		one.cmd.Args = append(one.cmd.Args, "-test.cpuprofile="+filepath.Join(dir, file))
	}
	one.cmd.Env = append(os.Environ(), contestVariable+"="+string(spec))
	one.cmd.ExtraFiles = []*os.File{tells}
	one.cmd.Stderr = os.Stderr
	one.orders, err = one.cmd.StdinPipe()
	must(b, err)
	return one
}

// started waits until its Kafka and its platform are there.
func (c *contestant) started(b *testing.B) {
	must(b, c.tells.Close())
	b.Cleanup(func() {
		_ = c.orders.Close() // it ends with us
		if err := c.cmd.Wait(); err != nil {
			b.Errorf("%s: %v", c.who, err)
		}
		_ = c.told.Close()
	})
	c.answers = json.NewDecoder(c.told)
	must(b, c.answers.Decode(&c.outside))
}

// tell has it go on: to begin, or to end.
func (c *contestant) tell(b *testing.B) {
	_, err := fmt.Fprintln(c.orders)
	must(b, err)
}

func (c *contestant) begin() {
	c.spells = append(c.spells, bounds{time.Now(), time.Time{}, processTime(c.cmd.Process.Pid), processTime(c.outside)})
}

func (c *contestant) end() {
	s := &c.spells[len(c.spells)-1]
	s.to, s.own, s.outside = time.Now(), processTime(c.cmd.Process.Pid)-s.own, processTime(c.outside)-s.outside
}

// result is what was seen of it.
func (c *contestant) result(b *testing.B) (r row) {
	var seen report
	must(b, c.answers.Decode(&seen))
	if seen.All {
		b.Fatalf("%s: it had done all logins before it was told to stop: more are needed", c.who)
	}
	for _, s := range c.spells {
		r.spells = append(r.spells, spell{
			logins: float64(seen.at(s.to).Answers - seen.at(s.from).Answers), lasted: s.to.Sub(s.from), own: s.own, outside: s.outside,
		})
	}
	first, last := seen.at(c.spells[0].from), seen.at(c.spells[len(c.spells)-1].to)
	answers, results := last.Answers-first.Answers, last.Results-first.Results
	if float64(results) < leastRead*float64(answers) || answers == 0 {
		b.Fatalf("%s: %d answers, and %d results that could be read meanwhile: they do not keep up", c.who, answers, results)
	}
	return r
}
