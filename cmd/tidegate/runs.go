package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
)

// past is what a journal tells of one rollout.
type past struct {
	name   string
	number int // among those of the same command line, from 1; 0 for a --name
	events int // none if it was opened and never begun
	state  rollout.State
}

// read reads the journal of a rollout; without one, nothing was begun.
func (d stateDir) read(name string) (*past, error) {
	p := &past{name: name}
	for ev, err := range d.journal().Read(name) {
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := p.state.Step(ev); errors.Is(err, rollout.ErrNewer) {
			return nil, fmt.Errorf("the journal of %s: %w", name, err)
		} else if err != nil {
			return nil, fmt.Errorf("the journal of %s is damaged: event %d: %w", name, p.events+1, err)
		}
		p.events++
	}
	return p, nil
}

// rollouts returns the names of all rollouts in the directory.
func (d stateDir) rollouts() (names []string, err error) {
	entries, err := os.ReadDir(string(d))
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".jsonl"); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, err
}

// latest returns the last rollout of a command line. There may be none, which has the
// number 0.
func (d stateDir) latest(base string) (*past, error) {
	names, err := d.rollouts()
	if err != nil {
		return nil, err
	}
	last := 0
	for _, name := range names {
		if number, ok := strings.CutPrefix(name, base+"-"); ok {
			if n, err := strconv.Atoi(number); err == nil {
				last = max(last, n)
			}
		}
	}
	if last == 0 {
		return &past{}, nil
	}
	return d.numbered(base, last)
}

func (d stateDir) numbered(base string, n int) (*past, error) {
	p, err := d.read(base + "-" + strconv.Itoa(n))
	if err == nil {
		p.number = n
	}
	return p, err
}

// done returns the targets that are done by a rollout that was given up, and by those
// before it that were.
func (d stateDir) done(base string, p *past) (map[string]bool, error) {
	done := make(map[string]bool)
	for p.number > 0 && p.events > 0 && p.state.Phase() == rollout.Aborted {
		for id, status := range p.state.Steps() {
			if status == rollout.StepDone {
				done[id] = true
			}
		}
		if p.number == 1 {
			break
		}
		var err error
		if p, err = d.numbered(base, p.number-1); err != nil {
			return nil, err
		}
	}
	return done, nil
}
