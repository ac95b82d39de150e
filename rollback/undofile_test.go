package rollback_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
)

// noted is a command that appends a word to a file.
func noted(name, file string) rollback.Command {
	return rollback.Command{Name: name, Args: []string{"sh", "-c", `echo "$1" >>"$2"`, "sh", name, file}}
}

func words(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	return strings.Fields(string(text))
}

// create makes a stack in a file, with commands pushed, and closes it.
func create(t *testing.T, path string, commands ...rollback.Command) {
	t.Helper()
	s, err := rollback.Create(path)
	require.NoError(t, err)
	for _, c := range commands {
		require.NoError(t, s.PushCommand(c))
	}
	require.NoError(t, s.Close())
}

func TestFileIsUnwoundByAnother(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "undo"), filepath.Join(dir, "out")
	create(t, path, noted("dns", out), noted("proxy", out), noted("db", out))

	s, err := rollback.Open(path)
	require.NoError(t, err)
	require.Equal(t, []string{"db", "proxy", "dns"}, s.Pending())
	require.NoError(t, s.Unwind(t.Context()))
	require.Equal(t, []string{"db", "proxy", "dns"}, words(t, out))
	require.NoError(t, s.Close())

	s, err = rollback.Open(path)
	require.NoError(t, err)
	require.Empty(t, s.Pending())
	require.NoError(t, s.Unwind(t.Context()))
	require.Len(t, words(t, out), 3)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Unwind(t.Context()), fs.ErrClosed)
	require.ErrorIs(t, s.PushCommand(noted("late", out)), fs.ErrClosed)
	require.ErrorIs(t, s.Commit(), fs.ErrClosed)

	create(t, path) // a finished one is begun anew
}

func TestFileKeepsWhatFailed(t *testing.T) {
	dir := t.TempDir()
	path, out, mended := filepath.Join(dir, "undo"), filepath.Join(dir, "out"), filepath.Join(dir, "mended")
	create(t, path, noted("dns", out),
		rollback.Command{Name: "proxy", Args: []string{"sh", "-c", `test -e "$MENDED" || { echo no route >&2; exit 4; }`}, Env: []string{"MENDED=" + mended}},
		noted("db", out))

	s, err := rollback.Open(path)
	require.NoError(t, err)
	s.Policy.Attempts = 1
	err = s.Unwind(t.Context())
	require.ErrorIs(t, err, rollback.ErrIncomplete)
	require.ErrorContains(t, err, `proxy could not be undone: procgroup: sh: exit status 4 (it said "no route")`)
	require.NoError(t, s.Close())
	require.Equal(t, []string{"db", "dns"}, words(t, out))

	_, err = rollback.Create(path)
	require.ErrorIs(t, err, rollback.ErrPending)
	require.ErrorContains(t, err, "proxy")

	require.NoError(t, os.WriteFile(mended, nil, 0o600))
	s, err = rollback.Open(path)
	require.NoError(t, err)
	require.Equal(t, []string{"proxy"}, s.Pending())
	require.NoError(t, s.Unwind(t.Context()))
	require.NoError(t, s.Close())
	require.Equal(t, []string{"db", "dns"}, words(t, out))
}

func TestFileCommit(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "undo"), filepath.Join(dir, "out")
	s, err := rollback.Create(path)
	require.NoError(t, err)
	require.NoError(t, s.PushCommand(noted("dns", out)))
	require.NoError(t, s.Commit())
	require.NoError(t, s.PushCommand(noted("db", out)))
	require.NoError(t, s.Close())
	s, err = rollback.Open(path)
	require.NoError(t, err)
	require.Equal(t, []string{"db"}, s.Pending())
	require.NoError(t, s.Close())
}

func TestFileIsForOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "undo")
	s, err := rollback.Create(path)
	require.NoError(t, err)
	_, err = rollback.Open(path)
	require.ErrorIs(t, err, rollback.ErrInUse)
	_, err = rollback.Create(path)
	require.ErrorIs(t, err, rollback.ErrInUse)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	s, err = rollback.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// A function on a stack with a file is undone in its order, and not kept.
func TestFileWithFunctions(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "undo"), filepath.Join(dir, "out")
	var n notes
	s, err := rollback.Create(path)
	require.NoError(t, err)
	require.NoError(t, s.PushCommand(noted("dns", out)))
	s.Push("db", n.undo("db"))
	require.Equal(t, []string{"db", "dns"}, s.Pending())
	require.NoError(t, s.Close())
	s, err = rollback.Open(path)
	require.NoError(t, err)
	require.Equal(t, []string{"dns"}, s.Pending())
	require.NoError(t, s.Close())
}

