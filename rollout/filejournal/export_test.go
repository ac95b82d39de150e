package filejournal

import (
	"context"
	"io"
	"iter"
	"os"

	"github.com/tidegate-go/tidegate/rollout"
)

// OpenOn opens as Dir.Open does, on a disk that the test controls. A nil
// function is the real one.
func OpenOn(ctx context.Context, d Dir, write func(*os.File, []byte) (int, error), sync func(*os.File) error,
	name string, locks ...string,
) (rollout.Session, error) {
	if write == nil {
		write = (*os.File).Write
	}
	if sync == nil {
		sync = (*os.File).Sync
	}
	s, err := d.open(ctx, disk{write: write, sync: sync}, name, locks)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Crash gives up what the operating system takes from a process that dies, and
// does nothing else of what Close does.
func Crash(s rollout.Session) error { return s.(*session).drop() }

// Gathered returns how many Appends wait for the next write.
func Gathered(s rollout.Session) int {
	of := s.(*session)
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.next == nil {
		return 0
	}
	return len(of.next.parts)
}

// ReadFrom reads a journal's content.
func ReadFrom(path string, src io.Reader) iter.Seq2[rollout.Event, error] {
	return newReader(path, src).events()
}

// Seal appends the objects as the lines of a new journal.
func Seal(dst []byte, objects ...string) []byte {
	var c chain
	for _, object := range objects {
		dst = c.seal(dst, []byte(object))
	}
	return dst
}

// SlotLen is the length of a record in a lock file.
const SlotLen = slotLen

// Decode reads an event from a line, as a session does.
func Decode(line []byte) (rollout.Event, error) { return new(decoder).event(line) }

// Flat reads an event from a line of the most frequent form, or is not ok.
func Flat(line []byte) (rollout.Event, bool) { return new(decoder).flat(line) }
