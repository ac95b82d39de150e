package filejournal

import (
	"errors"
	"io"
	"iter"
	"os"
	"sync"

	"github.com/tidegate-go/tidegate/rollout"
)

// session is one runner's hold on one rollout.
type session struct {
	at     paths
	disk   disk
	lease  *lockFile
	claims []claim
	epoch  uint64
	before int64 // the journal's length at Open
	torn   int64 // what came after that, until it was cut off
	lost   chan struct{}

	// mu guards what Appends have gathered for the next write.
	mu   sync.Mutex
	next *batch

	// writing is held by the one that writes, and guards all below.
	writing    sync.Mutex
	file       *os.File
	info       os.FileInfo // which file that is
	size       int64       // how much of it is durable
	chain      chain
	out        []byte // what is written, kept for the next time
	freesLocks bool   // so says the last event
	failed     error  // why nothing more may be written
	closed     bool
}

// Epoch is the fencing token.
func (s *session) Epoch() uint64 { return s.epoch }

// Lost is closed by the Append that finds the lease lost.
func (s *session) Lost() <-chan struct{} { return s.lost }

// Events yields what was recorded before Open, and checks it on the way.
func (s *session) Events() iter.Seq2[rollout.Event, error] {
	return func(yield func(rollout.Event, error) bool) {
		newReader(s.at.journal, io.NewSectionReader(s.file, 0, s.before)).events()(yield)
	}
}

// Close lets an Append that is under way come to its end, frees the locks if the
// rollout has ended and gives it up.
func (s *session) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	over := s.chain.seq == 0 || s.freesLocks
	if over && s.failed == nil && s.hold() == nil {
		for _, c := range s.claims {
			errs = append(errs, s.sign(c, ""))
		}
	}
	return errors.Join(append(errs, s.drop())...)
}

// drop gives up whatever the session has taken so far.
func (s *session) drop() error {
	errs := []error{dropClaims(s.claims)}
	if s.file != nil {
		errs = append(errs, s.file.Close())
	}
	if s.lease != nil {
		errs = append(errs, s.lease.drop())
	}
	return errors.Join(errs...)
}
