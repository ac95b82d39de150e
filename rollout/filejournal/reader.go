package filejournal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tidegate-go/tidegate/rollout"
)

const (
	// longestLine bounds what reading one line may take of memory. The event
	// that names a fleet of a million targets takes some 100 MB.
	longestLine = 1 << 30
	// longestEvent leaves room for number and checksum.
	longestEvent = longestLine - 1<<10
	// keptBuffer is the most that is kept for the next line, or the next write.
	keptBuffer = 1 << 20
)

// reader reads a journal, line by line, and checks the chain as it goes.
type reader struct {
	path   string
	src    *bufio.Reader
	joined []byte // a line that is longer than src's buffer
	chain  chain
	lines  int
	last   int64 // where the last whole line begins
	whole  int64 // where the last whole line ends
	torn   int64 // how many bytes follow that no newline ends
}

func newReader(path string, src io.Reader) *reader {
	return &reader{path: path, src: bufio.NewReaderSize(src, 256<<10)}
}

// next returns the next line, without its newline, valid until the following
// call; io.EOF after the last whole one.
func (r *reader) next() ([]byte, error) {
	line, err := r.readLine()
	switch {
	case errors.Is(err, errTooLong):
		return nil, r.corrupt(errTooLong.Error())
	case errors.Is(err, io.EOF):
		r.torn = int64(len(line))
		if r.torn > 0 && r.chain.check(line[:len(line)-1]) == "" {
			// Were it torn, its end would be missing, not changed.
			return nil, r.corrupt(fmt.Sprintf("it is whole, but ends in %q instead of a newline", line[len(line)-1]))
		}
		return nil, io.EOF
	case err != nil:
		return nil, &Error{Op: "read", Path: r.path, Err: err}
	}
	r.last = r.whole
	r.whole += int64(len(line))
	line = line[:len(line)-1]
	if reason := r.chain.check(line); reason != "" {
		return nil, r.corrupt(reason)
	}
	r.lines++
	return line, nil
}

var errTooLong = fmt.Errorf("it is longer than %d bytes", longestLine)

// readLine returns what is up to and with the next newline, or up to the end.
func (r *reader) readLine() ([]byte, error) {
	line, err := r.src.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	if cap(r.joined) > keptBuffer {
		r.joined = nil
	}
	r.joined = append(r.joined[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(r.joined) > longestLine {
			return nil, errTooLong
		}
		line, err = r.src.ReadSlice('\n')
		r.joined = append(r.joined, line...)
	}
	return r.joined, err
}

// corrupt says what is wrong with the line after the last good one.
func (r *reader) corrupt(reason string) error {
	return &CorruptError{
		Path: r.path, Line: r.lines + 1, Reason: reason,
		Hint: fmt.Sprintf("nothing was altered, and the %d lines before it are sound; "+
			"restore the file from a copy: cutting it here would forget which targets were touched from here on", r.lines),
	}
}

// decode reads, of the event that a line holds, what into has fields for.
func (r *reader) decode(line []byte, into any) error {
	if err := json.Unmarshal(line, into); err != nil {
		return r.noEvent(line, err)
	}
	return nil
}

// noEvent says why the last line, whose checksum fits, is no event that this
// version knows. It was written like this: by a newer version, if it is JSON.
func (r *reader) noEvent(line []byte, err error) error {
	if json.Valid(line) {
		return &Error{
			Op: fmt.Sprintf("understand line %d of", r.lines), Path: r.path,
			Err: fmt.Errorf("%w: %w", rollout.ErrNewer, err), Hint: "nothing was altered: carry on with the newer version",
		}
	}
	return &CorruptError{
		Path: r.path, Line: r.lines, Reason: "it is not an event: " + err.Error(),
		Hint: "its checksum fits, so something else than tidegate has written it",
	}
}

// events yields the events that follow; the first error ends them. A torn last
// line is no event.
func (r *reader) events() iter.Seq2[rollout.Event, error] {
	return func(yield func(rollout.Event, error) bool) {
		var d decoder
		for {
			line, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			var ev rollout.Event
			if err == nil {
				if ev, err = d.event(line); err != nil {
					ev, err = rollout.Event{}, r.noEvent(line, err)
				}
			}
			if !yield(ev, err) || err != nil {
				return
			}
		}
	}
}
