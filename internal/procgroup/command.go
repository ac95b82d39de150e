package procgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Defaults of a Command.
const (
	// DefaultGrace is the time between TERM and KILL.
	DefaultGrace = 2 * time.Second
	// DefaultMaxOutput is the most that is read of standard output, in bytes.
	DefaultMaxOutput = 1 << 20
	// maxStderr is how much is kept of standard error, in bytes.
	maxStderr = 4 << 10
	// maxShown is how much of that an error shows, in bytes.
	maxShown = 300
)

var (
	// ErrTooLarge is returned when a program wrote more than MaxOutput.
	ErrTooLarge = errors.New("the output is too large")
	// ErrHeld is returned when a program has ended, but a process that left its
	// group still holds its output, so that there is no telling whether it is whole.
	ErrHeld = errors.New("a process that left the group still holds the output")
	// ErrStuck is returned when the kernel does not end a program that was killed,
	// as happens on a dead network file system.
	ErrStuck = errors.New("the program was killed and does not end")
)

// Command is a program to run, as the leader of a process group of its own.
type Command struct {
	// Args is the program, found in PATH if it has no slash, and its arguments.
	// Required.
	Args []string
	// Dir is the directory to run in. Empty means the current one.
	Dir string
	// Env is the whole environment, as NAME=value. Nil means this process's own. Of
	// a name that is there twice, the last counts.
	Env []string
	// Stdin is what the program can read. It need not.
	Stdin []byte
	// Grace is the time between TERM and KILL when it is stopped. Zero means
	// DefaultGrace.
	Grace time.Duration
	// MaxOutput is the most that it may write to standard output, in bytes. Zero
	// means DefaultMaxOutput.
	MaxOutput int
	// Overflow lets it write more than that: the rest is dropped.
	Overflow bool
}

// Output is what a program wrote.
type Output struct {
	// Stdout is all of standard output, or the first MaxOutput bytes.
	Stdout []byte
	// Stderr is the end of standard error, 4 KiB at most.
	Stderr []byte
}

// Run runs the program until it ends, and nothing of its group is left then. The
// output is returned with an error, too.
//
// When ctx is done the group is stopped, and the error has ctx's error and
// cause, however the program ended. It then takes Run up to two Graces more, and
// three when the kernel does not end the program (ErrStuck). For a program that
// ends with a status other than 0, or by a signal, errors.As finds an
// *exec.ExitError.
func (c Command) Run(ctx context.Context) (Output, error) {
	if len(c.Args) == 0 {
		return Output{}, errors.New("procgroup: there is no program to run")
	}
	if ctx.Err() != nil {
		return Output{}, c.failed(done(ctx), nil)
	}
	if c.Dir != "" {
		if _, err := os.Stat(c.Dir); err != nil { // or else the program would be what is not there
			return Output{}, c.failed(err, nil)
		}
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	p, err := plug(cmd, c.Stdin, orDefault(c.MaxOutput, DefaultMaxOutput))
	if err != nil {
		return Output{}, c.failed(err, nil)
	}
	p.stdout.spills = c.Overflow
	lead(cmd)
	err = cmd.Start()
	p.started()
	if err != nil {
		p.close()
		return Output{}, c.failed(err, nil)
	}
	err = supervise(ctx, cmd, p, orDefault(c.Grace, DefaultGrace))
	p.close()
	out := Output{Stdout: p.stdout.bytes(), Stderr: p.stderr.bytes()}
	if err != nil {
		return out, c.failed(err, out.Stderr)
	}
	return out, nil
}

// failed says which program failed, and what it said.
func (c Command) failed(err error, stderr []byte) error {
	var path *os.PathError
	var lookup *exec.Error
	switch {
	case errors.As(err, &path): // it names what could not be run
	case errors.As(err, &lookup):
	default:
		err = fmt.Errorf("%s: %w", filepath.Base(c.Args[0]), err)
	}
	if text := lastWords(stderr); text != "" {
		return fmt.Errorf("procgroup: %w (it said %s)", err, text)
	}
	return fmt.Errorf("procgroup: %w", err)
}

// done is the context's error with its cause.
func done(ctx context.Context) error {
	if why := context.Cause(ctx); !errors.Is(why, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), why)
	}
	return ctx.Err()
}

// lastWords quotes the end of standard error.
func lastWords(stderr []byte) string {
	text := strings.TrimSpace(string(stderr))
	if len(text) <= maxShown {
		if text == "" {
			return ""
		}
		return strconv.Quote(text)
	}
	return "…" + strconv.Quote(text[len(text)-maxShown:])
}

func orDefault[T int | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}