func TestPushCommandRefuses(t *testing.T) {
	for want, c := range map[string]rollback.Command{
		"it has no program to run":                   {},
		`exec: "no-such-program": executable file`:   {Args: []string{"no-such-program"}},
		"is not NAME=value":                          {Args: []string{"true"}, Env: []string{"A"}},
		"it has a NUL in it":                         {Args: []string{"true", "a\x00b"}},
		"/no/such/dir/here: no such file":            {Args: []string{"./here"}, Dir: "/no/such/dir"},
		"the undo big is not pushed, it cannot be w": {Name: "big", Args: []string{"true", strings.Repeat("x", 1<<20)}},
	} {
		s, err := rollback.Create(filepath.Join(t.TempDir(), "undo"))
		require.NoError(t, err)
		require.ErrorContains(t, s.PushCommand(c), want)
		require.Empty(t, s.Pending())
		require.NoError(t, s.PushCommand(rollback.Command{Args: []string{"true"}}), "it can still be used")
		require.Equal(t, []string{"true"}, s.Pending())
		require.NoError(t, s.Close())
	}
}

// A command on a plain stack is run as well.
func TestPushCommandWithoutAFile(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	var s rollback.Stack
	c := noted("dns", "out")
	c.Dir = dir
	require.NoError(t, s.PushCommand(c))
	require.NoError(t, s.PushCommand(rollback.Command{Args: []string{"yes", "a program that has much to say"}}))
	s.Policy = rollback.Policy{Attempts: 1, Timeout: 100e6}
	require.ErrorContains(t, s.Unwind(t.Context()), "yes could not be undone: procgroup: yes: context deadline exceeded: it took longer than 100ms")
	require.Equal(t, []string{"dns"}, words(t, out))
}

func TestFileThatIsTornOrBroken(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "undo"), filepath.Join(dir, "out")
	create(t, path, noted("dns", out), noted("db", out))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(whole), "\n")
	require.Len(t, lines, 4)

	// A crash can tear it at any byte: what was told to be there is there.
	for cut := len(whole); cut >= 0; cut -= 3 {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		s, err := rollback.Open(path)
		require.NoError(t, err, "cut at %d", cut)
		want := []string{"db", "dns"}
		if cut < len(whole) {
			want = want[1:]
		}
		if cut < len(lines[0])+len(lines[1]) {
			want = nil
		}
		require.Equal(t, want, s.Pending(), "cut at %d", cut)
		require.NoError(t, s.PushCommand(noted("more", out)))
		require.NoError(t, s.Close())
		s, err = rollback.Open(path)
		require.NoError(t, err, "cut at %d, and written to", cut)
		require.Equal(t, append([]string{"more"}, want...), s.Pending())
		require.NoError(t, s.Close())
	}

	for name, text := range map[string]string{
		"a bit":              strings.Replace(string(whole), "dns", "dnt", 1),
		"a line that is out": lines[0] + lines[2][1:],
		"no first line":      lines[1] + lines[2],
		"it twice":           lines[0] + lines[0],
		"a line twice":       lines[0] + lines[1] + lines[1],
		"something else":     "root:x:0:0:root:/root:/bin/sh\n",
		"a word":             "hello",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := rollback.Open(path)
		require.ErrorIs(t, err, rollback.ErrCorrupt, name)
		_, err = rollback.Create(path)
		require.ErrorIs(t, err, rollback.ErrCorrupt, name)
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(now), "it is left as it is")
	}

	_, err = rollback.Open(filepath.Join(dir, "no-such"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoFileExists(t, filepath.Join(dir, "no-such.lock"))
	_, err = rollback.Create(filepath.Join(dir, "no", "such"))
	require.Error(t, err)
}

// Whatever is in the file, opening it does not panic, and opening it twice gives the
// same; and nothing but an undo file is ever written to.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "undo")
	s, err := rollback.Create(path)
	require.NoError(f, err)
	require.NoError(f, s.PushCommand(rollback.Command{Args: []string{"true"}}))
	require.NoError(f, s.PushCommand(rollback.Command{Name: "x", Args: []string{"true", "y"}, Env: []string{"A=b"}}))
	require.NoError(f, s.Unwind(f.Context()))
	require.NoError(f, s.PushCommand(rollback.Command{Args: []string{"true"}}))
	require.NoError(f, s.Commit())
	require.NoError(f, s.Close())
	text, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(text)
	f.Add(text[:len(text)-5])
	f.Add([]byte("{\"kind\":\"sta"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "undo")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		s, err := rollback.Open(path)
		if err != nil {
			now, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, text, now)
			return
		}
		left := s.Pending()
		require.NoError(t, s.Close())
		again, err := rollback.Open(path)
		require.NoError(t, err)
		require.Equal(t, left, again.Pending())
		require.NoError(t, again.Close())
	})
}
