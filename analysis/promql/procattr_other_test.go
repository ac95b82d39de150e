//go:build !linux

package promql_test

import "syscall"

func dieWithUs() *syscall.SysProcAttr { return nil }
