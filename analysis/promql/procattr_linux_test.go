package promql_test

import "syscall"

// dieWithUs makes a child process end with the tests, should they crash.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
