package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// stateFlag says where the state is. All verbs that share a state directory share its
// kill switch.
type stateFlag struct {
	State string `placeholder:"DIR" env:"TIDEGATE_STATE" help:"Where the journals, the scripts' output and the kill file are (default: tidegate in $$XDG_STATE_HOME, or in ~/.local/state)."`
}

// dir returns the state directory, and makes it if need be.
func (s stateFlag) dir() (stateDir, error) {
	dir := s.State
	if dir == "" {
		if dir = os.Getenv("XDG_STATE_HOME"); dir == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", badf("there is no home directory for the state (%v): give --state", err)
			}
			dir = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(dir, "tidegate")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", refusedf("--state: %v", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", refusedf("--state: %v", err)
	}
	return stateDir(dir), nil
}

// stateDir is a state directory: the journals, and besides them
//
//	kill, kill.rollback   while they exist, everything is stopped, or taken back
//	output/ROLLOUT/       what the scripts of a rollout wrote, by target
type stateDir string

func (d stateDir) journal() filejournal.Dir { return filejournal.Dir(d) }

func (d stateDir) killFile() string { return filepath.Join(string(d), "kill") }

// output returns where the output of a rollout's scripts goes.
func (d stateDir) output(rollout string) string {
	return filepath.Join(string(d), "output", rollout)
}

const (
	// rollbackSuffix makes the name of a kill file that of the one that rolls back.
	rollbackSuffix = ".rollback"
	// killEvery is the time between two looks at the kill files.
	killEvery = 100 * time.Millisecond
)

// killSwitches watch kill files, each of which halts, and their twins that roll back.
func killSwitches(files []string) []guardrails.Guard {
	halt := &guardrails.KillSwitch{Mode: guardrails.Halt, Every: killEvery}
	back := &guardrails.KillSwitch{Mode: guardrails.Rollback, Every: killEvery}
	for _, f := range files {
		halt.Sources = append(halt.Sources, guardrails.File(f))
		back.Sources = append(back.Sources, guardrails.File(f+rollbackSuffix))
	}
	return []guardrails.Guard{halt, back}
}
