package filejournal

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/tidegate-go/tidegate/rollout"
)

// Error is a failure of the file system, or of what was asked of it.
type Error struct {
	// Op is what was being done, such as "write 3 events to".
	Op   string
	Path string
	Err  error
	// Hint is what an operator can do; may be empty.
	Hint string
}

// Error returns what was being done to which file, what went wrong, and the hint.
func (e *Error) Error() string {
	return fmt.Sprintf("filejournal: %s %s: %v%s", e.Op, e.Path, e.Err, bracketed(e.Hint))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CorruptError says that a file is not as it was written. Nothing was altered.
// It is a rollout.ErrCorrupt.
type CorruptError struct {
	Path string
	// Line counts from 1.
	Line int
	// Reason is what is wrong with the line.
	Reason string
	// Hint is what an operator can do.
	Hint string
}

// Error returns where the damage is, what it is, and the hint.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("filejournal: %s:%d is corrupt: %s%s", e.Path, e.Line, e.Reason, bracketed(e.Hint))
}

// Is reports whether target is rollout.ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == rollout.ErrCorrupt }

func bracketed(hint string) string {
	if hint == "" {
		return ""
	}
	return " [" + hint + "]"
}

// writeHint says what an operator can do about a write that failed.
func writeHint(err error) string {
	const again = ", then run again: the rollout goes on from its last durable event"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on the disk" + again
	case errors.Is(err, syscall.EFBIG):
		return "raise the limit on file sizes (ulimit -f)" + again
	case errors.Is(err, syscall.EROFS):
		return "mount the file system for writing" + again
	default:
		return "see the kernel's log for the disk's state" + again
	}
}
