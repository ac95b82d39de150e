package filejournal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"github.com/tidegate-go/tidegate/rollout"
)

// A claim is a rollout's hold on the lock of a service. It has two halves: an OS
// lock for as long as the session lasts, and the rollout's name in the lock's
// file, which stays until the rollout needs it no more, whatever becomes of the
// process.
type claim struct {
	name string
	path string
	*lockFile
}

// claimPaths returns a claim for each lock, once and in order, none taken yet.
func (p paths) claimPaths(locks []string) ([]claim, error) {
	claims := make([]claim, 0, len(locks))
	for _, name := range slices.Compact(slices.Sorted(slices.Values(locks))) {
		path, err := p.lockPath(name)
		if err != nil {
			return nil, err
		}
		claims = append(claims, claim{name: name, path: path})
	}
	return claims, nil
}

// turnPatience is how long to wait for others that claim locks: it takes them
// milliseconds.
const turnPatience = 10 * time.Second

// takeTurn lets one process at a time try for locks. Without it, one that tries
// in vain would for a moment stand in the way of one to which the lock belongs.
func (p paths) takeTurn(ctx context.Context, disk disk) (*flock.Flock, error) {
	if err := makeDir(p.locks, disk); err != nil {
		return nil, err
	}
	path := filepath.Join(p.locks, ".claiming")
	waiting, cancel := context.WithTimeoutCause(ctx, turnPatience,
		fmt.Errorf("another process has been claiming locks for %s", turnPatience))
	defer cancel()
	turn := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR))
	if _, err := turn.TryLockContext(waiting, time.Millisecond); err != nil {
		if cause := context.Cause(waiting); cause != nil {
			err = cause
		}
		return nil, &Error{Op: "wait for a turn to claim locks at", Path: path, Err: plain(err)}
	}
	return turn, nil
}

// takeClaims takes the OS lock of every claim, or of none, and makes sure that no
// other rollout has its name in one. It writes nothing.
func (p paths) takeClaims(wanted []claim) (taken []claim, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, dropClaims(taken))
			taken = nil
		}
	}()
	for _, c := range wanted {
		held := func(owner, how string, since time.Time) error {
			return &rollout.HeldError{Rollout: p.name, Lock: c.name, Holder: "rollout " + owner + " (" + how + ")", Since: since}
		}
		c.lockFile, err = takeLock(c.path)
		switch {
		case errors.Is(err, errTaken):
			who := peekRecord(c.path)
			return taken, held(who.Rollout, who.process(), who.Since)
		case err != nil:
			return taken, &Error{Op: "lock", Path: c.path, Err: plain(err)}
		}
		taken = append(taken, c)
		if c.damaged {
			return taken, &CorruptError{
				Path: c.path, Line: 1, Reason: "it does not say which rollout has the lock",
				Hint: "remove it once no rollout that uses this lock is unfinished",
			}
		}
		if owner := c.now.Rollout; owner != "" && owner != p.name {
			if why := p.stillNeeds(owner, c.path); why != "" {
				return taken, held(owner, why, c.now.Since)
			}
		}
	}
	return taken, nil
}

// stillNeeds says why a rollout that is not running keeps a lock, or nothing if
// it does not. In doubt it does: two changes at once are worse than one that has
// to wait for a human.
func (p paths) stillNeeds(owner, lockPath string) string {
	path := journalPath(p.dir, owner)
	last, err := lastLine(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// It was there before the lock was claimed, so someone took it away,
		// and with it the knowledge of what the rollout has touched.
		return fmt.Sprintf("its journal %s is gone: bring it back, or remove %s if that rollout is over", path, lockPath)
	case err != nil:
		return "its journal cannot be read: " + err.Error()
	case last == nil: // nothing recorded, nothing touched
		return ""
	case last.freesLocks(): // died between Ended and Close
		return ""
	case last.Kind == rollout.Ended:
		return fmt.Sprintf("it ended as %s and needs a human", last.Outcome)
	default:
		return "it has not ended: run it again, or abort it"
	}
}

// claim writes the rollout's name into every lock that it has taken; into all,
// or if that fails, into none.
func (s *session) claim() error {
	if len(s.claims) == 0 {
		return nil
	}
	if err := syncDir(s.at.locks, s.disk); err != nil {
		return err
	}
	var signed []claim
	for _, c := range s.claims {
		if c.now.Rollout == s.at.name {
			continue // it has been ours since an earlier session
		}
		signed = append(signed, c)
		if err := s.sign(c, s.at.name); err != nil {
			for _, c := range signed {
				err = errors.Join(err, s.sign(c, ""))
			}
			return err
		}
	}
	return nil
}

// sign writes whom a lock belongs to; nobody when owner is empty.
func (s *session) sign(c claim, owner string) error {
	r := here()
	r.Rollout = owner
	r.Epoch = c.now.Epoch + 1
	if err := c.write(r, s.disk); err != nil {
		return &Error{Op: "record the holder in", Path: c.path, Err: plain(err), Hint: writeHint(err)}
	}
	return nil
}

func dropClaims(claims []claim) error {
	var errs []error
	for _, c := range claims {
		errs = append(errs, c.drop())
	}
	return errors.Join(errs...)
}
