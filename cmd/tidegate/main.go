package main

import (
	"errors"
	"fmt"
	"io"
	"os"

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
	Analyze analyze `cmd:"" help:"Judge recorded series offline."`
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
	if _, err := parser.Parse(args); err != nil {
		say(err)
		fmt.Fprintln(stderr, "See tidegate analyze --help.")
		return exitBadInput
	}
	code, err = c.Analyze.run(stdin, stdout)
	if err == nil {
		return code
	}
	say(err)
	if bad := (badInput{}); errors.As(err, &bad) {
		return exitBadInput
	}
	return exitInternal
}

// exited is how kong's wish to exit comes back to run.
type exited int

// badInput is an error that is the user's to mend.
type badInput struct{ msg string }

func (e badInput) Error() string { return e.msg }

func badf(format string, args ...any) error { return badInput{fmt.Sprintf(format, args...)} }
