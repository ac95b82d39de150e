//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is the real program in a folder of its own, with real scripts.
type program struct {
	t   *testing.T
	dir string
}

func newProgram(t *testing.T) program { return program{t, t.TempDir()} }

func (p program) path(name string) string { return filepath.Join(p.dir, name) }

// write makes a file; a script if it begins like one.
func (p program) write(name, text string) {
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	require.NoError(p.t, os.WriteFile(p.path(name), []byte(text), mode))
}

// targets writes a target file of n hosts.
func (p program) targets(n int) {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t-%d\n", i)
	}
	p.write("targets", b.String())
}

// lines are those of a file by now. There may be no file yet.
func (p program) lines(name string) []string {
	text, _ := os.ReadFile(p.path(name))
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// running is a program that runs.
type running struct {
	program
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	over chan struct{}
}

func (r *running) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(data)
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// start starts tidegate.
func (p program) start(args ...string) *running {
	r := p.prepare(args...)
	r.begin()
	return r
}

func (p program) prepare(args ...string) *running {
	r := &running{program: p, cmd: exec.Command("tidegate", args...), over: make(chan struct{})}
	r.cmd.Dir = p.dir
	r.cmd.Env = append(os.Environ(), "TIDEGATE_STATE="+p.path("state"), "GORACE="+noRaceSleep)
	r.cmd.Stdout, r.cmd.Stderr = r, r
	r.cmd.WaitDelay = time.Second // what a KILL of it leaves behind may hold its output
	return r
}

func (r *running) begin() {
	require.NoError(r.t, r.cmd.Start())
	go func() {
		_ = r.cmd.Wait()
		close(r.over)
	}()
	r.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.over
	})
}

func (r *running) signal(s os.Signal) { require.NoError(r.t, r.cmd.Process.Signal(s)) }

// patience bounds what should not take long, on a busy machine.
const patience = 60 * time.Second

// exits waits for the end, and wants that exit code.
func (r *running) exits(code int) {
	r.t.Helper()
	select {
	case <-r.over:
	case <-time.After(patience):
		require.FailNow(r.t, "it does not end", r.said())
	}
	require.Equal(r.t, code, r.cmd.ProcessState.ExitCode(), r.said())
}

// until polls until something is so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			require.FailNow(t, "never: "+what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// alive counts the processes with the numbers in a file that have not ended. One that
// nobody has reaped has.
func (p program) alive(name string) (n int) {
	for _, pid := range p.lines(name) {
		if state := processState(pid); state != "" && state != "Z" {
			n++
		}
	}
	return n
}

func processState(pid string) string {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		if _, err := os.Stat("/proc/self/stat"); err == nil {
			return ""
		}
		n, _ := strconv.Atoi(pid)
		if syscall.Kill(n, 0) != nil {
			return ""
		}
		return "R"
	}
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')'):]), " ")
	return rest[:1]
}

// killed cleans up what a KILL of tidegate leaves.
func (p program) killed(name string) {
	for _, pid := range p.lines(name) {
		if n, err := strconv.Atoi(pid); err == nil && p.alive(name) > 0 {
			_ = syscall.Kill(-n, syscall.SIGKILL)
		}
	}
}

// once wants every one of the n targets in a file, once.
func (p program) once(name string, n int) {
	p.t.Helper()
	seen := make(map[string]int)
	for _, line := range p.lines(name) {
		seen[line]++
	}
	require.Len(p.t, seen, n)
	for target, times := range seen {
		require.Equal(p.t, 1, times, target)
	}
}
