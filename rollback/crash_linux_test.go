package rollback_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
)

const (
	childEnv = "TIDEGATE_ROLLBACK_CHILD"
	pathEnv  = "TIDEGATE_ROLLBACK_FILE"
)

// TestMain lets a test start this binary again as another process.
func TestMain(m *testing.M) {
	children := map[string]func(path string) error{"push": pushAndHang, "unwind": unwindAndTell, "full": pushTillFull}
	child := children[os.Getenv(childEnv)]
	if child == nil {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv(pathEnv)); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// pushAndHang is a script that makes changes, and is in the middle of the third.
func pushAndHang(path string) error {
	s, err := rollback.Create(path)
	if err != nil {
		return err
	}
	for _, name := range []string{"dns", "proxy", "db"} {
		if err := s.PushCommand(noted(name, path+".out")); err != nil {
			return err
		}
	}
	fmt.Println("pushed")
	time.Sleep(time.Hour)
	return nil
}

// unwindAndTell is one of those who undo what was left.
func unwindAndTell(path string) error {
	s, err := rollback.Open(path)
	if err != nil {
		return err
	}
	fmt.Println("has it")
	if err := s.Unwind(context.Background()); err != nil {
		return err
	}
	return s.Close()
}

// pushTillFull runs into the limit on file sizes, as on a full disk, and unwinds.
func pushTillFull(path string) error {
	s, err := rollback.Create(path)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1000, Max: 1000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := s.PushCommand(noted(fmt.Sprint("host-", n), path+".out")); err != nil {
			fmt.Println(n)
			fmt.Println(err)
			fmt.Println(s.PushCommand(noted("late", path+".out")))
			break
		}
	}
	err = s.Unwind(context.Background())
	fmt.Println(len(s.Pending()), errors.Is(err, rollback.ErrIncomplete))
	return err
}

// child starts this binary again, and returns what it says.
func child(t *testing.T, does, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+does, pathEnv+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

func says(t *testing.T, said *bufio.Scanner, want string) {
	t.Helper()
	require.True(t, said.Scan(), "it ended")
	require.Equal(t, want, said.Text())
}

// A script is killed by kill -9 in the middle of a change. Another process undoes all
// of it, each step exactly once; without the file nobody would know what to undo.
func TestCrashBetweenPushAndUnwind(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "undo")
	script, said := child(t, "push", path)
	says(t, said, "pushed")

	_, err := rollback.Open(path)
	require.ErrorIs(t, err, rollback.ErrInUse, "nobody undoes under a script that runs")
	require.NoError(t, script.Process.Kill())
	_ = script.Wait()
	require.Empty(t, words(t, path+".out"))

	unwinder, said := child(t, "unwind", path)
	says(t, said, "has it")
	require.NoError(t, unwinder.Wait())
	require.Equal(t, []string{"db", "proxy", "dns"}, words(t, path+".out"))

	s, err := rollback.Open(path)
	require.NoError(t, err)
	require.Empty(t, s.Pending())
	require.NoError(t, s.Close())
}

// On a full disk nothing is pushed that could not be written down, and what was pushed
// is undone all the same. That it was cannot be written down either, so that another
// process would undo it again, and the error says so.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "undo")
	script, said := child(t, "full", path)
	var lines []string
	for said.Scan() {
		lines = append(lines, said.Text())
	}
	require.Error(t, script.Wait())
	require.GreaterOrEqual(t, len(lines), 5, "%q", lines)
	pushed, err := strconv.Atoi(lines[0])
	require.NoError(t, err)
	require.NotZero(t, pushed)
	require.Contains(t, lines[1], "is not pushed, it cannot be written down")
	require.Contains(t, lines[2], "nothing more is written after a write that failed")
	require.Equal(t, "0 false", lines[3])
	require.Contains(t, lines[4], "was undone, but another process that opens the file would undo it again")
	require.Len(t, words(t, path+".out"), pushed)

	s, err := rollback.Open(path)
	require.NoError(t, err)
	require.Len(t, s.Pending(), pushed)
	require.NoError(t, s.Unwind(t.Context()))
	require.NoError(t, s.Close())
}

// An unwinder is killed while it runs an undo: what it has done is not done again,
// what it was at is in doubt, and run again.
func TestCrashWhileItUnwinds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "undo")
	out, gate := path+".out", path+".gate"
	slow := rollback.Command{Name: "proxy", Args: []string{"sh", "-c", `echo proxy >>"$1"; until test -e "$2"; do sleep 0.02; done`, "sh", out, gate}}
	create(t, path, noted("dns", out), slow, noted("db", out))

	unwinder, said := child(t, "unwind", path)
	says(t, said, "has it")
	require.Eventually(t, func() bool { return len(words(t, out)) == 2 }, 20*time.Second, time.Millisecond)
	other, said := child(t, "unwind", path)
	require.True(t, said.Scan())
	require.Equal(t, "error: "+rollback.ErrInUse.Error()+": "+path, said.Text(), "two do not undo at a time")
	require.Error(t, other.Wait())

	require.NoError(t, unwinder.Process.Kill())
	_ = unwinder.Wait()
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	s, err := rollback.Open(path)
	require.NoError(t, err)
	require.Equal(t, []string{"proxy", "dns"}, s.Pending())
	require.NoError(t, s.Unwind(t.Context()))
	require.NoError(t, s.Close())
	require.Equal(t, "db proxy proxy dns", strings.Join(words(t, out), " "))
}
