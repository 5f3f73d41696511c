package embedded

import "syscall"

// processAttributes put a process in a group of its own (a Ctrl-C in the terminal is for the one who started it) and,
// unless it watches for that itself, let the kernel kill it when this process dies.
func processAttributes(watches bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if !watches {
		attr.Pdeathsig = syscall.SIGKILL
	}
	return attr
}
