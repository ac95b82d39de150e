package rollback

import (
	"fmt"
	"strings"
)

// Create returns an empty stack that keeps its commands (PushCommand) in a file, so
// that what a crashed script has left can be undone by another process: see Open. The
// folder must exist. A file of an earlier stack in which nothing is left is begun
// anew; one with changes that were neither undone nor committed is ErrPending, and
// stays as it is.
//
// One stack at a time has the file, over all processes of the machine: for others it
// is ErrInUse until the stack is closed, or its process is gone. The lock is a file
// of its own next to it, which stays. Both belong on a local disk.
//
// The file has a JSON object on each line, so it can be read with any tool; each is
// on disk (fsync) before the call that wrote it returns. The last line of a crash may
// be torn, and is cut off: nobody was told that it was there.
func Create(path string) (*Stack, error) {
	f, left, err := lockUndoFile(path, true)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		names := make([]string, len(left))
		for i, l := range left {
			names[i] = l.Name
		}
		_ = f.close()
		return nil, fmt.Errorf("%w, unwind %s first: %s", ErrPending, path, strings.Join(names, ", "))
	}
	if err := f.reset(); err != nil {
		_ = f.close()
		return nil, err
	}
	return &Stack{file: f}, nil
}

// Open returns the stack that another process has left in a file, to Unwind it, or to
// Commit what it would have undone. The file must exist; ErrInUse says that the
// script still runs, or that somebody else unwinds it.
//
// The lock tells of the process that pushed. What that process had started, and nobody
// has stopped because it was killed, may still run: see to that first.
//
// A command that was running when its process ended is in doubt: it may have
// succeeded, and is run again. One that was recorded as done is not.
func Open(path string) (*Stack, error) {
	f, left, err := lockUndoFile(path, false)
	if err != nil {
		return nil, err
	}
	s := &Stack{file: f}
	for _, l := range left {
		c := Command{Name: l.Name, Args: l.Args, Dir: l.Dir, Env: l.Env}
		s.undos = append(s.undos, &undo{name: l.Name, run: c.run, id: l.ID})
	}
	return s, nil
}

// Close gives the stack's file up; what was not undone stays in it for who opens it
// next. It waits for an Unwind under way. A stack without a file needs no Close.
func (s *Stack) Close() error {
	if s.file == nil {
		return nil
	}
	defer s.takeTurn()()
	if err := s.file.close(); err != nil {
		return fmt.Errorf("rollback: %w", err)
	}
	return nil
}
