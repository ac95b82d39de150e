package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/tidegate-go/tidegate/rollout"
)

// switchFlags say which kill switch is meant, and why.
type switchFlags struct {
	Reason     string `required:"" placeholder:"TEXT" help:"Why. It is on record."`
	File       string `placeholder:"FILE" help:"The kill file (default: the state directory's, for all that uses it)."`
	stateFlag  `embed:""`
	outputFlag `embed:""`
}

// path returns the kill file.
func (s switchFlags) path() (string, error) {
	if strings.TrimSpace(s.Reason) == "" {
		return "", badf("--reason is empty: who comes next wants to know")
	}
	if s.File != "" {
		return filepath.Abs(s.File)
	}
	dir, err := s.dir()
	return dir.killFile(), err
}

// kill is the verb's flags.
type kill struct {
	Mode        string `enum:"halt,rollback" default:"halt" help:"halt freezes everything as it is. rollback takes back what can be."`
	switchFlags `embed:""`
}

// Help is what --help says of the verb beside its flags.
func (kill) Help() string {
	return `It stops everything that tidegate each and exec run with the state directory, within a second: by a file there, which they watch. Scripts that run get TERM, and KILL after their --grace. Nothing begins while the file is there, after a restart neither.

tidegate reset lifts it. The file may also be made by hand: echo "bad orders" > ~/.local/state/tidegate/kill

Exit codes: 0 done, and so is a switch that was tripped before; 2 bad usage; 1 it could not be done.`
}

func (k kill) run(stdout io.Writer) (code int, err error) {
	path, err := k.path()
	if err != nil {
		return 0, err
	}
	if k.Mode == "rollback" {
		path += rollbackSuffix
	}
	err = place(path, fmt.Sprintf("%s (%s)\n", strings.TrimSpace(k.Reason), actor()))
	switch {
	case errors.Is(err, fs.ErrExist):
		k.say(stdout, said{Said: "tripped before", File: path}, "tripped before, and still: %s", path)
	case err != nil:
		return 0, err
	default:
		k.say(stdout, said{Said: "tripped", File: path}, "tripped: %s\ntidegate reset --reason … lifts it", path)
	}
	return exitDone, nil
}

// place makes a file with its content at once, unless there is one.
func place(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".kill-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// reset is the verb's flags.
type reset struct {
	switchFlags `embed:""`
}

// Help is what --help says of the verb beside its flags.
func (reset) Help() string {
	return `It lifts what tidegate kill has done, in whichever mode: it removes the kill file. With the state directory's, every rollout there that is halted may go on. Nothing is begun by that: run the same command lines again.

A rollout that was stopped because a script failed, without a way back, is given up, and the same command line begins another for the targets that are left.

Exit codes: 0 done; 2 bad usage; 1 it could not be done.`
}

func (r reset) run(stdout io.Writer) (code int, err error) {
	path, err := r.path()
	if err != nil {
		return 0, err
	}
	lifted := false
	for _, p := range []string{path, path + rollbackSuffix} {
		err := os.Remove(p)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		if err == nil {
			lifted = true
			r.say(stdout, said{Said: "lifted", File: p}, "lifted: %s", p)
		}
	}
	if r.File == "" {
		n, err := r.rollouts(stateDir(filepath.Dir(path)), stdout)
		if err != nil {
			return 0, err
		}
		lifted = lifted || n > 0
	}
	if !lifted {
		r.say(stdout, said{Said: "nothing was halted"}, "nothing was halted")
	}
	return exitDone, nil
}

// rollouts lets every halted rollout go on, and returns how many.
func (r reset) rollouts(dir stateDir, stdout io.Writer) (n int, err error) {
	names, err := dir.rollouts()
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, name := range names {
		p, err := dir.read(name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if p.state.Phase() != rollout.Halted {
			continue
		}
		n++
		runner := rollout.Runner{Plan: rollout.Plan{Name: name}, Journal: dir.journal()}
		runner.Plan.Release.Service = p.state.Spec().Service
		verbs, word, hint := []rollout.Kind{rollout.Reset, rollout.Resume}, "may go on", "run the same command line again"
		if p.state.Spec().OnFailure == rollout.Freeze && p.state.Failure() != "" {
			verbs, word, hint = []rollout.Kind{rollout.Abort}, "is given up", "run the same command line again for what is left"
		}
		for _, verb := range verbs {
			err = runner.Command(context.Background(), rollout.Command{Verb: verb, Actor: actor(), Reason: r.Reason})
			if errors.Is(err, rollout.ErrStale) { // a rollback that was halted needs no Resume
				err = nil
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", name, err))
				break
			}
		}
		if err == nil {
			r.say(stdout, said{Said: word, Rollout: name}, "%s %s: %s", name, word, hint)
		}
	}
	return n, errors.Join(problems...)
}

// actor names who gives a command.
func actor() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
