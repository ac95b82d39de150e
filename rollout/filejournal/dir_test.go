package filejournal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

func TestFilesAreTheOwnersOnly(t *testing.T) {
	dir := filejournal.Dir(filepath.Join(t.TempDir(), "new"))
	s := open(t, dir, "r", "checkout")
	appendTo(t, s, step(0))
	closeIt(t, s)
	whole := content(t, journalOf(dir, "r"))
	put(t, journalOf(dir, "r"), whole[:len(whole)-1])
	closeIt(t, open(t, dir, "r", "checkout"))

	var found []string
	require.NoError(t, filepath.WalkDir(string(dir), func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		require.Equal(t, want, info.Mode().Perm(), path)
		found = append(found, strings.TrimPrefix(path, string(dir)))
		return nil
	}))
	require.Equal(t, []string{"", "/locks", "/locks/.claiming", "/locks/checkout.lock", "/r.jsonl", "/r.jsonl.torn", "/r.lock"}, found)
}

func TestRolloutNamesStayInTheDirectory(t *testing.T) {
	dir := filejournal.Dir(filepath.Join(t.TempDir(), "new"))
	for _, name := range []string{"", ".", "..", "../r", "a/b", `a\b`, "a b", ".hidden", "-r", "a\n", "a\x00", "ü", strings.Repeat("x", 129)} {
		_, err := dir.Open(t.Context(), name)
		require.ErrorContains(t, err, "does not match", "%q", name)
	}
	require.NoDirExists(t, string(dir), "nothing was made for them")
	for _, name := range []string{"a", "0", "checkout-v1.2_3", "locks", "a.jsonl", "a.lock", "a.jsonl.torn", strings.Repeat("x", 128)} {
		s := open(t, dir, name)
		appendTo(t, s, step(0))
		closeIt(t, s)
	}
	for _, name := range []string{"a", "a.jsonl", "a.lock", "locks"} {
		s := open(t, dir, name)
		require.Equal(t, hosts(1), steps(t, s))
		closeIt(t, s)
	}
}

// Tests run as root too, for whom no directory is read-only: so something is in
// the way instead.
func TestDirectoriesThatDoNotWork(t *testing.T) {
	_, err := filejournal.Dir("").Open(t.Context(), "r")
	require.ErrorContains(t, err, "the directory has no name")

	base := t.TempDir()
	file := filepath.Join(base, "file")
	put(t, file, []byte("mine"))
	_, err = filejournal.Dir(file).Open(t.Context(), "r")
	require.ErrorContains(t, err, "a file of that name is in the way")
	require.Equal(t, "mine", string(content(t, file)))

	_, err = filejournal.Dir(filepath.Join(file, "sub")).Open(t.Context(), "r")
	require.ErrorContains(t, err, "not a directory")

	_, err = filejournal.Dir(filepath.Join(base, "no", "such")).Open(t.Context(), "r")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "make its parent first")
	require.NoDirExists(t, filepath.Join(base, "no"))

	for _, inTheWay := range []string{"r.lock", "r.jsonl", "locks/checkout.lock", "locks/.claiming"} {
		dir := newDir(t)
		require.NoError(t, os.MkdirAll(filepath.Join(string(dir), inTheWay), 0o700))
		_, err = dir.Open(t.Context(), "r", "checkout")
		var failed *filejournal.Error
		require.ErrorAs(t, err, &failed, inTheWay)
		require.Equal(t, filepath.Join(string(dir), inTheWay), failed.Path)
		require.NoError(t, os.Remove(filepath.Join(string(dir), inTheWay)))
		closeIt(t, open(t, dir, "r", "checkout"))
	}
}

func TestARelativeDirStaysWhereItWas(t *testing.T) {
	base := t.TempDir()
	t.Chdir(base)
	s := open(t, "journal", "r")
	t.Chdir(t.TempDir())
	appendTo(t, s, step(0))
	closeIt(t, s)
	s = open(t, filejournal.Dir(filepath.Join(base, "journal")), "r")
	require.Equal(t, hosts(1), steps(t, s))
	closeIt(t, s)
}

// Whatever fails while a rollout is opened, it can be opened once the disk
// works again, and nothing is lost.
func TestOpenFailsAtEveryFsync(t *testing.T) {
	for failAt := 1; ; failAt++ {
		dir := filejournal.Dir(filepath.Join(t.TempDir(), "new"))
		syncs := 0
		s, err := filejournal.OpenOn(t.Context(), dir, nil, func(f *os.File) error {
			if syncs++; syncs == failAt {
				return errors.New("the disk is on fire")
			}
			return f.Sync()
		}, "r", "checkout")
		if err == nil {
			require.Greater(t, failAt, 5)
			require.NoError(t, filejournal.Crash(s))
			return
		}
		var failed *filejournal.Error
		require.ErrorAs(t, err, &failed)
		require.ErrorContains(t, err, "the disk is on fire")
		closeIt(t, open(t, dir, "other", "checkout"))
		s = open(t, dir, "r", "checkout")
		appendTo(t, s, step(0), ended(rollout.Completed))
		closeIt(t, s)
	}
}
