package enrich

import (
	"context"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"doustream/platform/softlimit"
)

// used is what restores have used of the machine: processors' time, the system's
// share of that, and pages that were new to the process.
type used struct {
	cpu, system time.Duration
	faults      int64
}

// during measures f.
func (u *used) during(b *testing.B, f func()) {
	var before, after syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
	b.StartTimer()
	f()
	b.StopTimer()
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
	system := time.Duration(after.Stime.Nano() - before.Stime.Nano())
	u.cpu += system + time.Duration(after.Utime.Nano()-before.Utime.Nano())
	u.system += system
	u.faults += after.Minflt - before.Minflt
}

// underLimit has the process collect its garbage as doustream's does, until the
// benchmark is over; hold is for the tables.
func underLimit(b *testing.B) (hold func(int64)) {
	limit := softlimit.New()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		limit.Watch(ctx)
	}()
	b.Cleanup(func() {
		stop()
		<-done
		debug.SetMemoryLimit(math.MaxInt64)
		debug.SetGCPercent(100)
	})
	return limit.Hold
}

// withoutMemory has the process give back what it does not use, as if it had just
// begun.
func withoutMemory(b *testing.B) (hold func(int64)) {
	hold = underLimit(b)
	debug.FreeOSMemory()
	return hold
}

// withMemory has the process hold, touched, as much memory as the tables and the
// garbage beside them will take, and collect garbage by that bound alone. At each
// collection the runtime gives back what is beyond 95 % of the bound, and asks for it
// again: such pages are new to the process, and not to the machine.
func withMemory(b *testing.B, sessions int) (hold func(int64)) {
	touchMemory(int64(sessions)*bytesOfSession + 384<<20)
	b.Cleanup(func() {
		debug.SetMemoryLimit(math.MaxInt64)
		debug.SetGCPercent(100)
	})
	return func(int64) {}
}

// touchMemory has the process hold so much memory, touched, and collect garbage by
// that bound alone.
func touchMemory(bytes int64) {
	debug.FreeOSMemory()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(bytes)
	memory := make([]byte, bytes/20*19)
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
}

// bytesOfSession is about what the table takes for one, and a little more.
const bytesOfSession = 220

// heapInUse is what lives on the heap after a collection.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// resident reads one of the process's figures from Linux, in bytes; 0 elsewhere.
func resident(figure string) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, figure+":"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}
