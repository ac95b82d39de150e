package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	_ "time/tzdata" // a freeze in Berlin is one on a machine without time zones too

	"github.com/alecthomas/kong"
)

// What the program exits with.
const (
	exitPass         = 0
	exitInternal     = 1
	exitBadInput     = 2
	exitFail         = 4
	exitInconclusive = 5
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// commands are the verbs.
type commands struct {
	Each    each    `cmd:"" help:"Run a program for each target, in waves, with gates and a way back: the safe xargs."`
	Exec    execute `cmd:"" help:"Run one program under guard: it is stopped, and undone, when something is wrong."`
	Kill    kill    `cmd:"" help:"Stop everything that runs."`
	Reset   reset   `cmd:"" help:"Let go on what was halted."`
	Unwind  unwind  `cmd:"" help:"Undo what a script has left that was stopped or crashed."`
	Guard   guard   `cmd:"" help:"Test guards."`
	Drill   drill   `cmd:"" help:"Carry a plan out in thousands of simulated rollouts, with faults in every seam."`
	Audit   audit   `cmd:"" help:"Check that journals are as they were written, and say what is in them."`
	Analyze analyze `cmd:"" help:"Judge recorded series offline."`
}

// run runs the verb that was given.
func (c *commands) run(verb string, stdin io.Reader, stdout, stderr io.Writer) (code int, err error) {
	switch verb {
	case "each":
		return c.Each.run(stdin, stdout, stderr)
	case "exec":
		return c.Exec.run(stdin, stdout, stderr)
	case "kill":
		return c.Kill.run(stdout)
	case "reset":
		return c.Reset.run(stdout)
	case "unwind":
		return c.Unwind.run(stdout)
	case "guard":
		return c.Guard.Test.run(stdout)
	case "drill":
		return c.Drill.run(stdin, stdout)
	case "audit":
		return c.Audit.run(stdout)
	default:
		return c.Analyze.run(stdin, stdout)
	}
}

// run is the whole program. It returns what to exit with.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	say := func(err any) { fmt.Fprintf(stderr, "tidegate: %v\n", err) }
	defer func() {
		switch p := recover().(type) {
		case nil:
		case exited:
			code = int(p)
		default:
			say(fmt.Sprintf("internal error: %v", p))
			code = exitInternal
		}
	}()
	var c commands
	parser, err := kong.New(&c,
		kong.Name("tidegate"),
		kong.Description("Makes changes to production safe."),
		groups,
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exited(code)) }), // --help
	)
	if err != nil {
		say(err)
		return exitInternal
	}
	given, err := parser.Parse(args)
	if err != nil {
		say(err)
		fmt.Fprintf(stderr, "See tidegate%s --help.\n", verbIn(err))
		return exitBadInput
	}
	verb, _, _ := strings.Cut(given.Command(), " ")
	code, err = c.run(verb, stdin, stdout, stderr)
	if err == nil {
		return code
	}
	say(err)
	return exitCodeOf(err)
}

// verbIn is the verb at which parsing stopped, if it got that far.
func verbIn(err error) string {
	failed := (*kong.ParseError)(nil)
	if errors.As(err, &failed) && failed.Context != nil && failed.Context.Selected() != nil {
		return " " + failed.Context.Selected().Name
	}
	return ""
}

// exited is how kong's wish to exit comes back to run.
type exited int

// badInput is an error that is the user's to mend.
type badInput struct{ msg string }

func (e badInput) Error() string { return e.msg }

func badf(format string, args ...any) error { return badInput{fmt.Sprintf(format, args...)} }
