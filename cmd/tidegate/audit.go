package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/rollout/filejournal"
)

// audit is the verb's flags.
type audit struct {
	outputFlag `embed:""`
	Head       string   `placeholder:"SUM" help:"The checksum of a line, written down at an earlier audit: the journal has to have that line still."`
	Files      []string `arg:"" name:"file" help:"Journals, such as ~/.local/state/tidegate/*.jsonl."`
}

// Help is what --help says of the verb beside its flags.
func (audit) Help() string {
	return `It reads journals of rollouts from the first line to the last, and checks that each line is as it was written, that it follows the one before, and that a rollout could have recorded it there. Then it says what the journal tells: what became of the rollout, who said what to it and why, and the head, which is the checksum of the last line. Of a journal that was altered it names the first line that is not as it was. It changes nothing, and the rollout may run meanwhile.

Write the head down elsewhere: lines that are cut off at the end leave no trace in a journal, nor does one that was written anew as a whole. With --head, that line has to be there.

A last line that is half written is what a crash leaves. It is told, and is no alteration.

Exit codes: 0 all are intact; 4 one was altered; 2 bad usage, a file that cannot be read, or a journal of a newer version; 1 internal error.`
}

// What is said of a journal.
const (
	intact     = "intact"
	altered    = "altered"
	unreadable = "unreadable"
)

// audited is what was found out about one journal.
type audited struct {
	File string `json:"file"`
	// Said is intact, altered or unreadable.
	Said string `json:"said"`
	// Line is the first that is not as it was, and Error what is wrong with it.
	Line  int    `json:"line,omitempty"`
	Error string `json:"error,omitempty"`
	filejournal.Summary
}

var aSum = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (a audit) run(stdout io.Writer) (code int, err error) {
	var heads []string
	if a.Head != "" {
		switch {
		case !aSum.MatchString(a.Head):
			return 0, badf("--head is %q: want the 32 digits that an earlier audit called the head", a.Head)
		case len(a.Files) > 1:
			return 0, badf("--head is of one journal, and there are %d", len(a.Files))
		}
		heads = []string{a.Head}
	}
	code = exitPass
	for _, file := range a.Files {
		found := examine(file, heads)
		switch {
		case found.Said == altered:
			code = exitFail
		case found.Said == unreadable && code == exitPass:
			code = exitBadInput
		}
		if err := a.report(stdout, found); err != nil {
			return 0, err
		}
	}
	return code, nil
}

func examine(file string, heads []string) audited {
	summary, err := filejournal.Audit(file, heads...)
	found := audited{File: file, Said: intact, Summary: summary}
	corrupt := (*filejournal.CorruptError)(nil)
	switch {
	case errors.As(err, &corrupt):
		found.Said, found.Line, found.Error = altered, corrupt.Line, corrupt.Reason
	case err != nil:
		found.Said, found.Error = unreadable, err.Error()
	}
	return found
}

func (a audit) report(stdout io.Writer, found audited) error {
	if a.Output == "json" {
		return json.NewEncoder(stdout).Encode(found)
	}
	_, err := io.WriteString(stdout, found.text())
	return err
}

// text is what a human reads. What others have written is quoted.
func (f audited) text() string {
	var b strings.Builder
	say := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "  %-8s "+format+"\n", append([]any{what}, args...)...)
	}
	switch f.Said {
	case intact:
		fmt.Fprintf(&b, "%s: intact, %d lines\n", f.File, f.Lines)
	case altered:
		fmt.Fprintf(&b, "%s:%d: altered: %s\n", f.File, f.Line, strings.Map(printable, f.Error))
		say("sound", "the %d lines before it", f.Lines)
	default:
		fmt.Fprintf(&b, "%s: unreadable: %s\n", f.File, strings.Map(printable, f.Error))
	}
	if f.Torn > 0 {
		say("torn", "%d bytes of a line that is half written: a crash, or a runner at work", f.Torn)
	}
	if f.Lines == 0 {
		return b.String()
	}
	say("rollout", "%q of %q from %q to %q", f.Rollout, f.Service, f.From, f.To)
	say("time", "%s to %s", f.First.Format(time.RFC3339), f.Last.Format(time.RFC3339))
	switch {
	case f.Ended:
		say("ended", "%s: %q", f.Phase, f.Reason)
	default:
		say("stands", "%s, not ended", f.Phase)
	}
	for _, v := range f.Verbs {
		say("verb", "line %d, %s: %s by %q: %q", v.Line, v.At.Format(time.RFC3339), v.Verb, v.Actor, v.Reason)
	}
	for _, who := range f.Actors {
		say("actor", "%q: %d on record", who.Name, who.Events)
	}
	say("head", "%s at line %d", f.Head, f.Lines)
	return b.String()
}
