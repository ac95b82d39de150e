package rollback

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

var (
	// ErrInUse says that another stack, of this process or another, has the file.
	ErrInUse = errors.New("rollback: the undo file is in use")
	// ErrPending says that an earlier script has left changes that nobody has undone.
	ErrPending = errors.New("rollback: changes of an earlier script are not undone")
	// ErrCorrupt says that an undo file can't be read.
	ErrCorrupt = errors.New("rollback: the undo file is corrupt")
)

// fileVersion is the version of the format.
const fileVersion = 1

// maxLine is how long a line may be, in bytes.
const maxLine = 1 << 20

// kind is what a line of an undo file says.
type kind string

const (
	opened    kind = "stack"  // the first line: the version
	pushed    kind = "push"   // a command that undoes what begins now
	tried     kind = "try"    // it is run; it may have succeeded if nothing follows
	undone    kind = "done"   // it has succeeded
	committed kind = "commit" // all that was pushed before is kept
)

// line is one line of an undo file: a JSON object, with its checksum as the last
// field.
type line struct {
	Kind    kind      `json:"kind"`
	Version int       `json:"version,omitempty"`
	At      time.Time `json:"at"`
	PID     int       `json:"pid"`
	ID      uint64    `json:"id,omitempty"`
	Name    string    `json:"name,omitempty"`
	Args    []string  `json:"args,omitempty"`
	Dir     string    `json:"dir,omitempty"`
	Env     []string  `json:"env,omitempty"`
	Try     int       `json:"try,omitempty"`
}

// undoFile is the file of a stack. It is only ever appended to, each line with one
// write and one fsync, by who holds the lock of the file next to it.
type undoFile struct {
	path string
	lock *flock.Flock

	mu     sync.Mutex
	file   *os.File
	size   int64 // of what is known to be good
	last   uint64
	failed error // of a write: nothing more is promised then
}

// lockUndoFile takes the lock and opens the file, which is made if create says so.
func lockUndoFile(path string, create bool) (f *undoFile, left []line, err error) {
	flags := os.O_RDWR | os.O_APPEND
	if create {
		flags |= os.O_CREATE
	} else if _, err := os.Stat(path); err != nil { // before a lock is left for nothing
		return nil, nil, fmt.Errorf("rollback: %w", err)
	}
	f = &undoFile{path: path, lock: flock.New(path+".lock", flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))}
	ok, err := f.lock.TryLock()
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("rollback: locking the undo file: %w", err)
	case !ok:
		return nil, nil, fmt.Errorf("%w: %s", ErrInUse, path)
	}
	defer func() {
		if err != nil {
			_ = f.close()
			f = nil
		}
	}()
	if f.file, err = os.OpenFile(path, flags, 0o600); err != nil {
		return f, nil, fmt.Errorf("rollback: %w", err)
	}
	left, err = f.load()
	return f, left, err
}

// load reads what the file has of commands that are not undone, and cuts off a line
// that was torn by a crash: who wrote it was not told that it is there.
func (f *undoFile) load() ([]line, error) {
	text, err := io.ReadAll(f.file)
	if err != nil {
		return nil, fmt.Errorf("rollback: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if len(whole) == 0 && len(text) > 0 && !bytes.HasPrefix(text, []byte(`{"kind":"stack"`)) && !bytes.HasPrefix([]byte(`{"kind":"stack"`), text) {
		return nil, fmt.Errorf("%w: %s is something else", ErrCorrupt, f.path)
	}
	var left []line
	for number, rest := 1, whole; len(rest) > 0; number++ {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte("\n"))
		l, err := parse(one)
		if err == nil {
			left, err = f.take(left, l, number == 1)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s, line %d: %w", ErrCorrupt, f.path, number, err)
		}
	}
	f.size = int64(len(whole))
	if len(whole) < len(text) {
		if err := errors.Join(f.file.Truncate(f.size), f.file.Sync()); err != nil {
			return nil, fmt.Errorf("rollback: cutting off the torn last line: %w", err)
		}
	}
	return left, nil
}

// take takes in one line that was read.
func (f *undoFile) take(left []line, l line, first bool) ([]line, error) {
	if first != (l.Kind == opened) {
		return nil, errors.New("only the first line may, and must, tell the version")
	}
	switch l.Kind {
	case opened:
		if l.Version != fileVersion {
			return nil, fmt.Errorf("its version is %d, and only %d is known here", l.Version, fileVersion)
		}
	case pushed:
		if l.ID <= f.last || len(l.Args) == 0 {
			return nil, errors.New("it pushes what cannot be pushed")
		}
		f.last = l.ID
		return append(left, l), nil
	case tried:
	case undone:
		for i := range left {
			if left[i].ID == l.ID {
				return append(left[:i:i], left[i+1:]...), nil
			}
		}
	case committed:
		return nil, nil
	default:
		return nil, fmt.Errorf("it is of a kind that is not known here, %q", l.Kind)
	}
	return left, nil
}

// reset empties a file in which nothing is left.
func (f *undoFile) reset() error {
	if err := f.file.Truncate(0); err != nil {
		return fmt.Errorf("rollback: %w", err)
	}
	f.size, f.last = 0, 0
	if err := f.header(); err != nil {
		return fmt.Errorf("rollback: %w", err)
	}
	return nil
}

// header makes sure that the file has its first line, and a name.
func (f *undoFile) header() error {
	if f.size > 0 {
		return nil
	}
	if err := f.write(line{Kind: opened, Version: fileVersion}); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}

// add appends a line, durably.
func (f *undoFile) add(l line) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return fs.ErrClosed
	}
	if f.failed != nil {
		return fmt.Errorf("nothing more is written after a write that failed: %w", f.failed)
	}
	err := f.header()
	if err == nil {
		err = f.write(l)
	}
	return err
}

// write writes a line. What a failed write has left is cut off again.
func (f *undoFile) write(l line) error {
	l.At, l.PID = time.Now().UTC(), os.Getpid()
	text, err := seal(l)
	if err != nil {
		return err
	}
	if len(text) > maxLine {
		return fmt.Errorf("it is longer than %d bytes", maxLine)
	}
	_, err = f.file.Write(text)
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		f.failed = errors.Join(err, f.file.Truncate(f.size))
		return f.failed
	}
	f.size += int64(len(text))
	return nil
}

func (f *undoFile) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file == nil
}

// close gives the file and its lock up.
func (f *undoFile) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.file != nil {
		err = f.file.Close()
		f.file = nil
	}
	return errors.Join(err, f.lock.Unlock())
}

const sumField = `,"sum":"`

// seal writes a line with its checksum.
func seal(l line) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	sum := crc32.ChecksumIEEE(text)
	return fmt.Appendf(text[:len(text)-1], "%s%08x\"}\n", sumField, sum), nil
}

// parse reads a line, and checks it.
func parse(text []byte) (l line, err error) {
	i := bytes.LastIndex(text, []byte(sumField))
	if i < 0 {
		return l, errors.New("it has no checksum")
	}
	body := append(bytes.Clone(text[:i]), '}')
	if want := fmt.Sprintf("%s%08x\"}", sumField, crc32.ChecksumIEEE(body)); string(text[i:]) != want {
		return l, errors.New("its checksum does not fit")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	return l, dec.Decode(&l)
}

// syncDir makes a new name in a directory durable.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such thing
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
