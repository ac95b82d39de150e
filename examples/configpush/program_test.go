//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// program is the path of the built example.
var program string

// TestMain builds the example once: what is killed here is the real thing.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "configpush-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		program = filepath.Join(folder, "configpush")
		if said, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the example: %v\n%s", err, said)
			return 1
		}
		return m.Run()
	}())
}

// hung is when a process that should have ended counts as hanging.
const hung = time.Minute

// process is one run of the example.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	ctx context.Context // bounds the process
	log logbook
}

// start starts the example.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), hung, errors.New("the process hangs"))
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, program, args...), ctx: ctx}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	require.NoError(t, p.cmd.Start())
	return p
}

// wait waits for the end of the process, and returns its exit code, -1 when a
// signal has ended it.
func (p *process) wait() int {
	p.t.Helper()
	err := p.cmd.Wait()
	require.NoError(p.t, context.Cause(p.ctx), "%s", p.log.text())
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(p.t, err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// exits waits for the end of the process, which has to have this exit code.
func (p *process) exits(code int) {
	p.t.Helper()
	require.Equal(p.t, code, p.wait(), "the exit code; the process said:\n%s", p.log.text())
}

// until waits until the process has said something.
func (p *process) until(text string) {
	p.t.Helper()
	select {
	case <-p.log.has(text):
	case <-p.ctx.Done():
		require.FailNow(p.t, "it never said "+text, "%v; it said:\n%s", context.Cause(p.ctx), p.log.text())
	}
}

// logbook is what a process says, and tells when it says something.
type logbook struct {
	mu      sync.Mutex
	said    bytes.Buffer
	awaited string
	seen    chan struct{}
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said.Write(b)
	l.look()
	return len(b), nil
}

// look closes seen once what is awaited was said. The caller holds mu.
func (l *logbook) look() {
	if l.seen != nil && strings.Contains(l.said.String(), l.awaited) {
		close(l.seen)
		l.seen = nil
	}
}

func (l *logbook) has(text string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := make(chan struct{})
	l.awaited, l.seen = text, seen
	l.look()
	return seen
}

func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// release is what `-version good` and `-version bad` roll out.
type release struct {
	name, from, to string
	exit           int // of a run that is left alone
	phase          rollout.Phase
	ends           string // the version that every host runs then
	exposes        int    // how many hosts may get it at the most
}

var (
	good = release{name: "good", from: "v1", to: "v2", exit: 0, phase: rollout.Completed, ends: "v2", exposes: hostCount}
	bad  = release{name: "bad", from: "v2", to: "v3", exit: 4, phase: rollout.RolledBack, ends: "v2", exposes: 3}
)

// hostCount is how many hosts the fleets here have: waves of 1, 2, 4, 5 and 4.
const hostCount = 16

// args are for a run of tens of milliseconds, not seconds.
func (r release) args(dir string, more ...string) []string {
	return append([]string{"-dir", dir, "-version", r.name, "-hosts", fmt.Sprint(hostCount), "-delay", "10ms", "-bake", "20ms"}, more...)
}

// history is what the journal of a release says. It takes nothing, so that it
// can also look on.
func (r release) history(t *testing.T, dir string) (events []rollout.Event, state rollout.State) {
	t.Helper()
	for ev, err := range filejournal.Dir(filepath.Join(dir, "journal")).Read("app-conf-" + r.to) {
		if errors.Is(err, fs.ErrNotExist) {
			break // not even begun
		}
		require.NoError(t, err, "the journal can be read")
		require.NoError(t, state.Step(ev), "event %d, %v %s, can follow those before it", len(events)+1, ev.Kind, ev.Step)
		events = append(events, ev)
	}
	return events, state
}

// files returns every file of the hosts: name, content and time of change.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(filepath.Join(dir, "host"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = info.ModTime().String() + "\n" + string(content)
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return all
}

// requireAll makes sure that every host has the whole config of a version, and
// nothing else lies about.
func requireAll(t *testing.T, dir, version string) {
	t.Helper()
	hosts, err := os.ReadDir(filepath.Join(dir, "host"))
	require.NoError(t, err)
	require.Len(t, hosts, hostCount)
	for _, h := range hosts {
		entries, err := os.ReadDir(filepath.Join(dir, "host", h.Name()))
		require.NoError(t, err)
		require.Len(t, entries, 1, "host %s has app.conf and no leftovers", h.Name())
		content, err := os.ReadFile(filepath.Join(dir, "host", h.Name(), "app.conf"))
		require.NoError(t, err)
		require.Equal(t, config(version), string(content), "host %s", h.Name())
	}
}
