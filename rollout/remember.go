package rollout

import (
	"context"
	"errors"
	"slices"
	"time"
)

// memoryPatience bounds how long the registry may take.
const memoryPatience = time.Minute

// wayBackIsThere asks the registry, before anything is touched: whether the new
// version is marked bad, whether the old one is there to go back to, and which
// versions come after that one.
func (e *engine) wayBackIsThere(ctx context.Context) error {
	r := e.plan.Rollback.Registry
	if r == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, memoryPatience)
	defer cancel()
	release := e.plan.Release
	if r.Artifacts != nil {
		if err := r.Precheck(ctx, release.Service, release.From, release.To); err != nil {
			return err
		}
	} else if err := r.CheckVersion(ctx, release.Service, release.To); err != nil {
		return err
	}
	good, err := r.KnownGood(ctx, release.Service, now())
	if err != nil {
		return err
	}
	older := &e.compiled.spec.Undo.Older
	for _, v := range good {
		if v.ID != release.From && v.ID != release.To && !slices.Contains(*older, v.ID) {
			*older = append(*older, v.ID)
		}
	}
	return nil
}

// remember tells the registry how the rollout ended. It holds nothing up: the
// rollout is over.
func (e *engine) remember() {
	r := e.plan.Rollback.Registry
	if r == nil {
		return
	}
	ctx, cancel := context.WithTimeout(e.base, memoryPatience)
	defer cancel()
	s := &e.state
	var err error
	switch {
	case s.phase == Completed:
		err = r.Deployed(ctx, s.spec.Service, s.spec.To, s.spec.Rollout, s.endedAt)
	case s.condemned:
		err = r.MarkBad(ctx, s.spec.Service, s.spec.To, s.spec.Rollout, e.actor(), s.failure)
	}
	if s.phase == RolledBack && s.ofOnePiece() {
		err = errors.Join(err, r.Deployed(ctx, s.spec.Service, s.version(), s.spec.Rollout, s.endedAt))
	}
	if err != nil {
		e.log.Error("the registry of versions could not be told how the rollout ended", "phase", s.phase.String(), "error", err)
	}
}

// ofOnePiece tells whether the whole fleet runs what was restored: an older version is
// put on those alone that had the new one.
func (s *State) ofOnePiece() bool {
	return s.back.link == 0 || !slices.ContainsFunc(s.steps, func(st step) bool { return st.status == StepPending })
}
