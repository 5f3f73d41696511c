//go:build !linux

package embedded

import "syscall"

// processAttributes put a process in a group of its own: a Ctrl-C in the terminal is for the one who started it.
func processAttributes(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
