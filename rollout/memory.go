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
	// blocks hold the events. What is in one stays as it is and where it is: no
	// append moves what a reader may be looking at, nor pays for what there is.
	blocks [][]Event
	last   *Event
	epoch  uint64
	holder *memorySession
}

// memoryBlock is how many events a block holds; the first ones are smaller.
const memoryBlock = 4096

func (r *memoryRollout) append(events []Event) {
	for len(events) > 0 {
		n := len(r.blocks)
		if n == 0 || len(r.blocks[n-1]) == cap(r.blocks[n-1]) {
			r.blocks = append(r.blocks, make([]Event, 0, min(16<<(2*min(n, 4)), memoryBlock)))
			n++
		}
		block := r.blocks[n-1]
		fits := min(cap(block)-len(block), len(events))
		block = append(block, events[:fits]...)
		r.blocks[n-1], r.last = block, &block[len(block)-1]
		events = events[fits:]
	}
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
		before: slices.Clone(r.blocks), epoch: r.epoch, lost: make(chan struct{}),
	}
	return r.holder, nil
}

// Steal takes the rollout from the session that has it, as a lease that runs
// out or a crash does: that session is fenced off, and the rollout can be
// opened again. Its locks stay with it unless it has Ended. Without such a
// session it does nothing. In a testing/synctest bubble, call it from the bubble
// that the session was opened in: it closes that session's Lost.
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
	if r.last != nil && !r.last.FreesLocks() {
		return
	}
	for lock, owner := range j.locks {
		if owner == rollout {
			delete(j.locks, lock)
		}
	}
}

// memorySession is one hold on a rollout in a MemoryJournal.
type memorySession struct {
	journal *MemoryJournal
	rollout string
	record  *memoryRollout
	before  [][]Event
	epoch   uint64
	lost    chan struct{}
	closed  bool // guarded by journal.mu
}

func (s *memorySession) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for _, block := range s.before {
			for i := range block {
				if !yield(block[i], nil) {
					return
				}
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
	s.record.append(events)
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
