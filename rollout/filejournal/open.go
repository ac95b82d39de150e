package filejournal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tidegate-go/tidegate/rollout"
)

// open first takes the OS locks and reads everything, and only when nothing
// stands against it begins to write. In that order, too: the journal's file is
// there before a lock is claimed for it, so that a claim without a journal means
// that someone took the journal away.
func (d Dir) open(ctx context.Context, disk disk, name string, locks []string) (_ *session, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("filejournal: open rollout %s: %w", name, err)
	}
	at, err := d.paths(name)
	if err != nil {
		return nil, err
	}
	claims, err := at.claimPaths(locks)
	if err != nil {
		return nil, err
	}
	if err := makeDir(at.dir, disk); err != nil {
		return nil, err
	}
	s := &session{at: at, disk: disk, lost: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.drop())
		}
	}()
	if err := s.takeLease(); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	if len(claims) == 0 {
		return s, s.establish()
	}
	turn, err := at.takeTurn(ctx, disk)
	if err != nil {
		return nil, err
	}
	defer turn.Close()
	if s.claims, err = at.takeClaims(claims); err != nil {
		return nil, err
	}
	if err := s.establish(); err != nil {
		return nil, err
	}
	return s, s.claim()
}

// takeLease takes the OS lock on the rollout.
func (s *session) takeLease() error {
	lease, err := takeLock(s.at.lock)
	switch {
	case errors.Is(err, errTaken):
		who := peekRecord(s.at.lock)
		return &rollout.HeldError{Rollout: s.at.name, Holder: who.process(), Since: who.Since}
	case err != nil:
		return &Error{Op: "lock", Path: s.at.lock, Err: plain(err), Hint: "the directory has to be writable"}
	}
	s.lease = lease
	return nil
}

// load reads and checks the whole journal, if there is one, and alters nothing.
func (s *session) load() error {
	f, err := os.OpenFile(s.at.journal, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &Error{Op: "open", Path: s.at.journal, Err: plain(err)}
	}
	s.file = f
	s.epoch = s.lease.now.Epoch
	r := newReader(s.at.journal, f)
	var d decoder
	for {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if s.lease.now.Epoch == 0 {
			// The journal is there, the lock file was not: someone removed it.
			// Whoever has acted has said its epoch in an event before.
			if ev, ok := d.flat(line); ok {
				s.epoch = max(s.epoch, ev.Epoch)
				continue
			}
			var said struct{ Epoch uint64 }
			if json.Unmarshal(line, &said) == nil {
				s.epoch = max(s.epoch, said.Epoch)
			}
		}
	}
	s.chain, s.size, s.before, s.torn = r.chain, r.whole, r.whole, r.torn
	if s.size == 0 {
		return nil
	}
	line := make([]byte, r.whole-1-r.last)
	if _, err := f.ReadAt(line, r.last); err != nil {
		return &Error{Op: "read", Path: s.at.journal, Err: plain(err)}
	}
	var last ending
	if err := r.decode(line, &last); err != nil {
		return err
	}
	s.epoch = max(s.epoch, last.Epoch)
	s.freesLocks = last.freesLocks()
	return nil
}

// establish creates or repairs the journal, makes sure that what it holds is
// durable, and starts the new epoch.
func (s *session) establish() error {
	failed := func(op string, err error) error {
		return &Error{Op: op, Path: s.at.journal, Err: plain(err), Hint: writeHint(err)}
	}
	if s.file == nil {
		f, err := os.OpenFile(s.at.journal, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return failed("create", err)
		}
		s.file = f
	}
	if s.torn > 0 {
		if err := setAside(s.at.journal+".torn", io.NewSectionReader(s.file, s.size, s.torn), s.disk); err != nil {
			return failed("set the torn last line aside of", err)
		}
		if err := s.file.Truncate(s.size); err != nil {
			return failed("cut the torn last line off", err)
		}
	}
	// A process that died between write and fsync has left lines that no disk
	// may have yet.
	if err := s.disk.sync(s.file); err != nil {
		return failed("fsync", err)
	}
	info, err := s.file.Stat()
	if err != nil {
		return failed("look at", err)
	}
	s.info = info
	next := here()
	next.Epoch = max(s.epoch, s.lease.now.Epoch) + 1
	if err := s.lease.write(next, s.disk); err != nil {
		return &Error{Op: "record the new epoch in", Path: s.at.lock, Err: plain(err), Hint: writeHint(err)}
	}
	s.epoch = next.Epoch
	return syncDir(s.at.dir, s.disk)
}
