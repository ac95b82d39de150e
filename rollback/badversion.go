package rollback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrBadVersion says that a version is marked bad, and not to be deployed.
	ErrBadVersion = errors.New("rollback: the version is marked bad")
	// ErrNotBad says that a version that should be cleared is not marked bad.
	ErrNotBad = errors.New("rollback: the version is not marked bad")
)

// BadVersionError is that a version is marked bad. It is ErrBadVersion.
type BadVersionError struct {
	// Service and Version are what must not be deployed.
	Service, Version string
	// Since is when it was marked, by the first who did.
	Since time.Time
	// Rollout is the one that showed it; empty if a human said so.
	Rollout string
	// Actor and Reason are who marked it, and why.
	Actor, Reason string
}

// Error says who marked it and why, and what to do.
func (e *BadVersionError) Error() string {
	by := e.Actor
	if e.Rollout != "" {
		by += " in rollout " + e.Rollout
	}
	return fmt.Sprintf("%v: %s %s, since %s, by %s: %s [deploy another version; if this one is good after all, clear it first, with actor and reason]",
		ErrBadVersion, e.Service, e.Version, e.Since.Format(time.RFC3339), by, e.Reason)
}

// Unwrap returns ErrBadVersion.
func (e *BadVersionError) Unwrap() error { return ErrBadVersion }

// CheckVersion returns nil if a version may be deployed as far as the registry knows,
// and a *BadVersionError if it is marked bad. Any other error says that nobody knows,
// which is no leave to deploy it.
//
//	if err := registry.CheckVersion(ctx, release.Service, release.To); err != nil {
//		return err
//	}
func (r *Registry) CheckVersion(ctx context.Context, service, version string) error {
	err := errors.Join(r.problem(), named("service", service), named("version", version))
	var l *ledger
	if err == nil {
		l, err = r.read(ctx)
	}
	if err != nil {
		return fmt.Errorf("rollback: whether a version is marked bad: %w", err)
	}
	return l.refusal(service, version)
}

// refusal returns a *BadVersionError if a version is marked bad.
func (l *ledger) refusal(service, version string) error {
	bad := l.bad(service, version)
	if bad == nil {
		return nil
	}
	return &BadVersionError{Service: service, Version: version, Since: bad.At, Rollout: bad.Rollout, Actor: bad.Actor, Reason: bad.Reason}
}

// MarkBad records that a version must not be deployed, from now on and until it is
// cleared, and that it is not known to be good. The rollout is the one that showed it,
// and empty if a human says so. Actor and reason are needed; of the reason the first
// 16 KiB are kept.
//
// A rollout marks a version once. If it does so again, as after a crash, that changes
// nothing, even if the version was cleared meanwhile: the word of a human is not undone
// by a rollout that is late. Several rollouts may mark the same version; the first is
// the one that CheckVersion names.
func (r *Registry) MarkBad(ctx context.Context, service, version, rollout, actor, reason string) error {
	err := r.sayable(service, version, actor, reason)
	if rollout != "" {
		err = errors.Join(err, named("rollout", rollout))
	}
	if err != nil {
		return fmt.Errorf("rollback: the version is not marked bad: %w", err)
	}
	reason = shortened(reason)
	err = r.update(ctx, func(l *ledger) []fact {
		if said := l.word(service, version); said != nil {
			if said.marked[rollout] {
				return nil
			}
			if bad := said.bad; bad != nil && rollout == "" && bad.Actor == actor && bad.Reason == reason {
				return nil
			}
		}
		return []fact{{Kind: factBad, At: time.Now(), Service: service, Version: version, Rollout: rollout, Actor: actor, Reason: reason}}
	})
	if err != nil {
		return fmt.Errorf("rollback: %s %s is not marked bad: %w", service, version, err)
	}
	return nil
}

// Clear records that a version that is marked bad may be deployed after all. Actor and
// reason are needed. What is not marked bad is ErrNotBad. It does not make the version
// known to be good: its bake begins anew when it is deployed again.
func (r *Registry) Clear(ctx context.Context, service, version, actor, reason string) error {
	if err := r.sayable(service, version, actor, reason); err != nil {
		return fmt.Errorf("rollback: the version is not cleared: %w", err)
	}
	bad := true
	err := r.update(ctx, func(l *ledger) []fact {
		if bad = l.bad(service, version) != nil; !bad {
			return nil
		}
		return []fact{{Kind: factCleared, At: time.Now(), Service: service, Version: version, Actor: actor, Reason: shortened(reason)}}
	})
	switch {
	case err != nil:
		return fmt.Errorf("rollback: %s %s is not cleared: %w", service, version, err)
	case !bad:
		return fmt.Errorf("%w: %s %s [see that service and version are spelt as in the error that refused it]", ErrNotBad, service, version)
	}
	return nil
}

// sayable says why nobody can say something of a version.
func (r *Registry) sayable(service, version, actor, reason string) error {
	err := errors.Join(r.problem(), named("service", service), named("version", version), named("actor", actor))
	if strings.TrimSpace(reason) == "" {
		err = errors.Join(err, errors.New("the reason is empty"))
	}
	return err
}

// maxReason is how much of a reason is kept, in bytes: it may be the output of a program.
const maxReason = 16 << 10

// shortened returns a reason that JSON gives back as it is.
func shortened(reason string) string {
	return strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
}
