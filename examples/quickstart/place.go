package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// place is the folder that holds all that outlives the process:
//
//	journal/   what happened in each rollout
//	servers/   the version that each server has installed
//	STOP       not there, until somebody makes it to stop everything
//	log.txt    what the runner logs
//	run        the number of the run that is under way, or that comes next
//	hold/      keeps a second quickstart out
type place string

func (p place) journal() filejournal.Dir { return filejournal.Dir(filepath.Join(string(p), "journal")) }
func (p place) servers() string          { return filepath.Join(string(p), "servers") }
func (p place) stopFile() string         { return filepath.Join(string(p), "STOP") }
func (p place) logFile() string          { return filepath.Join(string(p), "log.txt") }
func (p place) runFile() string          { return filepath.Join(string(p), "run") }

// stopped tells whether somebody has made the STOP file.
func (p place) stopped() bool {
	_, err := os.Lstat(p.stopFile())
	return err == nil
}

// hold makes the folder, and takes it for this process. The lock is that of a
// journal that nothing is written to. It ends with the process, however that
// ends.
func (p place) hold(ctx context.Context) (rollout.Session, error) {
	if err := os.MkdirAll(string(p), 0o700); err != nil {
		return nil, fmt.Errorf("making a folder to work in: %w", err)
	}
	return filejournal.Dir(filepath.Join(string(p), "hold")).Open(ctx, "quickstart")
}

// run returns the number of the run that is to be made, or to be gone on with.
func (p place) run() (int, error) {
	content, err := os.ReadFile(p.runFile())
	if errors.Is(err, os.ErrNotExist) {
		return 1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the number of the run: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s should hold the number of the run, but says %q: remove %s to begin anew", p.runFile(), content, string(p))
	}
	return n, nil
}

// finish says that a run is over, so that the next one begins anew.
func (p place) finish(run int) error {
	part := p.runFile() + ".part"
	if err := os.WriteFile(part, []byte(strconv.Itoa(run+1)+"\n"), 0o600); err != nil {
		return fmt.Errorf("noting that the run is over: %w", err)
	}
	return os.Rename(part, p.runFile())
}

// rolloutName names the rollout of a version. A journal takes a name once, so
// every run has names of its own.
func rolloutName(run int, version string) string {
	return fmt.Sprintf("quickstart-%d-%s", run, version)
}

// past is what a journal knows of a rollout; the zero State when nothing.
func (p place) past(name string) (*rollout.State, error) {
	var state rollout.State
	for ev, err := range p.journal().Read(name) {
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err == nil {
			err = state.Step(ev)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the journal of %s: %w", name, err)
		}
	}
	return &state, nil
}
