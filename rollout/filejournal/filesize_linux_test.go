package filejournal_test

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A journal grows beyond what the shell lets files grow to (ulimit -f). The signal that
// the kernel sends for it (SIGXFSZ) does not kill the process: in a Go program it does
// nothing unless asked for, and the write fails.
func TestFileSizeLimit(t *testing.T) {
	limited := func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `ulimit -S -f 200; exec "$0" "$@"`}, cmd.Args...)
		cmd.Path = "/bin/sh"
	}
	if !again(t, limited) {
		return
	}
	dir := newDir(t)
	requireFault(t, newServers(), dir, 2500, syscall.EFBIG, "raise the limit on file sizes (ulimit -f), then run again", func() {
		requireNotTorn(t, dir)
		var limit syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
		require.Less(t, limit.Cur, uint64(1<<20))
		limit.Cur = limit.Max
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	})
}
