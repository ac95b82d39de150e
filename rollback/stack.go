package rollback

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// ErrIncomplete says that something was not undone.
var ErrIncomplete = errors.New("rollback: incomplete")

// UndoError is why one undo of a Stack is not done.
type UndoError struct {
	// Name is the undo's.
	Name string
	// Tries is how often it was tried; 0 if it was not.
	Tries int
	// Err is what the last try came to, or why there was none.
	Err error
}

// Error names the undo.
func (e *UndoError) Error() string {
	switch e.Tries {
	case 0:
		return fmt.Sprintf("%s was not undone: %v", e.Name, e.Err)
	case 1:
		return fmt.Sprintf("%s could not be undone: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("%s could not be undone in %d tries: %v", e.Name, e.Tries, e.Err)
}

// Unwrap returns the cause.
func (e *UndoError) Unwrap() error { return e.Err }

// Stack is what takes a script's changes back: before each change, the script pushes
// what undoes it, and if the script fails, Unwind does what was pushed, the newest
// first.
//
//	var undo rollback.Stack
//	undo.Push("drain "+host, func(ctx context.Context) error { return lb.Enable(ctx, host) })
//	if err := lb.Disable(ctx, host); err != nil {
//		return errors.Join(err, undo.Unwind(ctx))
//	}
//
// Push before the change, not after it: a change that failed may have been made. So
// an undo must do no harm where there is nothing to undo, and when it is run twice.
//
// A stack lives as long as its process. One that outlives it is made by Create: its
// commands are on disk, and another process can Open and Unwind it after a crash.
//
// The zero Stack is empty and ready to use. It is safe for concurrent use, but for
// its fields, which must not be changed after the first call, and must not be copied.
type Stack struct {
	// Policy says how often an undo is tried, how long each may take, and all of them
	// together; its Batch and Parallel mean nothing here. The zero Policy is useful.
	Policy Policy
	// StopOnFailure leaves what is older where it is when an undo fails, for changes
	// that build on one another. Without it all are tried, and it is for a human to
	// mend what is left.
	StopOnFailure bool

	mu    sync.Mutex
	undos []*undo       // oldest first; what is done is taken out
	turn  chan struct{} // holds a token while somebody unwinds
	file  *undoFile     // nil if nothing is kept on disk
	// unrecorded is what was undone, and is still in the file as if it were not.
	unrecorded []error
}

// undo is one entry of a stack.
type undo struct {
	name    string
	run     func(ctx context.Context) error
	id      uint64 // in the file; 0 if it is not there
	running bool
}

// Push adds what undoes a change. The name tells it apart in errors, such as "drain
// host-7". An undo that is pushed during an Unwind is undone by it. A nil undo fails.
//
// On a stack with a file, a function is not kept there: a crash forgets it.
func (s *Stack) Push(name string, run func(ctx context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undos = append(s.undos, &undo{name: name, run: run})
}

// Pending returns the names of what is not undone, the newest first.
func (s *Stack) Pending() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, u := range slices.Backward(s.undos) {
		names = append(names, u.name)
	}
	return names
}

// Commit keeps the changes: all that was pushed is forgotten.
func (s *Stack) Commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		if err := s.file.add(line{Kind: committed}); err != nil {
			return fmt.Errorf("rollback: the changes are not committed: %w", err)
		}
	}
	s.undos = nil
	return nil
}

