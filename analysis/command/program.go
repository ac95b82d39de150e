package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// Defaults of a Program.
const (
	// DefaultGrace is the time between TERM and KILL.
	DefaultGrace = procgroup.DefaultGrace
	// DefaultMaxOutput is the most that a program may print, in bytes.
	DefaultMaxOutput = 64 << 10
)

// Program is what a source runs, and within which bounds.
type Program struct {
	// Args is the program, found in PATH if it has no slash, and its arguments.
	// Required.
	Args []string
	// Dir is the directory to run in. Empty means the current one.
	Dir string
	// Env is added to this process's own environment, as NAME=value.
	Env []string
	// Grace is the time between TERM and KILL when the context is done. An
	// observation may take up to three times as long to end. Zero means
	// DefaultGrace.
	Grace time.Duration
	// MaxOutput is the most that the program may print, in bytes. Zero means
	// DefaultMaxOutput.
	MaxOutput int
}

// run runs the program about a window, for one arm or, if that is empty, for
// both, and returns what it printed.
func (p *Program) run(ctx context.Context, w analysis.Window, arm string) ([]byte, error) {
	input, err := newBrief(w, arm).json()
	if err != nil {
		return nil, err
	}
	c := procgroup.Command{
		Args:      p.Args,
		Dir:       p.Dir,
		Env:       append(append(os.Environ(), p.Env...), environment(w, arm)...),
		Stdin:     input,
		Grace:     p.Grace,
		MaxOutput: DefaultMaxOutput,
	}
	if p.MaxOutput > 0 {
		c.MaxOutput = p.MaxOutput
	}
	out, err := c.Run(ctx)
	if err != nil {
		return nil, err
	}
	return out.Stdout, nil
}

// problems reports everything that is wrong with the settings.
func (p *Program) problems(report func(path, msg string)) {
	switch {
	case len(p.Args) == 0 || p.Args[0] == "":
		report("Program.Args", "is empty: there is no program to run")
	case len(p.Args) == 1 && strings.ContainsAny(p.Args[0], " \t\n|;"):
		report("Program.Args", "is one text with blanks in it: want the program and each of its arguments by itself (no shell will split it)")
	}
	for i, arg := range p.Args {
		if strings.ContainsRune(arg, 0) {
			report(fmt.Sprintf("Program.Args[%d]", i), "holds a zero byte, which no argument can")
		}
	}
	for i, entry := range p.Env {
		name, _, ok := strings.Cut(entry, "=")
		switch {
		case !ok || name == "" || strings.ContainsRune(entry, 0):
			report(fmt.Sprintf("Program.Env[%d]", i), "is malformed (not shown, it may hold a secret): want NAME=value")
		case strings.HasPrefix(name, prefix):
			report(fmt.Sprintf("Program.Env[%d]", i), fmt.Sprintf("sets %q: names that begin with %s are for what the program is told of the window", name, prefix))
		}
	}
	if p.Grace < 0 {
		report("Program.Grace", fmt.Sprintf("is negative (%v)", p.Grace))
	}
	if p.MaxOutput < 0 {
		report("Program.MaxOutput", fmt.Sprintf("is negative (%d)", p.MaxOutput))
	}
}

// check joins what Problems finds, and refuses a window that there is nothing to
// ask about.
func check(name string, p analysis.Problemer, w analysis.Window) error {
	var wrong []error
	p.Problems(func(path, msg string) {
		wrong = append(wrong, fmt.Errorf("command: %s.%s %s", name, path, msg))
	})
	if len(wrong) == 0 && len(w.Canary.Members) == 0 {
		return fmt.Errorf("command: %w: the canary has no members", analysis.ErrNoData)
	}
	return errors.Join(wrong...)
}

// trimmed is an error that does not say twice where it comes from.
type trimmed struct{ error }

// Error implements error.
func (t trimmed) Error() string { return strings.TrimPrefix(t.error.Error(), "procgroup: ") }

// Unwrap returns the whole error.
func (t trimmed) Unwrap() error { return t.error }

func trim(err error) error { return trimmed{err} }
