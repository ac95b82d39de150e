package filejournal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
	"github.com/tidegate-go/tidegate/rollout/journaltest"
)

func TestConforms(t *testing.T) {
	journaltest.Run(t, func(t testing.TB) rollout.Journal {
		return &faulty{Dir: filejournal.Dir(filepath.Join(t.TempDir(), "new")), t: t, sessions: make(map[string]rollout.Session)}
	})
}

// faulty loses leases, and processes.
type faulty struct {
	filejournal.Dir
	t        testing.TB
	mu       sync.Mutex
	sessions map[string]rollout.Session // the last ones, by rollout
}

func (j *faulty) Open(ctx context.Context, name string, locks ...string) (rollout.Session, error) {
	s, err := j.Dir.Open(ctx, name, locks...)
	if err == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.sessions[name] = s
	}
	return s, err
}

// Crash ends a process as far as one can see it from the directory.
func (j *faulty) Crash(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	require.NoError(j.t, filejournal.Crash(j.sessions[name]))
}

// Steal loses a lease as a restore from a backup would make it.
func (j *faulty) Steal(name string) {
	path := filepath.Join(string(j.Dir), name+".lock")
	data, err := os.ReadFile(path)
	require.NoError(j.t, err)
	require.NoError(j.t, os.WriteFile(path+".new", data, 0o600))
	require.NoError(j.t, os.Rename(path+".new", path))
}

// The helpers of all tests of this package.

func newDir(t testing.TB) filejournal.Dir {
	t.Helper()
	return filejournal.Dir(t.TempDir())
}

func open(t testing.TB, dir filejournal.Dir, name string, locks ...string) rollout.Session {
	t.Helper()
	s, err := dir.Open(t.Context(), name, locks...)
	require.NoError(t, err)
	return s
}

func appendTo(t testing.TB, s rollout.Session, events ...rollout.Event) {
	t.Helper()
	require.NoError(t, s.Append(t.Context(), events...))
}

func closeIt(t testing.TB, s rollout.Session) {
	t.Helper()
	require.NoError(t, s.Close())
}

// record writes a journal of n steps, each appended on its own.
func record(t testing.TB, dir filejournal.Dir, name string, n int) {
	t.Helper()
	s := open(t, dir, name)
	for i := range n {
		appendTo(t, s, step(i))
	}
	closeIt(t, s)
}

func step(i int) rollout.Event {
	return rollout.Event{At: time.Unix(1_790_000_000+int64(i), 0).UTC(), Kind: rollout.Doing, Step: fmt.Sprintf("host-%d", i)}
}

func ended(outcome rollout.Phase) rollout.Event {
	return rollout.Event{At: time.Unix(1_790_000_000, 0).UTC(), Kind: rollout.Ended, Outcome: outcome}
}

// steps collects the steps of all events.
func steps(t testing.TB, s rollout.Session) []string {
	t.Helper()
	var ids []string
	for ev, err := range s.Events() {
		require.NoError(t, err)
		ids = append(ids, ev.Step)
	}
	return ids
}

// hosts are the steps that record writes.
func hosts(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("host-%d", i))
	}
	return ids
}

func journalOf(dir filejournal.Dir, name string) string {
	return filepath.Join(string(dir), name+".jsonl")
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func put(t testing.TB, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, data, 0o600))
}
