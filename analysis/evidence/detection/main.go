// Detection shows, by simulation, what it costs to notice a bad release: how many
// requests the canary serves until it is rolled back, by which method, and how often
// each method rolls back a release that is fine.
//
//	go run ./analysis/evidence/detection
//
// A service is scraped every ten seconds for half an hour. Its error rate, its
// traffic, the canary's share of that, and by how much the canary's error rate is
// higher are those of a row. All methods see the same counts. It takes about a minute,
// and several with -settings all; the same seed prints the same tables, on any number
// of processors.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit status: 2 for wrong arguments.
func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("detection", flag.ContinueOnError)
	flags.SetOutput(errs)
	runs := flags.Int("runs", 4000, "simulate so many `rollouts` of each setting")
	seed := flags.Uint64("seed", 1, "begin the random numbers at `seed`")
	which := flags.String("settings", "short", "which settings: `short` or all")
	markdown := flags.Bool("markdown", false, "print tables in Markdown")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	var settings []setting
	switch *which {
	case "short":
		settings = someSettings()
	case "all":
		settings = allSettings()
	default:
		fmt.Fprintf(errs, "detection: -settings is %q: want short or all\n", *which)
		return 2
	}
	if *runs < 1 || flags.NArg() > 0 {
		fmt.Fprintf(errs, "detection: want a positive number of -runs, not %d, and nothing behind the flags, not %q\n", *runs, flags.Args())
		return 2
	}
	methods := allMethods()
	results, err := simulate(settings, methods, *runs, *seed)
	if err != nil {
		fmt.Fprintln(errs, "detection:", err)
		return 1
	}
	style := plain
	if *markdown {
		style = inMarkdown
	}
	fmt.Fprintf(out, "%d rollouts of each setting, seed %d.\n\n%s", *runs, *seed, legend)
	falseRollbacks(results, methods).print(out, style)
	canaryRequests(results, methods).print(out, style)
	overTheBound(results, methods).print(out, style)
	return 0
}
