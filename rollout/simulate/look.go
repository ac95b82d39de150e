package simulate

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/internal/binomial"
	"github.com/tidegate-go/tidegate/rollout"
)

// arm is where a target stands for the checks, as far as its runner knows.
type arm uint8

const (
	armPending arm = iota // runs the old version
	armBetween            // nobody knows
	armDone               // runs the new version
	armUndone             // runs the old version again
)

// followArms keeps the arms in step with the state.
func (r *runner) followArms(ev *rollout.Event) {
	switch ev.Kind {
	case rollout.Started:
		r.arms = make([]arm, len(r.s.steps))
	case rollout.Doing, rollout.Undoing, rollout.DoFailed, rollout.UndoFailed:
		r.arms[r.s.index[ev.Step]] = armBetween
	case rollout.Done:
		r.arms[r.s.index[ev.Step]] = armDone
	case rollout.Undone:
		r.arms[r.s.index[ev.Step]] = armUndone
	}
}

// Look is what a check looks at: what its Source would be asked.
type Look struct {
	// Check is the check's name, Wave its wave (from 1), and Gate empty, or one of
	// rollout.CanaryGate and rollout.RecoveryGate on the way back.
	Check string
	Wave  int
	Gate  string
	// Start and End are the window, by the runner's clock.
	Start, End time.Time

	s                *sim
	canary, baseline arm
	arms             []arm
}

// Seconds is how long the window is.
func (l *Look) Seconds() float64 { return l.End.Sub(l.Start).Seconds() }

// Canary returns the targets that should run the new version (on the way back, the old
// one again); Baseline those that they are compared with.
func (l *Look) Canary() Group { return Group{l, l.canary} }

// Baseline returns the targets that the canary is compared with.
func (l *Look) Baseline() Group { return Group{l, l.baseline} }

// Group is one arm of a Look.
type Group struct {
	look *Look
	arm  arm
}

// Target is one target as it really is.
type Target struct {
	Name   string
	Labels map[string]string
	Weight int64
	// Runs is the version that it really runs, For how long by now.
	Runs string
	For  time.Duration
}

// Any tells whether there is one target at least.
func (g Group) Any() bool {
	for _, a := range g.look.arms {
		if a == g.arm {
			return true
		}
	}
	return false
}

// Targets yields every target of the group.
func (g Group) Targets() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		s := g.look.s
		for i, a := range g.look.arms {
			if a != g.arm {
				continue
			}
			step, t := s.steps[i], &s.targets[i]
			if !yield(Target{step.ID, step.Labels, max(1, step.Weight), t.runs, s.now - t.since}) {
				return
			}
		}
	}
}

// Signal is what a check sees: requests, some of which go wrong; or a value.
type Signal struct {
	// PerSecond is how many requests a second there are for each unit of weight. Zero
	// means that the signal is a value and no count.
	PerSecond float64 `json:"perSecond,omitempty"`
	// Old and New are the share of requests that go wrong, or the value, on targets
	// that run the old and the new version; and New only After so long.
	Old   float64       `json:"old,omitempty"`
	New   float64       `json:"new,omitempty"`
	After time.Duration `json:"after,omitempty"`
	// Versions are the same for other versions; those that are not here are like Old.
	Versions map[string]float64 `json:"versions,omitempty"`
}

// see is what a check sees, with its faults.
func (s *sim) see(look *Look) analysis.Observation {
	switch {
	case s.hit(MetricsMissing):
		return analysis.Observation{At: look.End, Err: "the source has no answer"}
	case s.hit(MetricsNaN):
		return analysis.Observation{At: look.End, Canary: analysis.Sample{Kind: analysis.ValueKind, Value: math.NaN()}}
	case s.hit(MetricsFlap):
		s.flaps = s.now + s.upTo(3*time.Minute)
	}
	lie := s.hit(MetricsLie) || (s.now < s.flaps && s.rand.IntN(2) == 0)
	var o analysis.Observation
	if s.world.See != nil {
		o = s.world.See(s.rand, look)
	} else if signal, ok := s.world.Signals[look.Check]; ok {
		if s.world.Faults[ReleaseSick] > 0 && !s.sick {
			signal.New = signal.Old
		}
		if lie {
			signal.Old, signal.New = signal.New, signal.Old
		}
		o = signal.see(look)
	} else {
		o.Err = "the world has no signal of that name"
	}
	if o.At.IsZero() || o.At.After(look.End) {
		o.At = look.End
	}
	if s.hit(MetricsStale) {
		o.At = start.Add(-time.Minute)
	}
	return o
}

func (g *Signal) see(look *Look) analysis.Observation {
	return analysis.Observation{At: look.End, Canary: g.sample(look, look.canary), Baseline: g.sample(look, look.baseline)}
}

// sample is what one arm shows.
func (g *Signal) sample(look *Look, of arm) analysis.Sample {
	s := look.s
	var well, ill, other float64 // by weight
	bad, any := g.Old, false
	for i, a := range look.arms {
		if a != of {
			continue
		}
		any = true
		t, w := &s.targets[i], float64(max(1, s.steps[i].Weight))
		switch {
		case t.runs == s.spec.To:
			if s.now-t.since < g.After {
				well += w
			} else {
				ill += w
			}
		case t.runs == s.spec.From:
			well += w
		default:
			if share, known := g.Versions[t.runs]; known {
				other, bad = other+w, share
			} else {
				well += w
			}
		}
	}
	if !any {
		return analysis.Sample{}
	}
	if g.PerSecond == 0 {
		return analysis.Gauge((well*g.Old + ill*g.New + other*bad) / (well + ill + other))
	}
	total, events := uint64(0), uint64(0)
	for _, part := range [...]struct{ weight, share float64 }{{well, g.Old}, {ill, g.New}, {other, bad}} {
		if n := requests(s.rand, part.weight*g.PerSecond*look.Seconds()); n > 0 {
			total += n
			events += binomial.Draw(s.rand, n, part.share)
		}
	}
	return analysis.Counts(events, total)
}

// requests is a number of requests whose mean is given: the fraction of one comes by
// chance.
func requests(r *rand.Rand, mean float64) uint64 {
	if !(mean > 0) {
		return 0
	}
	n := math.Floor(mean)
	if r.Float64() < mean-n {
		n++
	}
	return uint64(n)
}
