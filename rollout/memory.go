package rollout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sync"
)

// MemoryJournal is a Journal that forgets everything when the process ends: for
// tests and dry runs. The zero value is ready to use, by many goroutines at
// once.
type MemoryJournal struct {
	mu       sync.Mutex
	rollouts map[string]*memoryRollout
	// locks maps each lock to the rollout that it belongs to.
	locks map[string]string
}

// memoryRollout is what a MemoryJournal knows of one rollout.
type memoryRollout struct {
	// events only ever grows: what a reader has seen of it stays as it is.
	events []Event
	epoch  uint64
	holder *memorySession
}

// Open takes the rollout and its locks. See Journal.
func (j *MemoryJournal) Open(ctx context.Context, rollout string, locks ...string) (Session, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("rollout: open %s: %w", rollout, err)
	}
	if rollout == "" || slices.Contains(locks, "") {
		return nil, errors.New("rollout: a rollout and its locks need names")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.rollouts[rollout]
	if r != nil && r.holder != nil {
		holder := fmt.Sprintf("another session of this process (epoch %d)", r.epoch)
		return nil, &HeldError{Rollout: rollout, Holder: holder}
	}
	for _, lock := range locks {
		if owner := j.locks[lock]; owner != "" && owner != rollout {
			return nil, &HeldError{Rollout: rollout, Lock: lock, Holder: "rollout " + owner}
		}
	}
	if j.rollouts == nil {
		j.rollouts, j.locks = make(map[string]*memoryRollout), make(map[string]string)
	}
	if r == nil {
		r = &memoryRollout{}
		j.rollouts[rollout] = r
	}
	for _, lock := range locks {
		j.locks[lock] = rollout
	}
	r.epoch++
	r.holder = &memorySession{
		journal: j, rollout: rollout, record: r,
		before: slices.Clip(r.events), epoch: r.epoch, lost: make(chan struct{}),
	}
	return r.holder, nil
}

// Steal takes the rollout from the session that has it, as a lease that runs
// out or a crash does: that session is fenced off, and the rollout can be
// opened again. Its locks stay with it unless it has Ended. Without such a
// session it does nothing.
func (j *MemoryJournal) Steal(rollout string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r := j.rollouts[rollout]; r != nil && r.holder != nil {
		close(r.holder.lost)
		j.vacate(rollout, r)
	}
}

// vacate ends the hold on a rollout, and that on its locks where nothing is
// left to protect.
func (j *MemoryJournal) vacate(rollout string, r *memoryRollout) {
	r.holder = nil
	if n := len(r.events); n > 0 && !freesLocks(r.events[n-1]) {
		return
	}
	for lock, owner := range j.locks {
		if owner == rollout {
			delete(j.locks, lock)
		}
	}
}

// freesLocks tells whether a rollout whose last event this is needs its locks
// no more. One that was halted, or could not be taken back, still waits for a
// human, and nobody else should touch what it left behind.
func freesLocks(last Event) bool {
	if last.Kind != Ended {
		return false
	}
	switch last.Outcome {
	case Completed, Partial, RolledBack, Aborted:
		return true
	default:
		return false
	}
}

// memorySession is one hold on a rollout in a MemoryJournal.
type memorySession struct {
	journal *MemoryJournal
	rollout string
	record  *memoryRollout
	before  []Event
	epoch   uint64
	lost    chan struct{}
	closed  bool // guarded by journal.mu
}

func (s *memorySession) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for _, ev := range s.before {
			if !yield(ev, nil) {
				return
			}
		}
	}
}

func (s *memorySession) Append(ctx context.Context, events ...Event) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("rollout: append to %s: %w", s.rollout, err)
	}
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	switch {
	case s.closed:
		return fmt.Errorf("rollout: append to %s: %w", s.rollout, fs.ErrClosed)
	case s.record.holder != s:
		return fmt.Errorf("append to %s: %w", s.rollout, ErrFenced)
	}
	s.record.events = append(s.record.events, events...)
	return nil
}

func (s *memorySession) Epoch() uint64 { return s.epoch }

func (s *memorySession) Lost() <-chan struct{} { return s.lost }

func (s *memorySession) Close() error {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.closed = true
	if s.record.holder == s {
		s.journal.vacate(s.rollout, s.record)
	}
	return nil
}
