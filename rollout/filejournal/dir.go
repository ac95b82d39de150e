package filejournal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/tidegate-go/tidegate/rollout"
)

// Dir is a rollout.Journal that keeps its files in the directory of that name.
// The directory is made when it is not there; its parent has to be. All
// runners that should see each other's rollouts and locks use the same one.
type Dir string

// Open takes the rollout and its locks; see rollout.Journal. A rollout's name
// consists of letters, digits, dots, dashes and underscores, begins with a
// letter or a digit, and is at most 128 bytes long. A lock may have any name.
func (d Dir) Open(ctx context.Context, rollout string, locks ...string) (rollout.Session, error) {
	s, err := d.open(ctx, disk{write: (*os.File).Write, sync: (*os.File).Sync}, rollout, locks)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Read yields the rollout's events and takes nothing: for looking on while a
// runner is at work, and for looking back. A rollout that was never opened is
// fs.ErrNotExist.
func (d Dir) Read(name string) iter.Seq2[rollout.Event, error] {
	return func(yield func(rollout.Event, error) bool) {
		at, err := d.paths(name)
		if err != nil {
			yield(rollout.Event{}, err)
			return
		}
		f, err := os.Open(at.journal)
		if err != nil {
			yield(rollout.Event{}, &Error{Op: "open", Path: at.journal, Err: plain(err)})
			return
		}
		defer f.Close()
		newReader(at.journal, f).events()(yield)
	}
}

// paths is where a rollout's files are.
type paths struct {
	dir     string
	name    string
	journal string
	lock    string
	locks   string
}

var rolloutName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// paths makes sure that no name leads out of the directory, and that what the
// names mean cannot change with the working directory.
func (d Dir) paths(name string) (paths, error) {
	if d == "" {
		return paths{}, errors.New("filejournal: the directory has no name")
	}
	if !rolloutName.MatchString(name) {
		return paths{}, fmt.Errorf("filejournal: rollout name %q does not match %s", name, rolloutName)
	}
	dir, err := filepath.Abs(string(d))
	if err != nil {
		return paths{}, &Error{Op: "find", Path: string(d), Err: err}
	}
	return paths{
		dir:     dir,
		name:    name,
		journal: journalPath(dir, name),
		lock:    filepath.Join(dir, name+".lock"),
		locks:   filepath.Join(dir, "locks"),
	}, nil
}

func journalPath(dir, name string) string { return filepath.Join(dir, name+".jsonl") }

// lockPath returns the file of a service's lock.
func (p paths) lockPath(lock string) (string, error) {
	escaped := url.PathEscape(lock)
	if lock == "" || len(escaped) > 240 {
		return "", fmt.Errorf("filejournal: lock name %q: it has to have 1 to 240 bytes when escaped, and has %d", lock, len(escaped))
	}
	return filepath.Join(p.locks, escaped+".lock"), nil
}

// makeDir makes a directory in one that exists, unless it is there already.
func makeDir(path string, disk disk) error {
	err := os.Mkdir(path, 0o700)
	switch {
	case err == nil:
		return syncDir(filepath.Dir(path), disk)
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Op: "make directory", Path: path, Err: plain(err), Hint: "make its parent first"}
	case !errors.Is(err, fs.ErrExist):
		return &Error{Op: "make directory", Path: path, Err: plain(err)}
	}
	info, err := os.Stat(path)
	if err != nil {
		return &Error{Op: "look at directory", Path: path, Err: plain(err)}
	}
	if !info.IsDir() {
		return &Error{Op: "make directory", Path: path, Err: errors.New("a file of that name is in the way")}
	}
	return nil
}

// syncDir makes what was created in a directory durable.
func syncDir(path string, disk disk) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such thing
	}
	d, err := os.Open(path)
	if err != nil {
		return &Error{Op: "open directory", Path: path, Err: plain(err)}
	}
	defer d.Close()
	if err := disk.sync(d); err != nil {
		return &Error{Op: "fsync directory", Path: path, Err: plain(err), Hint: writeHint(err)}
	}
	return nil
}

// setAside copies part of a file to a file of its own.
func setAside(path string, part io.Reader, disk disk) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(f, part); err != nil {
		return err
	}
	return disk.sync(f)
}

// disk is how a session writes: a test looks on, or fails it.
type disk struct {
	write func(*os.File, []byte) (int, error)
	sync  func(*os.File) error
}

// plain takes operation and path off an error that is about to be wrapped with
// both.
func plain(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
