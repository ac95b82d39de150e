package rollout

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// SpecFormat is the version of the journal's format. It grows when an older version
// could not carry on with what this one writes.
const SpecFormat = 1

// Spec is a plan as the core sees it: percentages have become named steps, and
// every default is filled in. It is recorded with the Started event, so that a
// rollout that is resumed goes on as it began, whatever the fleet looks like
// by then.
type Spec struct {
	// Format is the version of the journal's format, SpecFormat when it is written.
	// Zero is what was written before formats were numbered.
	Format  int        `json:"format,omitempty"`
	Rollout string     `json:"rollout"`
	Service string     `json:"service"`
	From    string     `json:"from"`
	To      string     `json:"to"`
	Waves   []SpecWave `json:"waves"`
	// Concurrency is the most steps in flight, forward.
	Concurrency int `json:"concurrency"`
	// MaxDown is the most steps in flight, failed or in doubt at once, forward
	// and back: the fleet less its capacity floor. Zero means no floor.
	MaxDown int `json:"maxDown,omitempty"`
	// WaveFailures and Failures are how many failed steps a wave, and the
	// rollout, may have.
	WaveFailures int `json:"waveFailures,omitempty"`
	Failures     int `json:"failures,omitempty"`
	// Guarded says that there are guards to watch.
	Guarded   bool          `json:"guarded,omitempty"`
	OnFailure FailurePolicy `json:"onFailure,omitempty"`
	// HoldAtMost is how long forward motion may be held; zero means for ever.
	HoldAtMost time.Duration `json:"holdAtMost,omitempty"`
	Undo       SpecUndo      `json:"undo"`
	// Checks are what was learnt of the gates' checks before the rollout.
	Checks []SpecChecks `json:"checks,omitempty"`
}

// SpecChecks is what was learnt of the checks of one gate.
type SpecChecks struct {
	// Wave is the first with that gate, from 1.
	Wave   int                   `json:"wave"`
	Checks []analysis.CheckStart `json:"checks"`
}

// SpecWave is one wave of a Spec.
type SpecWave struct {
	Steps []SpecStep `json:"steps"`
	// Ungated is why the wave has no gate; empty when it has one.
	Ungated    string                  `json:"ungated,omitempty"`
	OnDeadline analysis.DeadlinePolicy `json:"onDeadline,omitempty"`
	// Approval says that a human has to approve before the wave begins.
	Approval bool `json:"approval,omitempty"`
}

// SpecStep is one step of a wave.
type SpecStep struct {
	ID     string            `json:"id"`
	Labels map[string]string `json:"labels,omitempty"`
	// Weight is what the step counts for in exposure; zero means 1.
	Weight int64 `json:"weight,omitempty"`
	// Irreversible says that the step cannot be undone: once it was started, a
	// failure freezes.
	Irreversible bool `json:"irreversible,omitempty"`
}

// SpecUndo is how steps are taken back.
type SpecUndo struct {
	// Batch is how many steps are undone between two breaths; Parallel how many
	// of them at once. Ramp begins with one and grows from there.
	Batch    int  `json:"batch"`
	Parallel int  `json:"parallel"`
	Ramp     bool `json:"ramp,omitempty"`
	// Deadline bounds the way back to one version; zero means none.
	Deadline time.Duration `json:"deadline,omitempty"`
	// Fast and Fallback are the names of the mitigations before the first undo, and
	// of those after the last version.
	Fast     []string `json:"fast,omitempty"`
	Fallback []string `json:"fallback,omitempty"`
	// Older are the versions to try when From does not help.
	Older []string `json:"older,omitempty"`
	// Canary and Verify say that there is a gate on the first batch, and one on the
	// recovery.
	Canary bool `json:"canary,omitempty"`
	Verify bool `json:"verify,omitempty"`
	// Survey says that targets can be asked what they run, Page that a human can be
	// called.
	Survey bool `json:"survey,omitempty"`
	Page   bool `json:"page,omitempty"`
	// Rehearse proves the way back on the first step.
	Rehearse bool `json:"rehearse,omitempty"`
	// RTO is how long a rollback of the whole fleet may take; zero means no limit.
	RTO time.Duration `json:"rto,omitempty"`
	// Jitter is how much time each batch after the first may lose.
	Jitter time.Duration `json:"jitter,omitempty"`
	// RevertWindow is for how long after the end a rollout can be taken back; zero
	// means for ever.
	RevertWindow time.Duration `json:"revertWindow,omitempty"`
	// Domain is the label whose values are taken back apart; empty means all.
	Domain string `json:"domain,omitempty"`
}

// FailurePolicy says what a failure leads to.
type FailurePolicy uint8

const (
	// TakeBack rolls back. It is the zero value.
	TakeBack FailurePolicy = iota
	// Freeze halts, and leaves the way back to a human: for changes that cannot
	// be undone.
	Freeze
)

var failureWords = [...]string{"take-back", "freeze"}

// MarshalText writes the policy as its word.
func (p FailurePolicy) MarshalText() ([]byte, error) {
	if int(p) >= len(failureWords) {
		return nil, fmt.Errorf("rollout: unknown failure policy %d", uint8(p))
	}
	return []byte(failureWords[p]), nil
}

// UnmarshalText reads a policy's word. An unknown word is an error.
func (p *FailurePolicy) UnmarshalText(text []byte) error {
	i := slices.Index(failureWords[:], string(text))
	if i < 0 {
		return fmt.Errorf("rollout: unknown failure policy %q: want one of %v", text, failureWords)
	}
	*p = FailurePolicy(i)
	return nil
}

// check returns what is wrong with the spec, for a journal that was written by
// other hands.
func (s *Spec) check() error {
	switch {
	case s == nil:
		return fmt.Errorf("%w: the first event has no spec", ErrBadEvent)
	case s.Format > SpecFormat:
		return fmt.Errorf("%w: it is of format %d, and this version knows %d at the most: carry on with the newer version", ErrNewer, s.Format, SpecFormat)
	case s.Format < 0:
		return fmt.Errorf("%w: the spec's format is %d", ErrBadEvent, s.Format)
	case len(s.Waves) == 0:
		return fmt.Errorf("%w: the spec has no waves", ErrBadEvent)
	case s.Concurrency < 1:
		return fmt.Errorf("%w: the spec's concurrency is %d", ErrBadEvent, s.Concurrency)
	case s.Undo.Batch < 1 || s.Undo.Parallel < 1:
		return fmt.Errorf("%w: the spec undoes %d steps, %d at once", ErrBadEvent, s.Undo.Batch, s.Undo.Parallel)
	case s.MaxDown < 0 || s.WaveFailures < 0 || s.Failures < 0 || s.HoldAtMost < 0 || s.Undo.Deadline < 0 || s.Undo.RTO < 0 || s.Undo.Jitter < 0 || s.Undo.RevertWindow < 0:
		return fmt.Errorf("%w: the spec has a negative limit", ErrBadEvent)
	}
	for i, w := range s.Waves {
		if len(w.Steps) == 0 {
			return fmt.Errorf("%w: wave %d has no steps", ErrBadEvent, i+1)
		}
	}
	return nil
}

// sizes returns how many steps each wave has.
func (s *Spec) sizes() []int {
	sizes := make([]int, len(s.Waves))
	for w := range s.Waves {
		sizes[w] = len(s.Waves[w].Steps)
	}
	return sizes
}

// labels returns the names of all labels, sorted.
func (s *Spec) labels() []string {
	seen := make(map[string]struct{})
	for _, w := range s.Waves {
		for _, st := range w.Steps {
			for label := range st.Labels {
				seen[label] = struct{}{}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
