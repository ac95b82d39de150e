package filejournal_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// A disk runs full in the middle of a rollout. A rollout that begins on it is refused.
// When there is room again, both are carried out.
func TestDiskFull(t *testing.T) {
	if !again(t, asUser(0, syscall.CLONE_NEWNS), withMounts) {
		return
	}
	disk := newDisk(t, "1m")
	ballast := filepath.Join(disk, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 700<<10), 0o600))
	dir := filejournal.Dir(filepath.Join(disk, "journals"))
	const hint = "make room on the disk, then run again"
	requireFault(t, newServers(), dir, 2500, syscall.ENOSPC, hint, func() {
		requireNotTorn(t, dir)
		fillUp(t, disk)
		other := newServers()
		_, err := other.roll(dir, "other", 10)
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.ErrorContains(t, err, hint)
		require.Empty(t, other.begun, "it is refused before anything is touched")

		require.NoError(t, os.Remove(ballast))
		require.NoError(t, os.Remove(filepath.Join(disk, "rest")))
		_, err = other.roll(dir, "other", 10)
		require.NoError(t, err)
		other.requireOnRecord(t, dir, "other")
	})
}

// fillUp leaves not a byte.
func fillUp(t *testing.T, disk string) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "rest"))
	require.NoError(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
}
