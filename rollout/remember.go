package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/rollback"
)

// memoryPatience bounds how long the registry may take, artifactPatience how long it may
// where all artifacts are read to their end.
const memoryPatience, artifactPatience = time.Minute, 15 * time.Minute

// wayBackIsThere asks the registry, before anything is touched: whether the new
// version is marked bad, whether the old one is there to go back to, and which
// versions come after that one: those whose artifacts are still what they were.
func (e *engine) wayBackIsThere(ctx context.Context) error {
	r := e.plan.Rollback.Registry
	if r == nil {
		return nil
	}
	patience := memoryPatience
	if r.Artifacts != nil {
		patience = artifactPatience
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the registry has not answered within %v", patience))
	defer cancel()
	release := e.plan.Release
	if r.Artifacts != nil {
		if err := e.despiteBadFrom(r.Precheck(ctx, release.Service, release.From, release.To)); err != nil {
			return err
		}
	} else if err := r.CheckVersion(ctx, release.Service, release.To); err != nil {
		return err
	}
	for _, v := range e.plan.Rollback.Older {
		if err := r.CheckVersion(ctx, release.Service, v); err != nil {
			return fmt.Errorf("Rollback.Older: %w", err)
		}
		if r.Artifacts != nil {
			if err := r.CheckArtifact(ctx, release.Service, v); err != nil {
				e.log.Warn("an older version that the plan names could not be restored as it was", "version", v, "error", err)
			}
		}
	}
	good, err := r.KnownGood(ctx, release.Service, now())
	if err != nil {
		return err
	}
	older := &e.compiled.spec.Undo.Older
	for _, v := range good {
		if v.ID == release.From || v.ID == release.To || slices.Contains(*older, v.ID) {
			continue
		}
		if r.Artifacts != nil {
			if err := r.CheckArtifact(ctx, release.Service, v.ID); err != nil {
				e.log.Warn("a version that has proved good is left out of the way back", "version", v.ID, "error", err)
				continue
			}
		}
		*older = append(*older, v.ID)
	}
	return nil
}

// despiteBadFrom leaves out that the old version is marked bad: that is why it is
// replaced, and to refuse the fix would keep it.
func (e *engine) despiteBadFrom(err error) error {
	pre := (*rollback.PrecheckError)(nil)
	if !errors.As(err, &pre) {
		return err
	}
	var left []error
	for _, problem := range pre.Problems {
		if bad := (*rollback.BadVersionError)(nil); errors.As(problem, &bad) && bad.Version == e.plan.Release.From {
			e.log.Warn("the version that a rollback would go back to is marked bad", "version", bad.Version, "reason", bad.Reason)
			continue
		}
		left = append(left, problem)
	}
	if len(left) == 0 {
		return nil
	}
	rest := *pre
	rest.Problems = left
	return &rest
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
