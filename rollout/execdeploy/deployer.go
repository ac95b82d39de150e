package execdeploy

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tidegate-go/tidegate/internal/procgroup"
	"github.com/tidegate-go/tidegate/rollout"
)

// deployer runs the commands.
type deployer struct {
	Commands                   // with the defaults filled in
	found    map[string]string // by program: where it is
	latest   sync.Map          // by target: the rollout.Release that its Check is about
	left     leftovers
}

var (
	_ rollout.Prober    = (*deployer)(nil)
	_ rollout.Versioner = versioned{}
)

// Deploy runs Deploy, or Undo.
func (d *deployer) Deploy(ctx context.Context, target rollout.Target, release rollout.Release) error {
	if len(d.Check) > 0 {
		d.latest.Store(target.Name, release)
	}
	if err := d.left.stop(ctx, d.Commands, release); err != nil {
		return err
	}
	what, args := "deploy", d.Commands.Deploy
	if release.Undo {
		what, args = "undo", d.Undo
	}
	rec := newRecord(d.Commands, target.Name, fmt.Sprintf("%s %s, wave %d", what, release.To, release.Wave))
	return d.run(ctx, what, args, target.Name, release, rec, nil)
}

// Healthy runs Check. Of a target that was there already, only the version is known.
func (d *deployer) Healthy(ctx context.Context, target rollout.Target) (bool, error) {
	if len(d.Check) == 0 {
		return true, nil
	}
	var release rollout.Release
	if known, ok := d.latest.Load(target.Name); ok {
		release = known.(rollout.Release) //nolint:forcetypeassert // nothing else is stored
	}
	release.Fence, release.Key = 0, ""
	if err := d.run(ctx, "check", d.Check, target.Name, release, newRecord(Commands{Redact: d.Redact}, "", ""), nil); err != nil {
		return false, err
	}
	return true, nil
}

// versioned is a deployer that can ask for the version.
type versioned struct{ *deployer }

// maxVersion is how long a version may be, in bytes.
const maxVersion = 1024

// Version runs Version. Its standard output is the version, but for white space
// around it.
func (d versioned) Version(ctx context.Context, target rollout.Target) (string, error) {
	said := &start{most: maxVersion}
	if err := d.run(ctx, "version", d.Commands.Version, target.Name, rollout.Release{}, newRecord(Commands{Redact: d.Redact}, "", ""), said); err != nil {
		return "", err
	}
	text, over := said.text()
	version := strings.TrimSpace(text)
	switch {
	case over:
		return "", fmt.Errorf("version: it wrote more than %d bytes", maxVersion)
	case version == "":
		return "", errors.New("version: it wrote nothing")
	}
	if len(d.Check) > 0 {
		if _, known := d.latest.Load(target.Name); !known {
			d.latest.Store(target.Name, rollout.Release{To: version})
		}
	}
	return version, nil
}

// run runs one command for a target. The record gets what it writes, but for
// standard output if that is wanted elsewhere.
func (d *deployer) run(ctx context.Context, what string, args []string, target string, release rollout.Release, rec *record, stdout *start) error {
	cmd := &exec.Cmd{Path: d.found[args[0]], Args: d.argv(args, target, release)}
	if args = cmd.Args; cmd.Path == "" {
		cmd = exec.Command(args[0], args[1:]...)
	}
	cmd.Dir, cmd.Env = d.Dir, d.environment(target, release)
	cmd.Stdout, cmd.Stderr = rec, rec
	if stdout != nil {
		cmd.Stdout = stdout
	}
	begun, stopped, err := procgroup.Lead(ctx, cmd, d.Grace)
	words := rec.close()
	if err = verdict(ctx, begun && stopped, err); err == nil {
		return nil
	}
	if words != "" {
		words = " (it said " + words + ")"
	}
	return fmt.Errorf("%s: %s: %w%s", what, filepath.Base(args[0]), err, words)
}

// verdict is what to make of how a program ended.
func verdict(ctx context.Context, stopped bool, err error) error {
	switch {
	case stopped && err != nil:
		return fmt.Errorf("stopped: %w: %w", context.Cause(ctx), err)
	case stopped: // whatever it made of TERM
		return fmt.Errorf("stopped: %w", context.Cause(ctx))
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // it ended well, and what it left behind, such as a daemon, has its output
	}
	return err
}
