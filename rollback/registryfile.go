package rollback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrRegistryCorrupt says that a line of a registry is not as it was written. Nothing is
// read or written then: who forgets what is marked bad deploys it again. The error names
// the file and the line.
var ErrRegistryCorrupt = errors.New("rollback: the registry is corrupt")

const (
	// registryPatience is how long a call waits for its turn. Others have theirs for
	// milliseconds.
	registryPatience = 10 * time.Second
	// registryPoll is how often it asks.
	registryPoll = 5 * time.Millisecond
)

// book is what was read from a registry's file.
type book struct {
	ledger ledger
	size   int64  // of what is good; what follows is torn
	sum    uint32 // of the last line
	ended  bool   // the last line has its end
}

// readBook reads the text of a registry.
func readBook(path string, text []byte) (*book, error) {
	b := &book{ended: true}
	for number, rest := 1, text; len(rest) > 0; number++ {
		one, after, ended := bytes.Cut(rest, []byte("\n"))
		if !ended {
			// Where a crash has torn a line, the disk may have made room, and nothing came.
			one = bytes.TrimRight(one, "\x00")
		}
		f, sum, err := parseFact(one, b.sum)
		if err != nil && !ended && isTorn(one) {
			return b, nil
		}
		if err == nil {
			err = b.ledger.take(f)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s, line %d: %w [it was not altered; put back a copy of the file, or move it away, and mark again what is bad]",
				ErrRegistryCorrupt, path, number, err)
		}
		b.sum, b.ended, b.size = sum, ended, b.size+int64(len(one))
		if ended {
			b.size++
		}
		rest = after
	}
	return b, nil
}

// read returns what the registry's file comes to.
func (r *Registry) read(ctx context.Context) (*ledger, error) {
	if _, err := os.Stat(r.Path); errors.Is(err, fs.ErrNotExist) {
		// Without its folder nobody knows whether there was a file: a disk may be missing.
		if err := r.folder(); err != nil {
			return nil, err
		}
		return &ledger{}, nil
	}
	unlock, err := r.lock(ctx, (*flock.Flock).TryRLockContext)
	if err != nil {
		return nil, err
	}
	defer unlock()
	b, err := loadBook(r.Path)
	if err != nil {
		return nil, err
	}
	return &b.ledger, nil
}

// update appends the facts that decide asks for, durably. None means that what it wanted
// is there; it is durable then, too, although who wrote it may have died before it was.
func (r *Registry) update(ctx context.Context, decide func(*ledger) []fact) error {
	if err := r.folder(); err != nil {
		return err
	}
	unlock, err := r.lock(ctx, (*flock.Flock).TryLockContext)
	if err != nil {
		return err
	}
	defer unlock()
	b, err := loadBook(r.Path)
	if err != nil {
		return err
	}
	facts := decide(&b.ledger)
	if len(facts) == 0 && b.size == 0 {
		return nil
	}
	return b.add(r.Path, facts)
}

// folder returns an error unless the folder of the file exists.
func (r *Registry) folder() error {
	if _, err := os.Stat(filepath.Dir(r.Path)); err != nil {
		return fmt.Errorf("the folder of the registry must exist: %w", err)
	}
	return nil
}

// lock waits for this call's turn.
func (r *Registry) lock(ctx context.Context, try func(*flock.Flock, context.Context, time.Duration) (bool, error)) (unlock func(), err error) {
	path := r.Path + ".lock"
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeoutCause(ctx, registryPatience, fmt.Errorf("somebody else has had it for %v", registryPatience))
	defer cancel()
	if _, err := try(lock, ctx, registryPoll); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = lock.Close() }, nil
}

// loadBook reads a registry's file; one that is not there is empty.
func loadBook(path string) (*book, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return readBook(path, text)
}

// add appends facts to the file, in one write and one fsync. What a failed write has
// left is cut off again.
func (b *book) add(path string, facts []fact) error {
	text, err := b.seal(facts)
	if err != nil {
		return err
	}
	// Not for appending: Windows does not let such a file be cut.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(b.size); err != nil {
		return fmt.Errorf("cutting off the torn last line: %w", err)
	}
	_, err = file.WriteAt(text, b.size)
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return errors.Join(err, file.Truncate(b.size))
	}
	return syncDir(filepath.Dir(path))
}

// seal returns the lines to append.
func (b *book) seal(facts []fact) (text []byte, err error) {
	if !b.ended {
		text = append(text, '\n')
	}
	if b.size == 0 {
		facts = append([]fact{{Kind: factRegistry, Format: registryFormat, At: time.Now()}}, facts...)
	}
	sum := b.sum
	for _, f := range facts {
		var one []byte
		if one, sum, err = sealFact(f, sum); err != nil {
			return nil, err
		}
		text = append(text, one...)
	}
	return text, nil
}
