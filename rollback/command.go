package rollback

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// Command is an undo that is a program, so that any process can run it.
type Command struct {
	// Name tells it apart, such as "drain host-7". Empty means the program's.
	Name string
	// Args is the program, found in PATH if it has no slash, and its arguments.
	// Required.
	Args []string
	// Dir is the directory to run in. Empty means that of the process that pushes.
	Dir string
	// Env are variables, as NAME=value, beside the environment of the process that
	// unwinds. They are written to the stack's file: no place for a secret.
	Env []string
}

// PushCommand adds a program that undoes a change. On a stack with a file it is on
// disk when PushCommand returns nil; if that fails, or the program does not exist,
// nothing is pushed, and the change must not begin.
//
// The program is run with nothing to read and its output dropped, but for the last of
// its standard error, which is shown when it fails. It fails with a status other than
// 0, and is stopped with all that it has started when its time is up.
func (s *Stack) PushCommand(c Command) error {
	c, err := c.settled()
	if err != nil {
		return fmt.Errorf("rollback: the undo %s is not pushed: %w", c.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &undo{name: c.Name, run: c.run}
	if s.file != nil {
		id := s.file.last + 1
		err := s.file.add(line{Kind: pushed, ID: id, Name: c.Name, Args: c.Args, Dir: c.Dir, Env: c.Env})
		if err != nil {
			return fmt.Errorf("rollback: the undo %s is not pushed, it cannot be written down: %w", c.Name, err)
		}
		s.file.last, u.id = id, id
	}
	s.undos = append(s.undos, u)
	return nil
}

// settled returns the command with nothing left that depends on the process.
func (c Command) settled() (Command, error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return c, errors.New("it has no program to run")
	}
	if c.Name == "" {
		c.Name = filepath.Base(c.Args[0])
	}
	for _, v := range c.Env {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return c, errors.New("its environment has an entry that is not NAME=value")
		}
	}
	for _, text := range slices.Concat(c.Args, c.Env, []string{c.Dir}) {
		if strings.ContainsRune(text, 0) {
			return c, errors.New("it has a NUL in it")
		}
	}
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return c, err
	}
	program := c.Args[0]
	if strings.ContainsRune(program, os.PathSeparator) && !filepath.IsAbs(program) {
		program = filepath.Join(c.Dir, program)
	}
	if program, err = exec.LookPath(program); err != nil {
		return c, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return c, err
	}
	c.Args, c.Env = slices.Clone(c.Args), slices.Clone(c.Env)
	c.Args[0] = program
	return c, nil
}

// run runs the command.
func (c Command) run(ctx context.Context) error {
	program := procgroup.Command{Args: c.Args, Dir: c.Dir, Overflow: true}
	if len(c.Env) > 0 {
		program.Env = append(os.Environ(), c.Env...)
	}
	_, err := program.Run(ctx)
	return err
}
