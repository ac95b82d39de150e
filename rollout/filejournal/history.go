package filejournal

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// Past returns the rollouts of the directory that were at work at some time since
// then, in the order in which they began; those of all services if service is empty.
// It implements guardrails.History.
//
// It takes nothing, and may be called while runners are at work. Of each rollout only
// the end is read, and the beginning if it matters: a directory of thousands costs
// thousands of short reads. So damage in the middle of a journal goes unseen here;
// damage at its ends is a *CorruptError, and no answer is given.
//
// A rollout whose last event is not Ended has not ended: it is running, or its runner
// died, or a human has reset what was halted. One that was opened and never begun is
// none. A directory that is not there is fs.ErrNotExist, and not an empty past: Open
// makes it, so somebody else must have taken it away.
func (d Dir) Past(ctx context.Context, service string, since time.Time) ([]guardrails.Past, error) {
	at, err := d.paths("any")
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(at.dir)
	if err != nil {
		return nil, &Error{Op: "list", Path: at.dir, Err: plain(err)}
	}
	var all []guardrails.Past
	for _, entry := range entries {
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("filejournal: look back in %s: %w", at.dir, err)
		}
		name, ok := strings.CutSuffix(entry.Name(), ".jsonl")
		kind := entry.Type()
		if !ok || !rolloutName.MatchString(name) || !kind.IsRegular() && kind != fs.ModeSymlink {
			continue // it is no journal, or none that Open would open
		}
		one, ok, err := d.past(name, since)
		if err != nil {
			return nil, err
		}
		if ok && (service == "" || one.Service == service) {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b guardrails.Past) int {
		return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.Rollout, b.Rollout))
	})
	return all, nil
}

// past looks at one rollout: at its end first, which tells whether the beginning
// matters.
func (d Dir) past(name string, since time.Time) (one guardrails.Past, ok bool, err error) {
	at, err := d.paths(name)
	if err != nil {
		return one, false, err
	}
	last, err := lastLine(at.journal)
	if err != nil {
		return one, false, d.diagnose(at.journal, name, err)
	}
	if last == nil {
		return one, false, nil
	}
	if last.Kind == rollout.Ended {
		if last.At.Before(since) {
			return one, false, nil
		}
		one.Ended, one.Ending = last.At, endingOf(last.Outcome)
	}
	first, err := firstLine(at.journal)
	if err != nil {
		return one, false, err
	}
	one.Rollout, one.Started = name, first.At
	one.Service, one.From, one.To = first.Spec.Service, first.Spec.From, first.Spec.To
	return one, true, nil
}

// diagnose reads all of a journal whose end makes no sense, to say where it is
// damaged.
func (d Dir) diagnose(path, name string, cause error) error {
	for _, err := range d.Read(name) {
		if err != nil {
			return err
		}
	}
	return &Error{Op: "read the end of", Path: path, Err: plain(cause)}
}

func endingOf(outcome rollout.Phase) guardrails.Ending {
	switch outcome {
	case rollout.Completed:
		return guardrails.Completed
	case rollout.RolledBack:
		return guardrails.RolledBack
	default:
		return guardrails.Failed
	}
}

// beginning is what matters of a rollout's first event.
type beginning struct {
	At   time.Time
	Kind rollout.Kind
	Spec *struct{ Service, From, To string }
}

// firstLine reads and checks the first event. There has to be one.
func firstLine(path string) (*beginning, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Op: "open", Path: path, Err: plain(err)}
	}
	defer f.Close()
	r := newReader(path, f)
	line, err := r.next()
	if err != nil {
		return nil, err
	}
	var first beginning
	if err := r.decode(line, &first); err != nil {
		return nil, err
	}
	if first.Kind != rollout.Started || first.Spec == nil {
		return nil, &CorruptError{
			Path: path, Line: 1, Reason: fmt.Sprintf("a rollout begins with %v and its spec, and this with %v", rollout.Started, first.Kind),
			Hint: "nobody knows what rollout this was: move the file away if it is none",
		}
	}
	return &first, nil
}
