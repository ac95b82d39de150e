package filejournal_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

func lockOf(dir filejournal.Dir, lock string) string {
	return filepath.Join(string(dir), "locks", lock+".lock")
}

// requireHeld makes sure that the lock is refused, and returns what is said.
func requireHeld(t testing.TB, dir filejournal.Dir, lock string) string {
	t.Helper()
	_, err := dir.Open(t.Context(), "other", lock)
	var held *rollout.HeldError
	require.ErrorAs(t, err, &held)
	require.Equal(t, lock, held.Lock)
	require.False(t, held.Since.IsZero())
	return held.Holder
}

// requireFree makes sure that anyone can have the lock, and leaves no trace.
func requireFree(t testing.TB, dir filejournal.Dir, lock string) {
	t.Helper()
	closeIt(t, open(t, dir, "other", lock))
}

func TestLocksOutliveACrash(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r", "checkout")
	appendTo(t, s, step(0))
	require.Contains(t, requireHeld(t, dir, "checkout"), "rollout r (process ")
	require.NoError(t, filejournal.Crash(s))
	require.Equal(t, "rollout r (it has not ended: run it again, or abort it)", requireHeld(t, dir, "checkout"))

	s = open(t, dir, "r", "checkout")
	appendTo(t, s, ended(rollout.Halted))
	closeIt(t, s)
	require.Equal(t, "rollout r (it ended as halted and needs a human)", requireHeld(t, dir, "checkout"))

	s = open(t, dir, "r", "checkout")
	appendTo(t, s, ended(rollout.RolledBack))
	closeIt(t, s)
	requireFree(t, dir, "checkout")
}

func TestACrashBetweenEndedAndCloseFreesLocks(t *testing.T) {
	dir := newDir(t)
	for _, before := range []int{0, 1, 2} {
		s := open(t, dir, "r", "checkout")
		for i := range before {
			appendTo(t, s, step(i))
		}
		appendTo(t, s, ended(rollout.Completed))
		require.Contains(t, requireHeld(t, dir, "checkout"), "rollout r (process ")
		require.NoError(t, filejournal.Crash(s))
		requireFree(t, dir, "checkout")
	}
}

// A crash before the first event has touched nothing.
func TestACrashBeforeTheFirstEventFreesLocks(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r", "checkout")
	require.NoError(t, filejournal.Crash(s))
	requireFree(t, dir, "checkout")

	s = open(t, dir, "r", "checkout")
	require.NoError(t, filejournal.Crash(s))
	put(t, journalOf(dir, "r"), []byte(`{"at":"2026`)) // was never acknowledged
	requireFree(t, dir, "checkout")
}

// In doubt a lock stays held.
func TestALockWhoseRolloutIsUnreadableIsHeld(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r", "checkout")
	appendTo(t, s, step(0), ended(rollout.Completed))
	require.NoError(t, filejournal.Crash(s))
	whole := content(t, journalOf(dir, "r"))

	require.NoError(t, os.Rename(journalOf(dir, "r"), journalOf(dir, "r")+".bak"))
	holder := requireHeld(t, dir, "checkout")
	require.Contains(t, holder, "rollout r (its journal ")
	require.Contains(t, holder, "is gone: bring it back, or remove "+lockOf(dir, "checkout"))

	for name, damaged := range map[string][]byte{
		"last line":       append(whole[:len(whole)-3:len(whole)-3], "0\"}\n"...),
		"one empty line":  []byte("\n"),
		"two empty lines": []byte("\n\n"),
		"other content":   []byte("{}\n{}\n"),
		"no JSON":         filejournal.Seal(nil, "{x}"),
	} {
		put(t, journalOf(dir, "r"), damaged)
		require.Contains(t, requireHeld(t, dir, "checkout"), "its journal cannot be read", name)
	}
	put(t, journalOf(dir, "r"), whole)
	requireFree(t, dir, "checkout")
}

func TestADamagedLockIsRefused(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r", "checkout")
	appendTo(t, s, step(0))
	closeIt(t, s)
	put(t, lockOf(dir, "checkout"), []byte("r\n"))
	_, err := dir.Open(t.Context(), "other", "checkout")
	require.ErrorIs(t, err, rollout.ErrCorrupt)
	require.ErrorContains(t, err, "remove it once")
	require.Equal(t, "r\n", string(content(t, lockOf(dir, "checkout"))))

	put(t, lockOf(dir, "checkout"), make([]byte, 100)) // made, and never written
	requireFree(t, dir, "checkout")
}

