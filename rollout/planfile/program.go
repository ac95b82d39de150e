package planfile

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

// runLimit is how long a program that tells of targets may take.
const runLimit = time.Minute

// RunProgram is an Options.Run that runs the program, for a minute at most, and stops it
// with all that it has started when ctx is done.
func RunProgram(ctx context.Context) func(args []string) ([]byte, error) {
	return func(args []string) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, runLimit)
		defer cancel()
		out, err := procgroup.Command{Args: args, MaxOutput: maxTargets}.Run(ctx)
		return out.Stdout, err
	}
}

// program is one that is run on the way back, or to shift traffic: where there is
// nothing else to ask it than whether it has done it.
type program struct{ args []string }

// programOf reads a program that can be run here.
func programOf(s *Section, field string) program {
	args := s.doc.program(s.Program(field))
	if len(args) > 0 && !strings.Contains(args[0], "{") {
		if _, err := exec.LookPath(args[0]); err != nil {
			s.Fault(field, "cannot be run: %v", err)
		}
	}
	return program{args: args}
}

// run runs it with the placeholder filled in, which it has in its environment as well.
func (p program) run(ctx context.Context, filled map[string]string) error {
	cmd := procgroup.Command{Args: slices.Clone(p.args), Env: os.Environ(), Overflow: true}
	for name, value := range filled {
		for i := range cmd.Args {
			cmd.Args[i] = strings.ReplaceAll(cmd.Args[i], "{"+name+"}", value)
		}
		cmd.Env = append(cmd.Env, "TIDEGATE_"+strings.ToUpper(name)+"="+value)
	}
	_, err := cmd.Run(ctx)
	return err
}
