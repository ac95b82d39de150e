package analysistest

import (
	"context"
	"testing"
)

// scope is a testing.TB that can be cleaned up before its test is over, for the
// rule about what is left behind after that.
type scope struct {
	testing.TB
	ctx      context.Context
	cancel   context.CancelFunc
	cleanups []func()
}

func newScope(t testing.TB) *scope {
	s := &scope{TB: t}
	s.ctx, s.cancel = context.WithCancel(t.Context())
	t.Cleanup(s.close)
	return s
}

// Cleanup implements testing.TB.
func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

// Context implements testing.TB.
func (s *scope) Context() context.Context { return s.ctx }

// close runs the cleanups, the last one first, as a test does. A second call does
// nothing.
func (s *scope) close() {
	s.cancel()
	for len(s.cleanups) > 0 {
		last := s.cleanups[len(s.cleanups)-1]
		s.cleanups = s.cleanups[:len(s.cleanups)-1]
		last()
	}
}
