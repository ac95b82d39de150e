// Incidents replays great outages that a change caused, each told twice: as it went, and
// with the guardrail that would have stopped or bounded it.
//
//	go run ./examples/incidents              the table of all
//	go run ./examples/incidents crowdstrike  one of them, line by line
//	go run ./examples/incidents -o json      the same for programs
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tidegate-go/tidegate/examples/incidents/replay"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "incidents:", err)
		}
		os.Exit(2)
	}
}

// run tells what the arguments ask for.
func run(args []string, out, help io.Writer) error {
	name, format, err := parse(args, help)
	if err != nil {
		return err
	}
	wanted := incidents()
	if name != "" {
		one, err := named(wanted, name)
		if err != nil {
			return err
		}
		wanted = []replay.Incident{one}
	}
	all := make([]told, 0, len(wanted))
	for _, incident := range wanted {
		t, err := tell(incident)
		if err != nil {
			return fmt.Errorf("%s: %w", incident.Name, err)
		}
		all = append(all, t)
	}
	switch {
	case format == "json":
		return writeJSON(out, all)
	case name != "":
		_, err = io.WriteString(out, story(all[0]))
	default:
		_, err = io.WriteString(out, table(all))
	}
	return err
}

// parse reads the arguments: at most one name, with flags before or after it.
func parse(args []string, help io.Writer) (name, format string, err error) {
	flags := flag.NewFlagSet("incidents", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.StringVar(&format, "o", "text", "write `text or json`")
	flags.Usage = func() {
		fmt.Fprintf(help, "usage: incidents [-o text|json] [NAME]\n\nNAME is one of: %s\n", strings.Join(names(incidents()), ", "))
	}
	if err := flags.Parse(args); err != nil {
		return "", "", err
	}
	if flags.NArg() > 0 {
		name = flags.Arg(0)
		if err := flags.Parse(flags.Args()[1:]); err != nil {
			return "", "", err
		}
	}
	switch {
	case flags.NArg() > 0:
		return "", "", fmt.Errorf("one incident at a time: what is %q?", flags.Arg(0))
	case format != "text" && format != "json":
		return "", "", fmt.Errorf("-o %s: want text or json", format)
	}
	return name, format, nil
}

func named(all []replay.Incident, name string) (replay.Incident, error) {
	for _, incident := range all {
		if incident.Name == name {
			return incident, nil
		}
	}
	return replay.Incident{}, fmt.Errorf("no incident is called %q: want one of %s", name, strings.Join(names(all), ", "))
}

func names(all []replay.Incident) []string {
	names := make([]string, 0, len(all))
	for _, incident := range all {
		names = append(names, incident.Name)
	}
	return names
}
