package rollback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Version is a version that is known to be good.
type Version struct {
	// ID is the version, as in Release.From and To.
	ID string
	// Rollout is what brought it.
	Rollout string
	// Deployed is when the whole fleet began to run it.
	Deployed time.Time
	// Stayed is how long it did.
	Stayed time.Duration
	// Running says that the fleet runs it now, in this stay or in a later one.
	Running bool
	// Digest is of what bytes its artifact was. Zero if nobody knows.
	Digest Digest
}

// KnownGood returns the versions of a service that are known to be good at a time, the
// one that was deployed last first, and no more than Depth: those that the whole fleet
// has run for as long as Bake, without a break and without being marked bad, then or
// later. The one that runs now is among them if its time has come. Several deployments
// of the same version in a row, of the same bytes, are one stay.
//
// What was deployed after that time is left out; what was marked bad after it is not
// known to be good before it either. A service that nobody knows has none.
func (r *Registry) KnownGood(ctx context.Context, service string, at time.Time) ([]Version, error) {
	err := errors.Join(r.problem(), named("service", service))
	if at.IsZero() {
		err = errors.Join(err, errors.New("there is no time to tell it for"))
	}
	var l *ledger
	if err == nil {
		l, err = r.read(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("rollback: what is known to be good: %w", err)
	}
	bake, depth := r.Bake, r.Depth
	if bake == 0 {
		bake = DefaultGoodAfter
	}
	if depth == 0 {
		depth = DefaultDepth
	}
	known := l.knownGood(service, at, bake)
	return known[:min(depth, len(known))], nil
}

// stay is a time in which the whole fleet ran one version.
type stay struct {
	Version
	proves bool
}

// knownGood returns all versions of a service that are known to be good, the newest
// first.
func (l *ledger) knownGood(service string, at time.Time, bake time.Duration) (known []Version) {
	h := l.services[service]
	if h == nil {
		return nil
	}
	seen := make(map[string]bool)
	stays := h.stays(at)
	for _, s := range slices.Backward(stays) {
		// Bytes that were replaced under the same name are not there to go back to.
		same := s.Digest.IsZero() || s.Digest == h.digest(s.ID)
		if s.proves && same && s.Stayed >= bake && !seen[s.ID] && l.bad(service, s.ID) == nil {
			seen[s.ID] = true
			s.Running = s.ID == stays[len(stays)-1].ID
			known = append(known, s.Version)
		}
	}
	return known
}

// stays returns what the fleet has run until a time, the oldest first.
func (h *history) stays(at time.Time) (all []stay) {
	for _, d := range h.deployed {
		if d.at.After(at) {
			break
		}
		proves := h.proves(d)
		if n := len(all); n > 0 {
			last := &all[n-1]
			unchanged := last.Digest.IsZero() || d.digest.IsZero() || last.Digest == d.digest
			if last.ID == d.version && unchanged && (last.proves || !proves) {
				if last.Digest.IsZero() {
					last.Digest = d.digest
				}
				continue
			}
			last.Stayed = d.at.Sub(last.Deployed)
		}
		all = append(all, stay{Version{ID: d.version, Rollout: d.rollout, Deployed: d.at, Digest: d.digest}, proves})
	}
	if n := len(all); n > 0 {
		all[n-1].Stayed = at.Sub(all[n-1].Deployed)
	}
	return all
}
