//go:build unix

package guardrails_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
)

func TestFile(t *testing.T) {
	write := func(content string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	for _, tc := range []struct {
		story   string
		prepare func(path string) error
		tripped bool
		reason  string
		err     string
	}{
		{"no file", func(string) error { return nil }, false, "", ""},
		{"its content is the reason", write("bad orders, bob\n"), true, "bad orders, bob", ""},
		{"an empty file counts", write(""), true, "the file exists", ""},
		{"and so does one of blanks", write(" \n\t"), true, "the file exists", ""},
		{"what it holds is fit for a terminal", write("a\x1b[2Jb\x00c\xffd\r\ne"), true, "a [2Jb cd e", ""},
		{"a huge file is read no further than its beginning", write(strings.Repeat("x", 1<<20)), true, strings.Repeat("x", 1024), ""},
		{"a folder counts", func(p string) error { return os.Mkdir(p, 0o700) }, true, "the file exists (it is no regular file)", ""},
		{"a pipe counts, and nobody waits for its writer", func(p string) error { return syscall.Mkfifo(p, 0o600) }, true, "the file exists (it is no regular file)", ""},
		{"a link to it counts", func(p string) error {
			if err := write("linked")(p + ".real"); err != nil {
				return err
			}
			return os.Symlink(p+".real", p)
		}, true, "linked", ""},
		{"a dangling link counts", func(p string) error { return os.Symlink("/nowhere/at/all", p) }, true, "no such file or directory", ""},
		{"without its folder nobody knows", func(p string) error { return os.Remove(filepath.Dir(p)) }, false, "", "its folder: "},
		{"where its folder is a file nobody knows", func(p string) error {
			if err := os.Remove(filepath.Dir(p)); err != nil {
				return err
			}
			return write("")(filepath.Dir(p))
		}, false, "", "not a directory"},
	} {
		t.Run(tc.story, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run", "checkout.stop")
			require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
			require.NoError(t, tc.prepare(path))
			source := guardrails.File(path)
			require.Equal(t, "file "+path, source.Name())
			tripped, reason, err := source.Read(t.Context())
			require.Equal(t, tc.tripped, tripped)
			require.Contains(t, reason, tc.reason)
			if tc.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.err)
			}
		})
	}
}

func TestFileIsTakenFromTheFolderOfNow(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	source := guardrails.File("checkout.stop")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "checkout.stop"), []byte("stop"), 0o600))
	t.Chdir(t.TempDir())
	tripped, reason, err := source.Read(t.Context())
	require.NoError(t, err)
	require.True(t, tripped)
	require.Equal(t, "stop", reason)
}

// A real file stops a real switch, watched or not.
func TestFileTripsASwitch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkout.stop")
	watched := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.File(path)}, Every: guardrails.MinSwitchEvery}
	asked := &guardrails.KillSwitch{Sources: []guardrails.SwitchSource{guardrails.File(path)}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	changed := make(chan struct{}, 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watched.Watch(ctx, func() { changed <- struct{}{} })
	}()
	require.NoError(t, watched.Check(ctx, guardrails.Action{}))

	require.NoError(t, os.WriteFile(path+".new", []byte("bad orders, bob"), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
	for !watched.Tripped() {
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("the file does not trip the switch")
		}
	}
	why := "the kill switch is tripped by file " + path + ": bad orders, bob"
	require.ErrorContains(t, watched.Check(ctx, guardrails.Action{}), why)
	require.ErrorContains(t, asked.Check(ctx, guardrails.Action{}), why)
	require.ErrorIs(t, watched.Reset("carol", "fixed"), guardrails.ErrStillTripped)
	require.NoError(t, os.Remove(path))
	require.NoError(t, watched.Reset("carol", "fixed"))
	require.NoError(t, watched.Check(ctx, guardrails.Action{}))
	cancel()
	<-ended
}
