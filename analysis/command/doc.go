// Package command is an analysis.Source that runs a program and reads what it
// prints: for figures that no other source can get at.
//
//	queue := &command.Gauge{Program: command.Program{Args: []string{"/opt/bin/queue-length"}}}
//	errors := &command.Report{Program: command.Program{Args: []string{"/opt/bin/orders", "--failed"}}}
//
// A [Gauge] is run once for each arm and prints one number, such as 12.5, with
// nothing around it but white space. A [Report] is run once for both and prints
// one JSON object, with an analysis.Sample for each arm:
//
//	{"canary": {"events": 3, "total": 1200}, "baseline": {"events": 2, "total": 9800}}
//	{"canary": {"value": 12.5}, "baseline": {"value": 11}}
//
// A program is a list of arguments, never a line for a shell: nothing is
// expanded or split.
//
// # What the program is told
//
// Its standard input is the window and its members as JSON, on one line, which
// it need not read:
//
//	{
//	  "arm": "canary",
//	  "wave": 1,
//	  "start": "2030-01-01T12:00:00Z",
//	  "end": "2030-01-01T12:00:10Z",
//	  "canary": {"version": "v2", "members": [
//	    {"name": "web-1", "labels": {"zone": "a"}, "since": "2030-01-01T11:58:00Z"}]},
//	  "baseline": {"version": "v1", "members": []}
//	}
//
// What a simple script needs is in the environment, too; the members are not,
// since those of a large fleet would not fit:
//
//	TIDEGATE_ARM               canary or baseline; not set for a Report
//	TIDEGATE_WAVE              the number of the wave, from 1
//	TIDEGATE_START             when the window begins, in Unix seconds to the millisecond
//	TIDEGATE_END               when it ends
//	TIDEGATE_CANARY_VERSION    the new version
//	TIDEGATE_BASELINE_VERSION  the old version
//
// The rest of the environment is this process's own, with Program.Env added.
//
// The program has to see to two things. Counts are those of the window: over
// consecutive windows every event is counted once. And a member's traffic counts
// from "since" on: what it did before is the old version's.
//
// # What is an answer
//
// Nothing but a number or a report, from a program that ended with status 0. No
// output, NaN, infinities and a report without the canary are
// analysis.ErrNoData. All else is an error: another status (the end of standard
// error is shown), a figure with a unit, two lines, an unknown or repeated field,
// more events than total, a count for one arm and a value for the other, output
// past MaxOutput. What is said about a baseline without members counts for nothing.
//
// A program runs until the context is done. It is then sent TERM, and KILL after
// Grace, together with all that it has started (package internal/procgroup says
// what gets away).
//
// Errors never show arguments or the environment, which may hold secrets. What the
// program prints may be shown.
package command
