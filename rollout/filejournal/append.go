package filejournal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tidegate-go/tidegate/rollout"
)

// batch is what concurrent Appends have gathered for one write and one fsync.
// The first of them writes it, as soon as the write before is through; the
// others wait.
type batch struct {
	parts []part
	done  chan struct{}
	err   error // set before done is closed
}

// part is the events of one Append, encoded.
type part struct {
	objects []byte // JSON objects, a newline after each
	ends    []int  // where each ends, newline included
	last    ending
}

// Append encodes its events side by side with other callers and then joins them
// in one write.
func (s *session) Append(ctx context.Context, events ...rollout.Event) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("filejournal: append to rollout %s: %w", s.at.name, err)
	}
	p, err := encode(events)
	if err != nil {
		return fmt.Errorf("filejournal: append to rollout %s: %w", s.at.name, err)
	}
	s.mu.Lock()
	b := s.next
	leads := b == nil
	if leads {
		b = &batch{done: make(chan struct{})}
		s.next = b
	}
	b.parts = append(b.parts, p)
	s.mu.Unlock()
	if leads {
		s.commit(b)
	} else {
		<-b.done
	}
	return b.err
}

// commit waits for the write before, then writes all that was gathered
// meanwhile.
func (s *session) commit(b *batch) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	b.err = s.write(b.parts)
	close(b.done)
}

// write makes the parts durable, or makes the session fail for good.
func (s *session) write(parts []part) error {
	n := 0
	for _, p := range parts {
		n += len(p.ends)
	}
	failure := func(doing string, err error) *Error {
		return &Error{Op: fmt.Sprintf("%s %d events to", doing, n), Path: s.at.journal, Err: plain(err)}
	}
	switch {
	case s.closed:
		return failure("append", fs.ErrClosed)
	case errors.Is(s.failed, rollout.ErrFenced):
		return s.failed
	case s.failed != nil:
		return failure("append", fmt.Errorf("nothing more is written after an append that failed: %w", s.failed))
	}
	if err := s.hold(); err != nil {
		s.failed = err
		close(s.lost)
		return err
	}
	if n == 0 {
		return nil
	}
	out := s.out[:0]
	for _, p := range parts {
		start := 0
		for _, end := range p.ends {
			out = s.chain.seal(out, p.objects[start:end-1])
			start = end
		}
	}
	if cap(out) <= keptBuffer {
		s.out = out
	}
	wrote, err := s.disk.write(s.file, out)
	if err == nil && wrote < len(out) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return s.fail(failure("write", err))
	}
	if err := s.disk.sync(s.file); err != nil {
		return s.fail(failure("fsync", err))
	}
	s.size += int64(len(out))
	for _, p := range parts {
		if len(p.ends) > 0 {
			s.freesLocks = p.last.freesLocks()
		}
	}
	return nil
}

// fail ends the session's writing after an error of the disk. What was written
// is in doubt; it is taken back where possible, since after a failed fsync
// memory may show what the disk never gets. An fsync is not tried again: it
// would report success for pages that are lost.
func (s *session) fail(failure *Error) error {
	failure.Hint = writeHint(failure.Err)
	s.failed = failure
	if s.hold() == nil && s.longer() {
		if err := s.file.Truncate(s.size); err != nil {
			failure.Err = fmt.Errorf("%w (and what was written of it is still there: %w)", failure.Err, plain(err))
		}
	}
	return failure
}

// longer tells whether the file has more than what is durable, as far as one can tell.
func (s *session) longer() bool {
	now, err := s.file.Stat()
	return err != nil || now.Size() > s.size
}

// hold makes sure that lease, locks and journal are still the files that this
// session has taken. A human may have removed one, thinking it left over, or have
// brought back an old copy; by then another runner can be at work. It is the OS
// lock that keeps others out; this is for when the lock was pulled from under it.
func (s *session) hold() error {
	fenced := func(path, what string) error {
		return &Error{
			Op: "append to rollout " + s.at.name + " under", Path: path, Err: fmt.Errorf("%w: the file %s", rollout.ErrFenced, what),
			Hint: "this runner stops; see who has the rollout now before running it again",
		}
	}
	if !s.lease.mine() {
		return fenced(s.lease.path, "was removed or replaced")
	}
	for _, c := range s.claims {
		if !c.mine() {
			return fenced(c.path, "was removed or replaced")
		}
	}
	now, err := os.Stat(s.at.journal)
	switch {
	case err != nil || !os.SameFile(s.info, now):
		return fenced(s.at.journal, "was removed or replaced")
	case now.Size() != s.size && s.failed == nil:
		return fenced(s.at.journal, fmt.Sprintf("has %d bytes where this runner left it at %d", now.Size(), s.size))
	}
	return nil
}

// encode writes the events as JSON objects.
func encode(events []rollout.Event) (part, error) {
	if len(events) == 0 {
		return part{}, nil
	}
	var buf bytes.Buffer
	buf.Grow(192 * len(events))
	last := &events[len(events)-1]
	p := part{ends: make([]int, len(events)), last: ending{Kind: last.Kind, Outcome: last.Outcome}}
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for i := range events {
		if err := enc.Encode(&events[i]); err != nil {
			return part{}, fmt.Errorf("event %d of %d (%s) cannot be encoded: %w", i+1, len(events), events[i].Kind, err)
		}
		p.ends[i] = buf.Len()
		if i == 0 && p.ends[0] > longestEvent || i > 0 && p.ends[i]-p.ends[i-1] > longestEvent {
			return part{}, fmt.Errorf("event %d of %d (%s) is longer than %d bytes", i+1, len(events), events[i].Kind, longestEvent)
		}
	}
	p.objects = buf.Bytes()
	return p, nil
}
