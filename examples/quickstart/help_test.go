package main

import (
	"bytes"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout"
)

// small is a demo that a test has time for: fewer servers, looked at ten times
// as often, with more errors.
func small(t *testing.T) config {
	t.Helper()
	return config{
		Dir: t.TempDir(), Servers: 12, Rate: 1200, Errors: 0.04, Broken: 0.2,
		Every: 100 * time.Millisecond, Bake: 300 * time.Millisecond, Restart: 60 * time.Millisecond, Seed: 3,
	}
}

// recorder is a screen of plain lines that keeps what is shown.
type recorder struct {
	lines
	shown safeBuffer
	// on, if set, is called with every event that is shown.
	on func(view, rollout.Event)
}

func newRecorder() *recorder {
	r := &recorder{}
	r.out = &r.shown
	return r
}

func (r *recorder) event(v view, ev rollout.Event) {
	r.lines.event(v, ev)
	if r.on != nil {
		r.on(v, ev)
	}
}

// safeBuffer is a buffer for many goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// requireNoLeaks waits until no goroutine of this package is left but the
// test's own.
func requireNoLeaks(t *testing.T) {
	t.Helper()
	var left string
	done := func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for _, g := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(g, "examples/quickstart") && !strings.Contains(g, "testing.tRunner") && !strings.Contains(g, "testing.Main") && !strings.Contains(g, "requireNoLeaks") {
				left += g + "\n\n"
			}
		}
		return left == ""
	}
	require.Eventually(t, done, 5*time.Second, 10*time.Millisecond, "goroutines are left:\n%s", left)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
