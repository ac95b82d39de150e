package analysis

import (
	"context"
	"errors"
	"time"
)

// ErrNoData is returned by a Source that was answered, but with nothing: no
// series, no target, no sample. It is never a pass.
var ErrNoData = errors.New("analysis: no data")

// A Source answers what was seen in one window, for the canary and, when
// compared, for the baseline.
//
// Observe must return when ctx is done. It is called by one goroutine at a
// time for one check, but a Source that is shared by several checks is called
// concurrently. A counting source must answer every event once: over the
// consecutive windows of a wave the counts add up.
//
// An error, or an Observation without a canary sample, is never a pass.
type Source interface {
	Observe(ctx context.Context, w Window) (Observation, error)
}

// An Exclusive source counts every event once, whoever asks, so that it can
// serve one check only. It must be comparable, as a pointer is.
type Exclusive interface {
	Source
	// Exclusive does nothing; it says so.
	Exclusive()
}

// A Historian is a Source that can also answer about the past: what was seen in
// each of the consecutive spans of length every that Window is made of, oldest
// first. The members of both arms ran the same version then. It is asked before a
// rollout, for how much the arms differ when nothing does (see Compare). A span
// of which nothing is known is left out, or has an Err.
type Historian interface {
	Source
	History(ctx context.Context, w Window, every time.Duration) ([]Observation, error)
}

// A Preflighter is a Source that has a way of its own of being tried once, before
// anything is deployed. It is for those that can only tell how much has changed
// since they last looked. The others are tried by Observe.
type Preflighter interface {
	Source
	// Preflight asks what Observe would, of both arms, and returns what is wrong:
	// nobody answers, or with something that is not what it is after. Nothing that
	// it sees counts.
	Preflight(ctx context.Context, w Window) error
}

// SourceFunc makes a function a Source.
type SourceFunc func(ctx context.Context, w Window) (Observation, error)

// Observe calls f.
func (f SourceFunc) Observe(ctx context.Context, w Window) (Observation, error) { return f(ctx, w) }

// Window is the span of time that is asked about, and who was in which arm.
type Window struct {
	Start, End time.Time
	// Wave counts from 1.
	Wave int
	// Canary runs the new version, Baseline still runs the old one.
	Canary, Baseline Arm
}

// Arm is one side of a comparison.
type Arm struct {
	Version string
	Members []Member
}

// Member is one target of an arm. Its traffic counts for the arm from Since
// on; what it did before belongs to nobody.
type Member struct {
	Name   string
	Labels map[string]string
	Since  time.Time
	// Weight is how many users, requests or hosts it stands for. Zero means 1.
	Weight int64
}

// Share is the part of the weight of both arms that the canary has: of the requests
// that it should get. It is 0 while there is only one arm.
func (w Window) Share() float64 {
	weight := func(a Arm) (sum float64) {
		for _, m := range a.Members {
			sum += float64(max(1, m.Weight))
		}
		return sum
	}
	canary, baseline := weight(w.Canary), weight(w.Baseline)
	if canary == 0 || baseline == 0 {
		return 0
	}
	return canary / (canary + baseline)
}
