package enrich

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// half answers one half of the processors.
func half(n int) *unix.CPUSet {
	var all, set unix.CPUSet
	_ = unix.SchedGetaffinity(0, &all)
	of := all.Count() / 2
	for cpu, seen := 0, 0; seen < 2*of; cpu++ {
		if all.IsSet(cpu) {
			if seen/of == n {
				set.Set(cpu)
			}
			seen++
		}
	}
	return &set
}

// onHalf has f start a process that keeps to one half of the processors, as do those
// that it starts.
func onHalf(b *testing.B, n int, start func() error) {
	if runtime.NumCPU() < 2 {
		b.Skip("it takes two processors to run side by side")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	must(b, unix.SchedGetaffinity(0, &before))
	must(b, unix.SchedSetaffinity(0, half(n)))
	err := start()
	must(b, unix.SchedSetaffinity(0, &before))
	must(b, err)
}

// moveTo has a process that runs keep to the other half.
func moveTo(b *testing.B, n int, pid int) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	must(b, err)
	for _, one := range threads {
		thread, err := strconv.Atoi(one.Name())
		must(b, err)
		if err := unix.SchedSetaffinity(thread, half(n)); err != nil && err != unix.ESRCH {
			b.Fatal(err)
		}
	}
}
