//go:build unix

package filejournal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
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

// TestMain lets a test start this binary again as another process that appends.
func TestMain(m *testing.M) {
	children := map[string]func(rollout.Session) error{
		"append for ever":  appendForEver,
		"append till full": appendTillFull,
	}
	child := children[os.Getenv(childEnv)]
	if child == nil {
		os.Exit(m.Run())
	}
	s, err := filejournal.Dir(os.Getenv(dirEnv)).Open(context.Background(), "r", "checkout")
	if err == nil {
		err = child(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
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
	signal.Ignore(syscall.SIGXFSZ)
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

// A full disk leaves a journal of whole lines, and an operator who knows what to
// do.
func TestFullDisk(t *testing.T) {
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
