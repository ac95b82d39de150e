package filejournal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

func leaseOf(dir filejournal.Dir, name string) string {
	return filepath.Join(string(dir), name+".lock")
}

func TestHeldSaysWho(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r")
	_, err := dir.Open(t.Context(), "r")
	var held *rollout.HeldError
	require.ErrorAs(t, err, &held)
	host, hostErr := os.Hostname()
	require.NoError(t, hostErr)
	require.Equal(t, fmt.Sprintf("process %d on %s", os.Getpid(), host), held.Holder)
	require.WithinDuration(t, time.Now(), held.Since, time.Minute)
	closeIt(t, s)

	var words struct {
		Epoch uint64
		PID   int
		Host  string
		Since time.Time
	}
	require.NoError(t, json.Unmarshal(content(t, leaseOf(dir, "r")), &words), "cat and jq read it")
	require.Equal(t, uint64(1), words.Epoch)
	require.Equal(t, os.Getpid(), words.PID)
}

// The record of an epoch is torn anywhere: the epoch was not given to anyone
// yet, and the one before is still there.
func TestEpochGrowsOverATornRecord(t *testing.T) {
	dir := newDir(t)
	var before [][]byte
	for range 3 {
		closeIt(t, open(t, dir, "r"))
		before = append(before, content(t, leaseOf(dir, "r")))
	}
	// Epoch 3 went to the slot of epoch 1.
	for torn := 0; torn < filejournal.SlotLen; torn += 1 + torn/40 {
		mixed := bytes.Clone(before[1])
		copy(mixed, before[2][:torn])
		put(t, leaseOf(dir, "r"), mixed)
		s := open(t, dir, "r")
		require.Contains(t, []uint64{3, 4}, s.Epoch(), "torn after %d bytes", torn)
		closeIt(t, s)
	}
	// The very first record.
	for torn := 0; torn < filejournal.SlotLen; torn += 1 + torn/40 {
		put(t, leaseOf(dir, "r"), before[0][:torn])
		s := open(t, dir, "r")
		require.Contains(t, []uint64{1, 2}, s.Epoch(), "torn after %d bytes", torn)
		closeIt(t, s)
	}
}

// Someone tidies up and removes the lock file. What acted said its epoch in the
// journal.
func TestEpochGrowsOverALostLockFile(t *testing.T) {
	dir := newDir(t)
	for range 5 {
		s := open(t, dir, "r")
		ev := step(0)
		ev.Epoch = s.Epoch()
		appendTo(t, s, ev, step(1))
		closeIt(t, s)
	}
	require.NoError(t, os.Remove(leaseOf(dir, "r")))
	s := open(t, dir, "r")
	require.Equal(t, uint64(6), s.Epoch())
	closeIt(t, s)
	put(t, leaseOf(dir, "r"), []byte("edited by hand\n"))
	s = open(t, dir, "r")
	require.Equal(t, uint64(6), s.Epoch(), "epoch 6 has said nothing yet")
	closeIt(t, s)
}

// Anything that was removed or replaced under a runner ends its writing at once,
// and it takes nothing from the next one.
func TestFencing(t *testing.T) {
	remove := os.Remove
	replace := func(path string) error {
		return errors.Join(os.Rename(path, path+".bak"), os.WriteFile(path, nil, 0o600))
	}
	for name, harm := range map[string]func(dir filejournal.Dir) error{
		"lock file removed":       func(dir filejournal.Dir) error { return remove(leaseOf(dir, "r")) },
		"lock file replaced":      func(dir filejournal.Dir) error { return replace(leaseOf(dir, "r")) },
		"service's lock removed":  func(dir filejournal.Dir) error { return remove(lockOf(dir, "checkout")) },
		"service's lock replaced": func(dir filejournal.Dir) error { return replace(lockOf(dir, "checkout")) },
		"journal removed":         func(dir filejournal.Dir) error { return remove(journalOf(dir, "r")) },
		"journal replaced":        func(dir filejournal.Dir) error { return replace(journalOf(dir, "r")) },
		"journal truncated":       func(dir filejournal.Dir) error { return os.Truncate(journalOf(dir, "r"), 10) },
		"journal written to":      func(dir filejournal.Dir) error { return os.Truncate(journalOf(dir, "r"), 10_000) },
		"directory removed":       func(dir filejournal.Dir) error { return os.RemoveAll(string(dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filejournal.Dir(filepath.Join(t.TempDir(), "journal"))
			s := open(t, dir, "r", "checkout")
			appendTo(t, s, step(0))
			require.NoError(t, harm(dir))
			left, readErr := os.ReadFile(journalOf(dir, "r"))

			select {
			case <-s.Lost():
				require.Fail(t, "nobody has looked yet")
			default:
			}
			for range 2 {
				err := s.Append(t.Context(), ended(rollout.Completed))
				require.ErrorIs(t, err, rollout.ErrFenced)
				require.ErrorContains(t, err, "this runner stops")
				<-s.Lost()
			}
			closeIt(t, s)
			now, err := os.ReadFile(journalOf(dir, "r"))
			require.Equal(t, readErr == nil, err == nil)
			require.Equal(t, left, now, "a stale runner writes nothing")
		})
	}
}
