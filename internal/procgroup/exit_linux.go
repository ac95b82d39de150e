package procgroup

import (
	"os"
	"syscall"
	"unsafe"
)

// awaitExit returns when the leader has ended, and leaves it a zombie.
func awaitExit(leader *os.Process, _ func() error) {
	const (
		byPID   = 1 // P_PID
		exited  = 4 // WEXITED
		noReap  = 0x1000000
		sizeMax = 128 // of a siginfo_t
	)
	var info [sizeMax / 8]uint64
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(leader.Pid),
			uintptr(unsafe.Pointer(&info)), exited|noReap, 0, 0)
		if errno != syscall.EINTR {
			return
		}
	}
}
