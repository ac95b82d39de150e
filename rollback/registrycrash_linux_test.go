package rollback_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollback"
)

// marksEnv is set for the process that TestMarksVersions is.
const marksEnv = "TIDEGATE_ROLLBACK_MARKS"

// TestMarksVersions is another process, if this binary is started as such: it marks
// versions bad, and says so of each once it is on record.
func TestMarksVersions(t *testing.T) {
	name := os.Getenv(marksEnv)
	if name == "" {
		t.Skip("it is for others to start")
	}
	r := &rollback.Registry{Path: os.Getenv(pathEnv)}
	if name == "full" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1000, Max: 1000}
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	}
	for n := 0; ; n++ {
		if err := r.MarkBad(context.Background(), "checkout", fmt.Sprint(name, n), name, "tidegate", "slow"); err != nil {
			fmt.Println("error:", err)
			return
		}
		fmt.Println(n)
		time.Sleep(time.Millisecond) // who asks for the lock again at once leaves it to nobody
	}
}

func marks(t *testing.T, name, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMarksVersions$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), marksEnv+"="+name, pathEnv+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// Two processes mark versions at once, and both are killed by kill -9 while they write.
// What they were told is on record is, nothing is damaged, and the lock is free.
func TestTwoProcessesAreKilledWhileTheyWrite(t *testing.T) {
	t.Parallel()
	r := registry(t)
	for round := range 3 {
		names := []string{fmt.Sprint("a", round, "."), fmt.Sprint("b", round, ".")}
		var all []*exec.Cmd
		var said []*bufio.Scanner
		for _, name := range names {
			cmd, out := marks(t, name, r.Path)
			all, said = append(all, cmd), append(said, out)
		}
		for _, out := range said {
			for range 5 {
				require.True(t, out.Scan())
			}
		}
		for i, cmd := range all {
			require.NoError(t, cmd.Process.Kill())
			count := 5
			for said[i].Scan() {
				require.Equal(t, strconv.Itoa(count), said[i].Text())
				count++
			}
			_ = cmd.Wait()
			for n := range count {
				require.ErrorIs(t, r.CheckVersion(t.Context(), "checkout", fmt.Sprint(names[i], n)), rollback.ErrBadVersion)
			}
		}
		require.NoError(t, r.MarkBad(t.Context(), "checkout", fmt.Sprint("after", round), "", "alice", "slow"))
	}
}

// A process is gone with half a line written. Readers do not mind, and leave it to the
// next writer to cut it off.
func TestWhoReadsDoesNotWrite(t *testing.T) {
	t.Parallel()
	r, text := recorded(t)
	write(t, r, text[:len(text)-30])
	require.NoError(t, r.CheckVersion(t.Context(), "checkout", "v2"))
	after, err := os.ReadFile(r.Path)
	require.NoError(t, err)
	require.Equal(t, string(text[:len(text)-30]), string(after))
}

// On a full disk the version is not marked, and the error says so. What was there stays,
// without half a line after it.
func TestFullDiskOfARegistry(t *testing.T) {
	t.Parallel()
	r := registry(t)
	cmd, said := marks(t, "full", r.Path)
	var lines []string
	for said.Scan() && (len(lines) == 0 || lines[len(lines)-1][0] != 'e') {
		lines = append(lines, said.Text())
	}
	_ = cmd.Wait()
	n := len(lines) - 1
	require.NotZero(t, n, "%q", lines)
	require.Contains(t, lines[n], fmt.Sprintf("error: rollback: checkout full%d is not marked bad: ", n))
	text, err := os.ReadFile(r.Path)
	require.NoError(t, err)
	require.Equal(t, byte('\n'), text[len(text)-1])
	require.ErrorIs(t, r.CheckVersion(t.Context(), "checkout", fmt.Sprint("full", n-1)), rollback.ErrBadVersion)
	require.NoError(t, r.CheckVersion(t.Context(), "checkout", fmt.Sprint("full", n)))
}

// A call waits for its turn no longer than its ctx.
func TestWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	r, _ := recorded(t)
	lock, err := os.OpenFile(r.Path+".lock", os.O_RDWR, 0)
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.CheckVersion(ctx, "checkout", "v1"), context.DeadlineExceeded)
	require.ErrorContains(t, r.MarkBad(ctx, "checkout", "v1", "", "alice", "slow"), "lock "+r.Path+".lock")

	done := make(chan error, 1)
	go func() { done <- r.MarkBad(t.Context(), "checkout", "v1", "", "alice", "slow") }()
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_UN))
	require.NoError(t, <-done)
}
