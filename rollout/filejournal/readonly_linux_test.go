package filejournal_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// On a disk that is mounted read-only nothing is begun, and nothing goes on.
func TestReadOnlyDisk(t *testing.T) {
	if !again(t, asUser(0, syscall.CLONE_NEWNS), withMounts) {
		return
	}
	disk := newDisk(t, "4m")
	requireRefused(t, filejournal.Dir(filepath.Join(disk, "journals")), syscall.EROFS, "read-only file system", false, func(readOnly bool) {
		remount(t, disk, readOnly)
	})
}

// Nor in a directory that may not be written to.
func TestReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 && !again(t, asUser(1000, 0)) { // nothing is read-only for root
		return
	}
	path := filepath.Join(t.TempDir(), "journals")
	require.NoError(t, os.Mkdir(path, 0o700))
	requireRefused(t, filejournal.Dir(path), os.ErrPermission, "the directory has to be writable", true, func(readOnly bool) {
		mode := map[bool]os.FileMode{false: 0o700, true: 0o500}[readOnly]
		require.NoError(t, os.Chmod(path, mode))
	})
}

// requireRefused leaves a rollout half done and another to be begun, and makes what their
// journals are in read-only.
func requireRefused(t *testing.T, dir filejournal.Dir, cause error, says string, goesOn bool, set func(readOnly bool)) {
	t.Helper()
	const n = 100
	half := newServers()
	ctx, stop := context.WithCancel(t.Context())
	half.ctx, half.at = ctx, func(_ string, n int) {
		if n >= 10 {
			stop()
			time.Sleep(20 * time.Millisecond) // leaves the runner time to hear of it
		}
	}
	_, err := half.roll(dir, "half", n)
	require.ErrorIs(t, err, rollout.ErrInterrupted)
	half.ctx, half.at = nil, nil
	before := len(half.begun)

	set(true)
	fresh := newServers()
	refused := map[string]*servers{"new": fresh}
	if !goesOn {
		refused["half"] = half
	}
	for name, f := range refused {
		_, err := f.roll(dir, name, n)
		require.ErrorIs(t, err, cause)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, string(dir))
	}
	require.Empty(t, fresh.begun, "nothing was touched")
	require.Len(t, half.begun, before, "nothing more was touched")
	half.requireOnRecord(t, dir, "half") // reading works

	set(false)
	for name, f := range map[string]*servers{"new": fresh, "half": half} {
		_, err := f.roll(dir, name, n)
		require.NoError(t, err)
		require.Len(t, f.done, n)
	}
}

// A disk becomes read-only in the middle of a rollout, as the kernel makes it when it has
// found an error on it.
func TestDiskBecomesReadOnly(t *testing.T) {
	inThere, could := begunAgain(t, withMounts)
	if !could {
		t.Skip("it takes root, mkfs.ext4 and a loop device")
	}
	if !inThere {
		return
	}
	keepMountsPrivate(t)
	image, disk := filepath.Join(t.TempDir(), "image"), filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(image, make([]byte, 16<<20), 0o600))
	require.NoError(t, os.Mkdir(disk, 0o700))
	shell := func(script string) (string, error) {
		out, err := exec.Command("sh", "-ec", script, "sh", image, disk).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	out, err := shell(`mkfs.ext4 -q -F "$1"; mount -o loop,errors=remount-ro "$1" "$2"`)
	if err != nil { // no root, no mkfs.ext4, or no loop device
		t.Log(out)
		os.Exit(mayNot)
	}
	defer func() { _, _ = shell(`umount "$2"`) }()
	device, err := shell(`basename $(losetup -n -O NAME -j "$1")`)
	require.NoError(t, err, device)
	trip := filepath.Join("/sys/fs/ext4", device, "trigger_fs_error")

	f := newServers()
	f.at = func(_ string, n int) {
		if n == 500 {
			require.NoError(t, os.WriteFile(trip, []byte("1"), 0))
		}
	}
	// It is the write that fails, or its fsync.
	const hint = ", then run again: the rollout goes on from its last durable event"
	requireFault(t, f, filejournal.Dir(disk), 2500, syscall.EROFS, hint, func() {
		f.at = nil
		out, err := shell(`umount "$2"; e2fsck -fy "$1" >/dev/null || [ $? = 1 ]; mount -o loop "$1" "$2"`)
		require.NoError(t, err, out)
	})
}