// Unwind undoes all that was pushed, the newest first, and returns nil when nothing is
// left. Each undo is tried as often, and for as long, as the Policy allows, with a
// pause in between. What succeeded is never run again; what failed stays, and is
// tried again by the next Unwind.
//
// It runs to its end when ctx is cancelled, since half a rollback is worse than none:
// of ctx it takes only the values. It has the Policy's Deadline instead, after which
// nothing more is begun. An undo that does not end when its time is up is left
// behind ten seconds later, counts as failed, and is not run again while it runs.
//
// The error is ErrIncomplete and names every undo that is not done; errors.As finds
// an *UndoError. A second Unwind waits for the first and does what that left.
func (s *Stack) Unwind(ctx context.Context) error {
	var wrong []error
	s.Policy.Problems(func(path, msg string) { wrong = append(wrong, fmt.Errorf("rollback: Policy.%s %s", path, msg)) })
	p := s.Policy
	if len(wrong) > 0 {
		p = Policy{} // better than to leave the change where it is
	}
	p = p.WithDefaults()
	defer s.takeTurn()()
	if s.file != nil && s.file.isClosed() {
		return fmt.Errorf("%w: the stack is closed: %w", ErrIncomplete, fs.ErrClosed)
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), p.Deadline, fmt.Errorf("the time for the whole rollback, %v, is up", p.Deadline))
	defer cancel()

	var failed []error
	tried := make(map[*undo]bool)
	for u := s.next(tried); u != nil; u = s.next(tried) {
		tried[u] = true
		var err error
		if s.StopOnFailure && len(failed) > 0 {
			err = &UndoError{Name: u.name, Err: errors.New("one that is newer failed")}
		} else {
			err = s.undo(ctx, u, p)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	s.mu.Lock()
	wrong = append(wrong, s.unrecorded...)
	s.unrecorded = nil
	s.mu.Unlock()
	if len(failed) == 0 {
		return errors.Join(wrong...)
	}
	return fmt.Errorf("%w, %d of %d: %w", ErrIncomplete, len(failed), len(tried), errors.Join(append(failed, wrong...)...))
}

// takeTurn waits until nobody else unwinds, and returns what ends the turn.
func (s *Stack) takeTurn() (end func()) {
	s.mu.Lock()
	if s.turn == nil {
		s.turn = make(chan struct{}, 1)
	}
	turn := s.turn
	s.mu.Unlock()
	turn <- struct{}{}
	return func() { <-turn }
}

// next returns the newest undo that was not tried.
func (s *Stack) next(tried map[*undo]bool) *undo {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range slices.Backward(s.undos) {
		if !tried[u] {
			return u
		}
	}
	return nil
}

// undo tries one undo until it succeeds, or is out of tries or time.
func (s *Stack) undo(ctx context.Context, u *undo, p Policy) error {
	var last error
	for try := 1; try <= p.Attempts; try++ {
		if ctx.Err() != nil {
			return &UndoError{Name: u.name, Tries: try - 1, Err: errors.Join(last, context.Cause(ctx))}
		}
		err, hangs := s.try(ctx, u, try, p.Timeout)
		if err == nil {
			return nil
		}
		if last = err; hangs {
			return &UndoError{Name: u.name, Tries: try, Err: last}
		}
		if try < p.Attempts {
			pause := time.NewTimer(p.Pause(try))
			select {
			case <-pause.C:
			case <-ctx.Done():
			}
			pause.Stop()
		}
	}
	return &UndoError{Name: u.name, Tries: p.Attempts, Err: last}
}

// stopGrace is how long an undo whose time is up may take to stop.
const stopGrace = 10 * time.Second

// try runs one undo once, and tells whether it hangs.
func (s *Stack) try(ctx context.Context, u *undo, number int, timeout time.Duration) (err error, hangs bool) {
	if !s.begin(u, number) {
		return errors.New("it hung before, and still runs"), true
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it took longer than %v", timeout))
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- s.end(u, guarded(ctx, u.run)) }()
	select {
	case err := <-result:
		return err, false
	case <-ctx.Done():
	}
	late := time.NewTimer(stopGrace)
	defer late.Stop()
	select {
	case err := <-result:
		if err != nil && !errors.Is(err, context.Cause(ctx)) {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return err, false
	case <-late.C:
		return fmt.Errorf("%w, and it does not stop", context.Cause(ctx)), true
	}
}

// guarded calls an undo, and makes an error of a panic.
func guarded(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	if run == nil {
		return errors.New("there is nothing to undo it with: the function is nil")
	}
	return run(ctx)
}

// begin notes that an undo is tried; false if it runs already.
func (s *Stack) begin(u *undo, number int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.running {
		return false
	}
	u.running = true
	if u.id != 0 {
		// For humans only: that this cannot be written must not keep anybody from undoing.
		_ = s.file.add(line{Kind: tried, ID: u.id, Try: number})
	}
	return true
}

// end notes what a try came to, whenever it ends.
func (s *Stack) end(u *undo, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.running = false
	if err != nil {
		return err
	}
	s.undos = slices.DeleteFunc(s.undos, func(other *undo) bool { return other == u })
	if u.id != 0 {
		if err := s.file.add(line{Kind: undone, ID: u.id}); err != nil {
			s.unrecorded = append(s.unrecorded, fmt.Errorf("rollback: %s was undone, but another process that opens the file would undo it again: %w", u.name, err))
		}
	}
	return nil
}
