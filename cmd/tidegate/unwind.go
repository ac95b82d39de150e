package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/tidegate-go/tidegate/rollback"
)

// unwind is the verb's flags.
type unwind struct {
	outputFlag `embed:""`
	Keep       bool   `help:"Undo nothing: keep what was done, and forget how to undo it."`
	File       string `arg:"" help:"The undo file that a script, or tidegate exec --undo, has left."`
}

// Help is what --help says of the verb beside its flags.
func (unwind) Help() string {
	return `It undoes what a script has left that crashed or was stopped: the commands that are in its undo file, newest first, each tried a few times. What has succeeded is not run again. What fails stays in the file, for the next time.

Exit codes: 0 nothing is left to undo; 2 bad usage; 3 refused: there is no such file, it is damaged, or the script still runs; 6 something could not be undone; 1 internal error.`
}

func (u unwind) run(stdout io.Writer) (code int, err error) {
	stack, err := rollback.Open(u.File)
	if err != nil {
		return 0, refused{err.Error()}
	}
	defer stack.Close()
	pending := stack.Pending()
	switch {
	case len(pending) == 0:
		u.say(stdout, said{Said: "nothing is left to undo", File: u.File}, "nothing is left to undo")
		return exitDone, nil
	case u.Keep:
		if err := stack.Commit(); err != nil {
			return 0, err
		}
		u.say(stdout, said{Said: "kept", File: u.File, Left: pending}, "kept, and not to be undone any more: %s", strings.Join(pending, ", "))
		return exitDone, nil
	}
	u.say(stdout, said{Said: "to undo", File: u.File, Left: pending}, "to undo: %s", strings.Join(pending, ", "))
	err = stack.Unwind(context.Background())
	switch {
	case errors.Is(err, rollback.ErrIncomplete):
		u.say(stdout, said{Said: "not undone", File: u.File, Left: stack.Pending(), Error: err.Error()}, "not undone: %s\n%v", strings.Join(stack.Pending(), ", "), err)
		return exitIncomplete, nil
	case err != nil:
		return 0, err
	}
	u.say(stdout, said{Said: "undone", File: u.File}, "undone")
	return exitDone, nil
}
