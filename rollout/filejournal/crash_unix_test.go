//go:build unix

package filejournal_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

const (
	childEnv = "TIDEGATE_FILEJOURNAL_CHILD"
	dirEnv   = "TIDEGATE_FILEJOURNAL_DIR"
)

// TestMain lets a test start this binary again as another process.
func TestMain(m *testing.M) {
	children := map[string]func(filejournal.Dir) error{
		"append for ever":  withSession(appendForEver),
		"append till full": withSession(appendTillFull),
		"roll out":         rollOut,
	}
	child := children[os.Getenv(childEnv)]
	if child == nil {
		os.Exit(m.Run())
	}
	if err := child(filejournal.Dir(os.Getenv(dirEnv))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func withSession(appends func(rollout.Session) error) func(filejournal.Dir) error {
	return func(dir filejournal.Dir) error {
		s, err := dir.Open(context.Background(), "r", "checkout")
		if err != nil {
			return err
		}
		return appends(s)
	}
}

// killedServers is how many servers rollOut has.
const killedServers = 1500

// rollOut says which servers it touches, before it does so.
func rollOut(dir filejournal.Dir) error {
	f := newServers()
	f.at = func(target string, _ int) { fmt.Println(target) }
	_, err := f.roll(dir, "r", killedServers)
	return err
}

// appendForEver says after each Append how many events it has recorded.
func appendForEver(s rollout.Session) error {
	for n := 0; ; n += 3 {
		if err := s.Append(context.Background(), step(n), step(n+1), step(n+2)); err != nil {
			return err
		}
		fmt.Println(n + 3)
	}
}

// appendTillFull runs into the limit on file sizes, as on a full disk, and says
// how far it came, and what it was told.
func appendTillFull(s rollout.Session) error {
	limit := syscall.Rlimit{Cur: 16_500, Max: 16_500}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := s.Append(context.Background(), step(n)); err != nil {
			fmt.Println(n)
			fmt.Println(err)
			fmt.Println(s.Append(context.Background(), step(n)))
			return s.Close()
		}
	}
}

func startChild(t *testing.T, dir filejournal.Dir, does string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+does, dirEnv+"="+string(dir))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// kill -9 at whatever it is doing: what it was told is durable is there.
func TestKilledWhileAppending(t *testing.T) {
	dir := newDir(t)
	for round := range 5 {
		cmd, out := startChild(t, dir, "append for ever")
		acknowledged := 0
		note := func() {
			n, err := strconv.Atoi(out.Text())
			require.NoError(t, err)
			acknowledged = n
		}
		for range 10 + 7*round {
			require.True(t, out.Scan())
			note()
		}
		_, err := dir.Open(t.Context(), "r", "checkout")
		var held *rollout.HeldError
		require.ErrorAs(t, err, &held)
		require.Contains(t, held.Holder, fmt.Sprintf("process %d on ", cmd.Process.Pid))

		require.NoError(t, cmd.Process.Kill())
		for out.Scan() { // what it said before it died
			note()
		}
		require.ErrorContains(t, cmd.Wait(), "killed")

		require.Contains(t, requireHeld(t, dir, "checkout"), "rollout r (it has not ended")
		s := open(t, dir, "r", "checkout")
		require.Equal(t, uint64(round*2+2), s.Epoch())
		got := steps(t, s)
		require.GreaterOrEqual(t, len(got), acknowledged)
		require.LessOrEqual(t, len(got), acknowledged+3, "no more than was under way")
		require.Equal(t, hosts(len(got)), got)
		closeIt(t, s)
		require.NoError(t, os.Remove(journalOf(dir, "r"))) // for the next round
	}
}

// kill -9 at a runner, again and again, with the tail of its journal torn on top of it:
// what it has touched is on record, and the last one does the rest.
func TestKilledWhileRollingOut(t *testing.T) {
	dir := newDir(t)
	f := newServers()
	rounds := 0
	for over := false; !over; rounds++ {
		onRecord := map[string]bool{}
		if rounds > 0 {
			onRecord = f.requireOnRecord(t, dir, "r")
			tear(t, journalOf(dir, "r"), rounds)
		}
		cmd, out := startChild(t, dir, "roll out")
		for n := 0; out.Scan(); n++ {
			target := out.Text()
			require.False(t, onRecord[target], "%s is on record as done, and is done once more", target)
			f.begun[target]++
			f.done[target] = true // or about to be: the process has no time between the two
			if n == 100*(rounds+1) {
				require.NoError(t, cmd.Process.Kill())
			}
		}
		over = cmd.Wait() == nil
		require.Less(t, rounds, 20)
	}
	require.Greater(t, rounds, 3)
	require.Len(t, f.requireOnRecord(t, dir, "r"), killedServers)
	sound, err := filejournal.Audit(journalOf(dir, "r"))
	require.NoError(t, err)
	require.Equal(t, rollout.Completed, sound.Phase)
}

// tear leaves a beginning of a line at the end, as a power cut does.
func tear(t *testing.T, path string, n int) {
	t.Helper()
	whole := content(t, path)
	whole = whole[:bytes.LastIndexByte(whole, '\n')+1]
	next := `{"at":"2026-07-01T12:00:00Z","kind":"doing","epoch":1,"step":"server-0001","seq":`
	put(t, path, append(whole, next[:n%len(next)]...))
}

// A full disk leaves a journal of whole lines, and an operator who knows what to
// do.
func TestAppendTillFull(t *testing.T) {
	dir := newDir(t)
	cmd, out := startChild(t, dir, "append till full")
	var said []string
	for out.Scan() {
		said = append(said, out.Text())
	}
	require.NoError(t, cmd.Wait())
	require.Len(t, said, 3)
	n, err := strconv.Atoi(said[0])
	require.NoError(t, err)
	require.Greater(t, n, 50)
	require.Contains(t, said[1], "write 1 events to "+journalOf(dir, "r")+": file too large [raise the limit on file sizes")
	require.Contains(t, said[2], "nothing more is written after an append that failed")

	data := content(t, journalOf(dir, "r"))
	require.True(t, strings.HasSuffix(string(data), "\"}\n"), "the partial line is taken back")
	s := open(t, dir, "r")
	require.NoFileExists(t, journalOf(dir, "r")+".torn")
	require.Equal(t, hosts(n), steps(t, s))
	appendTo(t, s, step(n))
	closeIt(t, s)
}