// A lock that an earlier session took goes with the rollout's end too, when the
// last session did not ask for it.
func TestLocksOfEarlierSessionsEndWithTheRollout(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir, "r", "a", "b")
	appendTo(t, s, step(0))
	closeIt(t, s)
	s = open(t, dir, "r", "a")
	require.Contains(t, requireHeld(t, dir, "b"), "has not ended")
	appendTo(t, s, ended(rollout.Aborted))
	closeIt(t, s)
	requireFree(t, dir, "a")
	requireFree(t, dir, "b")
}

// A claim that cannot be written takes back those that were; what the rollout
// had before stays its own.
func TestClaimsThatCannotBeWritten(t *testing.T) {
	for failAt := 1; ; failAt++ {
		dir := newDir(t)
		s := open(t, dir, "r", "old")
		appendTo(t, s, step(0))
		closeIt(t, s)

		syncs := 0
		s, err := filejournal.OpenOn(t.Context(), dir, nil, func(f *os.File) error {
			if syncs++; syncs == failAt {
				return errors.New("the disk is on fire")
			}
			return f.Sync()
		}, "r", "new", "old", "zebra")
		if err == nil {
			require.Equal(t, 7, failAt, "journal, epoch, directory, the locks' directory, two claims")
			require.NoError(t, filejournal.Crash(s))
			return
		}
		require.ErrorContains(t, err, "the disk is on fire")
		requireFree(t, dir, "new")
		requireFree(t, dir, "zebra")
		requireHeld(t, dir, "old")
		closeIt(t, open(t, dir, "r", "new", "old", "zebra"))
	}
}

func TestLockNamesStayInTheirDirectory(t *testing.T) {
	dir := filejournal.Dir(filepath.Join(t.TempDir(), "journal"))
	locks := []string{"..", ".", "../../etc/passwd", "a/b", "a b", "ü", "\x00", ".claiming", "%2e%2e", "A", "a", "a", "locks"}
	s := open(t, dir, "r", locks...)
	appendTo(t, s, step(0))
	for _, lock := range locks {
		require.Contains(t, requireHeld(t, dir, lock), "rollout r ")
	}
	closeIt(t, s)
	made, err := os.ReadDir(filepath.Join(string(dir), "locks"))
	require.NoError(t, err)
	require.Len(t, made, len(locks)) // with .claiming for the second "a"
	around, err := os.ReadDir(filepath.Dir(string(dir)))
	require.NoError(t, err)
	require.Len(t, around, 1)

	for _, lock := range []string{"", string(make([]byte, 100))} {
		_, err := dir.Open(t.Context(), "r", "fine", lock)
		require.ErrorContains(t, err, "lock name")
		require.NoFileExists(t, lockOf(dir, "fine"))
	}
}

// Of many that want overlapping sets of locks, in any order, one at a time has
// them, none waits for another, and each comes through.
func TestLocksUnderContention(t *testing.T) {
	dir := newDir(t)
	sets := [][]string{{"a", "b"}, {"b", "c"}, {"c", "a"}, {"c", "b", "a"}}
	var mu sync.Mutex
	holder := make(map[string]string)
	var wg sync.WaitGroup
	for i, set := range sets {
		name := hosts(len(sets))[i]
		wg.Go(func() {
			for done := 0; done < 5; {
				s, err := dir.Open(t.Context(), name, set...)
				if errors.Is(err, rollout.ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, lock := range set {
					if other := holder[lock]; other != "" {
						t.Errorf("%s has lock %s of %s", name, lock, other)
					}
					holder[lock] = name
				}
				mu.Unlock()
				err = s.Append(t.Context(), step(done), ended(rollout.Completed))
				mu.Lock()
				for _, lock := range set {
					delete(holder, lock)
				}
				mu.Unlock()
				if err := errors.Join(err, s.Close()); err != nil {
					t.Error(err)
					return
				}
				done++
			}
		})
	}
	wg.Wait()
}
