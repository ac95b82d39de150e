package filejournal_test

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// A disk fails once and then works again. The session does not: what was
// reported as lost stays lost, and what was acknowledged stays.
func TestAFailedWriteEndsTheSession(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(*os.File, []byte) (int, error)
		sync  func(*os.File) error
		want  []string
	}{
		{
			name:  "full before a byte is written",
			write: func(*os.File, []byte) (int, error) { return 0, syscall.ENOSPC },
			want:  []string{"write 2 events to", "no space left on device", "make room on the disk", "r.jsonl"},
		},
		{
			name: "full in the middle",
			write: func(f *os.File, data []byte) (int, error) {
				n, err := f.Write(data[:len(data)-10])
				return n, errors.Join(err, syscall.EDQUOT)
			},
			want: []string{"write 2 events to", "quota", "make room on the disk"},
		},
		{
			name:  "a short write",
			write: func(f *os.File, data []byte) (int, error) { return f.Write(data[:len(data)/2]) },
			want:  []string{"write 2 events to", "short write", "kernel's log"},
		},
		{
			name: "fsync fails",
			sync: func(*os.File) error { return &fs.PathError{Op: "sync", Path: "x", Err: syscall.EIO} },
			want: []string{"fsync 2 events to", "input/output error", "kernel's log"},
		},
		{
			name:  "mounted read-only",
			write: func(*os.File, []byte) (int, error) { return 0, syscall.EROFS },
			want:  []string{"read-only file system", "mount the file system for writing"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := newDir(t)
			broken := false
			s, err := filejournal.OpenOn(t.Context(), dir,
				func(f *os.File, data []byte) (int, error) {
					if broken && c.write != nil {
						return c.write(f, data)
					}
					return f.Write(data)
				},
				func(f *os.File) error {
					if broken && c.sync != nil {
						return c.sync(f)
					}
					return f.Sync()
				}, "r", "checkout")
			require.NoError(t, err)
			appendTo(t, s, step(0))
			acknowledged := content(t, journalOf(dir, "r"))

			broken = true
			err = s.Append(t.Context(), step(1), ended(rollout.Completed))
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.ErrorContains(t, err, "run again: the rollout goes on from its last durable event")
			require.Equal(t, acknowledged, content(t, journalOf(dir, "r")), "what is in doubt is taken back")

			broken = false
			later := s.Append(t.Context(), step(2))
			require.ErrorContains(t, later, "nothing more is written after an append that failed")
			require.ErrorIs(t, later, err, "and the later error says why")
			require.ErrorAs(t, s.Append(t.Context()), new(*filejournal.Error), "not even nothing")
			select {
			case <-s.Lost():
				require.Fail(t, "the lease is not lost")
			default:
			}
			closeIt(t, s)
			require.Contains(t, requireHeld(t, dir, "checkout"), "has not ended")

			s = open(t, dir, "r", "checkout")
			require.Equal(t, hosts(1), steps(t, s))
			appendTo(t, s, step(1))
			closeIt(t, s)
		})
	}
}

func TestAppendAfterCloseIsErrClosed(t *testing.T) {
	s := open(t, newDir(t), "r")
	closeIt(t, s)
	err := s.Append(t.Context(), step(0))
	require.ErrorIs(t, err, fs.ErrClosed)
	for _, err := range s.Events() {
		require.ErrorIs(t, err, fs.ErrClosed)
	}
}

// A release that cannot be written is said, and does no harm: the journal says
// that the rollout has ended.
func TestALockThatCannotBeFreedAtClose(t *testing.T) {
	dir := newDir(t)
	broken := false
	s, err := filejournal.OpenOn(t.Context(), dir, nil, func(f *os.File) error {
		if broken {
			return syscall.EIO
		}
		return f.Sync()
	}, "r", "checkout")
	require.NoError(t, err)
	appendTo(t, s, ended(rollout.Completed))
	broken = true
	require.ErrorIs(t, s.Close(), syscall.EIO)
	require.NoError(t, s.Close())
	requireFree(t, dir, "checkout")
}
