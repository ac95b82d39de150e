package filejournal

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/tidegate-go/tidegate/rollout"
)

// decoder reads the events that lines hold.
type decoder struct {
	// known are short texts that were read before: a million lines share a few actors
	// and reasons.
	known map[string]string
}

// mostKnown is how many texts are kept, and longestKnown how long they are at most.
const mostKnown, longestKnown = 64, 64

// event reads one line. A field that this version does not know is an error:
// nobody can tell what it would have to do about it.
func (d *decoder) event(line []byte) (rollout.Event, error) {
	if ev, ok := d.flat(line); ok {
		return ev, nil
	}
	var ev struct {
		rollout.Event
		Seq uint64 `json:"seq"`
		Sum string `json:"sum"`
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err := dec.Decode(&ev)
	if err == nil && dec.InputOffset() < int64(len(line)) {
		err = errors.New("something follows the object")
	}
	return ev.Event, err
}

// flat reads a line in the form that most lines have: one flat object with its
// fields in the order of rollout.Event, text in plain ASCII, whole numbers. It is
// many times faster than encoding/json, gives exactly the same, and is not ok for
// a line of any other form.
func (d *decoder) flat(line []byte) (ev rollout.Event, ok bool) {
	s := scanner{rest: line}
	if !s.has(`{"at":"`) || ev.At.UnmarshalText(s.text()) != nil ||
		!s.has(`,"kind":"`) || ev.Kind.UnmarshalText(s.text()) != nil {
		return ev, false
	}
	if s.has(`,"epoch":`) {
		ev.Epoch = s.number()
	}
	if s.has(`,"wave":`) {
		ev.Wave = s.int()
	}
	if s.has(`,"step":"`) {
		ev.Step = string(s.text())
	}
	if s.has(`,"attempts":`) {
		ev.Attempts = s.int()
	}
	if s.has(`,"actor":"`) {
		ev.Actor = d.text(s.text())
	}
	if s.has(`,"reason":"`) {
		ev.Reason = d.text(s.text())
	}
	if s.has(`,"outcome":"`) && ev.Outcome.UnmarshalText(s.text()) != nil {
		return ev, false
	}
	if s.has(seqKey) {
		s.number()
	}
	if s.has(sumKey) {
		s.text()
	}
	return ev, s.has("}") && len(s.rest) == 0 && !s.failed
}

// text makes a string, unless it is one of the known.
func (d *decoder) text(raw []byte) string {
	if known, ok := d.known[string(raw)]; ok {
		return known
	}
	text := string(raw)
	if len(d.known) < mostKnown && len(raw) <= longestKnown {
		if d.known == nil {
			d.known = make(map[string]string)
		}
		d.known[text] = text
	}
	return text
}
