package filejournal_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// hostsIn is a fleet of seven hosts, each with its version.
type hostsIn struct {
	mu       sync.Mutex
	versions map[string]string
	deploys  []string
	// before, if set, is called when a host is about to get a version.
	before func(host, version string)
}

func newHosts() *hostsIn {
	h := &hostsIn{versions: make(map[string]string)}
	for i := range 7 {
		h.versions["host-"+strconv.Itoa(i+1)] = "v1"
	}
	return h
}

func (h *hostsIn) targets() (targets []rollout.Target) {
	for i := range len(h.versions) {
		targets = append(targets, rollout.Target{Name: "host-" + strconv.Itoa(i+1), Labels: map[string]string{"zone": string(rune('a' + i%2))}, Weight: int64(i + 1)})
	}
	return targets
}

func (h *hostsIn) Deploy(_ context.Context, target rollout.Target, release rollout.Release) error {
	time.Sleep(time.Second)
	if h.before != nil {
		h.before(target.Name, release.To)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.versions[target.Name] = release.To
	h.deploys = append(h.deploys, target.Name+" "+release.To)
	return nil
}

func (h *hostsIn) Version(_ context.Context, target rollout.Target) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.versions[target.Name], nil
}

// run returns how many hosts run each version.
func (h *hostsIn) run() map[string]int {
	n := make(map[string]int)
	for _, v := range h.versions {
		n[v]++
	}
	return n
}

// window is a guard that holds while it is shut.
type window struct {
	mu   sync.Mutex
	shut bool
}

func (w *window) set(shut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut = shut
}

func (*window) GuardName() string { return "window" }

func (w *window) Check(context.Context, guardrails.Action) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut {
		return &guardrails.Breach{Guard: "window", Reason: "the change window is shut", Evidence: "it is 17:01", Runbook: "wait, or override"}
	}
	return nil
}

// story is a rollout that leaves a journal behind.
type story struct {
	name   string
	errors float64 // the error rate of the new version; the old one's is 1%
	guard  *window
	hosts  *hostsIn
	runner *rollout.Runner
}

func newStory(dir filejournal.Dir, name string, errors float64) *story {
	s := &story{name: name, errors: errors, guard: new(window), hosts: newHosts()}
	rate := map[string]float64{"v1": 0.01, "v2": errors}
	source := analysis.SourceFunc(func(_ context.Context, w analysis.Window) (analysis.Observation, error) {
		seen := func(arm analysis.Arm) analysis.Sample {
			total := 1000 * float64(len(arm.Members)) * w.End.Sub(w.Start).Seconds()
			return analysis.Counts(uint64(total*rate[arm.Version]), uint64(total))
		}
		return analysis.Observation{At: w.End, Canary: seen(w.Canary), Baseline: seen(w.Baseline)}, nil
	})
	s.runner = &rollout.Runner{
		Plan: rollout.Plan{
			Name: name, Release: rollout.Release{Service: "checkout", From: "v1", To: "v2"},
			Targets: s.hosts.targets(), Waves: rollout.OneThenDouble(), Concurrency: 2,
			Gate: analysis.Gate{
				Bake:   analysis.Bake{AtLeast: time.Minute, AtMost: time.Hour},
				Checks: []analysis.Check{{Name: "errors", Source: source, Judge: analysis.NotWorse{}}},
			},
			Guards:   []guardrails.Guard{s.guard},
			Rollback: rollback.Policy{Backoff: time.Second},
		},
		Deployer: s.hosts, Journal: dir, Logger: slog.New(slog.DiscardHandler),
	}
	return s
}

func (s *story) say(t *testing.T, verb rollout.Kind, more rollout.Command) {
	more.Verb, more.Actor, more.Reason = verb, "ann", "<the ticket says \"so\">"
	require.NoError(t, s.runner.Command(t.Context(), more))
}

// copyAt keeps a copy of the journal as it is when a host is about to get a version: what a
// crash would leave just then.
func (s *story) copyAt(t *testing.T, dir filejournal.Dir, host, version string) {
	s.hosts.before = func(h, v string) {
		if h == host && v == version {
			put(t, journalOf(dir, s.name+"-crashed"), content(t, journalOf(dir, s.name)))
		}
	}
}

// tellStories leaves a journal of every kind in the directory.
func tellStories(t *testing.T, dir filejournal.Dir) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(dir, "completed", 0.01)
		s.copyAt(t, dir, "host-5", "v2")
		done := make(chan error)
		go func() { _, err := s.runner.Run(t.Context()); done <- err }()
		time.Sleep(10 * time.Second)
		s.guard.set(true)
		time.Sleep(10 * time.Second)
		s.say(t, rollout.Pause, rollout.Command{})
		s.say(t, rollout.Override, rollout.Command{Guard: "window", Until: time.Now().Add(30 * time.Second).UTC()})
		s.say(t, rollout.Resume, rollout.Command{})
		time.Sleep(10 * time.Second)
		s.guard.set(false)
		require.NoError(t, <-done)

		s = newStory(dir, "rolled-back", 0.05)
		s.copyAt(t, dir, "host-1", "v1")
		_, err := s.runner.Run(t.Context())
		require.ErrorIs(t, err, rollout.ErrRolledBack)

		s = newStory(dir, "interrupted", 0.01)
		ctx, cancel := context.WithCancel(t.Context())
		s.hosts.before = func(host, _ string) {
			if host == "host-4" {
				cancel()
			}
		}
		_, err = s.runner.Run(ctx)
		require.ErrorIs(t, err, rollout.ErrInterrupted)
	})
}

// journals lists those of the directory.
func journals(t *testing.T, dir string) (names []string) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	require.NoError(t, err)
	for _, p := range paths {
		names = append(names, filepath.Base(p[:len(p)-len(".jsonl")]))
	}
	slices.Sort(names)
	return names
}

// keepStories is a directory of testdata that the stories are to be written to, by hand
// and once for each format: TIDEGATE_KEEP_JOURNALS=testdata/format1 go test -run TestStories
func keepStories(t *testing.T, from filejournal.Dir) {
	to := os.Getenv("TIDEGATE_KEEP_JOURNALS")
	if to == "" {
		return
	}
	require.NoError(t, os.Mkdir(to, 0o755), "what is there is history")
	for _, name := range journals(t, string(from)) {
		require.NoError(t, os.WriteFile(journalOf(filejournal.Dir(to), name), content(t, journalOf(from, name)), 0o644))
	}
}
