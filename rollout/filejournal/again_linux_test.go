package filejournal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	againEnv = "TIDEGATE_FILEJOURNAL_AGAIN"
	// mayNot is what the process that was begun again exits with when it may not do
	// what it was begun for.
	mayNot = 77
)

// again runs the test once more in a process of its own, and is true in there. It begins
// it in each of these ways, until one may do what the test needs. In CI one of them has to.
func again(t *testing.T, ways ...func(*exec.Cmd)) bool {
	t.Helper()
	inThere, could := begunAgain(t, ways...)
	if !could {
		const why = "this machine lets nobody mount a disk of his own"
		require.Empty(t, os.Getenv("CI"), "nothing may be skipped in CI: %s", why)
		t.Skip(why)
	}
	return inThere
}

func begunAgain(t *testing.T, ways ...func(*exec.Cmd)) (inThere, could bool) {
	t.Helper()
	if os.Getenv(againEnv) != "" {
		return true, true
	}
	for _, way := range ways {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), againEnv+"=yes", "TMPDIR="+t.TempDir(), "GORACE=atexit_sleep_ms=0")
		way(cmd)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == mayNot {
			t.Logf("not this way: %v\n%s", err, out)
			continue
		}
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: "+t.Name())
		return false, true
	}
	return false, false
}

// asUser begins a process in a user namespace, in which it has this number.
func asUser(id int, more uintptr) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | more,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getgid(), Size: 1}},
		}
	}
}

// withMounts begins a process whose mounts nobody else sees.
func withMounts(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
}

// keepMountsPrivate keeps what is mounted from now on from being seen elsewhere.
func keepMountsPrivate(t *testing.T) {
	t.Helper()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Log(err)
		os.Exit(mayNot)
	}
}

// newDisk mounts a small disk of the process's own.
func newDisk(t *testing.T, size string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.Mkdir(path, 0o700))
	keepMountsPrivate(t)
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		t.Log(err)
		os.Exit(mayNot)
	}
	t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
	return path
}

// remount makes a disk read-only, or writable again.
func remount(t *testing.T, path string, readOnly bool) {
	t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	require.NoError(t, syscall.Mount("", path, "", flags, ""))
}
