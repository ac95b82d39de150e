package filejournal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// Summary is what a journal says, on the whole.
type Summary struct {
	// Rollout, Service, From and To are what it is about; empty when it has no line.
	Rollout string `json:"rollout,omitempty"`
	Service string `json:"service,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	// Lines is how many lines are sound, First and Last when the first and the last of
	// them were written.
	Lines int       `json:"lines"`
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Torn is how many bytes follow of a line that a crash, or a runner that is at work,
	// has left half written. It is no event.
	Torn int64 `json:"torn,omitempty"`
	// Phase is where the rollout stands, and Ended that this is on record as its end.
	Phase rollout.Phase `json:"phase"`
	Ended bool          `json:"ended"`
	// Reason is why it ended like this.
	Reason string `json:"reason,omitempty"`
	// Verbs are what was said to the rollout, in order; Actors are all that something
	// is on record of, in the order of their first appearance.
	Verbs  []Verb  `json:"verbs,omitempty"`
	Actors []Actor `json:"actors,omitempty"`
	// Head is the checksum of the last sound line. It vouches for every line before it.
	Head string `json:"head,omitempty"`
}

// Verb is what somebody has said to a rollout, such as to pause.
type Verb struct {
	Line   int          `json:"line"`
	At     time.Time    `json:"at"`
	Actor  string       `json:"actor"`
	Verb   rollout.Kind `json:"verb"`
	Reason string       `json:"reason"`
}

// Actor is somebody, or a process, and how many events are on record of it.
type Actor struct {
	Name   string `json:"name"`
	Events int    `json:"events"`
}

// Audit reads a journal file from its first line to its last, checks each, and says what
// is in it. It takes nothing and alters nothing, and a runner may be at work.
//
// The first line that is not as it was written, that does not follow the one before, or
// that no rollout could have recorded there is a *CorruptError, and the summary is of
// what comes before it. A journal of a newer version is a rollout.ErrNewer.
//
// The checksums of the lines are no signature. Lines that are cut off at the end leave no
// trace in the file, nor does a file that was written anew as a whole, sums and all. That
// takes a Head that was written down elsewhere: every one that is given has to be the sum
// of a line.
func Audit(path string, heads ...string) (Summary, error) {
	f, err := os.Open(path)
	if err != nil {
		return Summary{}, &Error{Op: "open", Path: path, Err: plain(err)}
	}
	defer f.Close()
	a := audit{reader: newReader(path, f), missing: slices.Clone(heads)}
	err = a.read()
	return a.summary(), err
}

// audit is one that is under way.
type audit struct {
	*reader
	decoder
	state   rollout.State
	last    rollout.Event
	soFar   Summary
	missing []string
}

func (a *audit) read() error {
	for {
		line, err := a.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = a.take(line)
		}
		if err != nil {
			return err
		}
	}
	if len(a.missing) > 0 {
		return &CorruptError{
			Path: a.path, Line: a.lines + 1, Reason: fmt.Sprintf("no line has the checksum %s: the file was cut off, or written anew", a.missing[0]),
			Hint: "restore the file from a copy that has that line",
		}
	}
	return nil
}

func (a *audit) take(line []byte) error {
	ev, err := a.event(line)
	if err != nil {
		return a.noEvent(line, err)
	}
	switch err := a.state.Step(ev); {
	case errors.Is(err, rollout.ErrNewer):
		return &Error{Op: fmt.Sprintf("understand line %d of", a.lines), Path: a.path, Err: err}
	case err != nil:
		return &CorruptError{
			Path: a.path, Line: a.lines, Reason: "it cannot follow the lines before: " + err.Error(),
			Hint: "its checksum fits, so something else than tidegate has written it",
		}
	}
	if a.lines == 1 {
		a.soFar.First = ev.At
	}
	a.last = ev
	a.soFar.Lines, a.soFar.Head = a.lines, string(a.chain.sum)
	a.missing = slices.DeleteFunc(a.missing, func(head string) bool { return head == a.soFar.Head })
	a.note(&ev)
	return nil
}

// note keeps who did it.
func (a *audit) note(ev *rollout.Event) {
	if ev.Kind.IsVerb() {
		a.soFar.Verbs = append(a.soFar.Verbs, Verb{Line: a.lines, At: ev.At, Actor: ev.Actor, Verb: ev.Kind, Reason: ev.Reason})
	}
	if ev.Actor == "" {
		return
	}
	i := slices.IndexFunc(a.soFar.Actors, func(known Actor) bool { return known.Name == ev.Actor })
	if i < 0 {
		i = len(a.soFar.Actors)
		a.soFar.Actors = append(a.soFar.Actors, Actor{Name: ev.Actor})
	}
	a.soFar.Actors[i].Events++
}

func (a *audit) summary() Summary {
	s := a.soFar
	s.Last, s.Torn = a.last.At, a.torn
	s.Phase, s.Reason, s.Ended = a.state.Phase(), a.state.Reason(), a.last.Kind == rollout.Ended
	if spec := a.state.Spec(); spec != nil {
		s.Rollout, s.Service, s.From, s.To = spec.Rollout, spec.Service, spec.From, spec.To
	}
	return s
}
