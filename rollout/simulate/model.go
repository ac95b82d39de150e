package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// Model is how the world answers. Every function may be nil for the best case:
// steps take a second and succeed, gates pass after a minute, nobody says
// anything, nothing crashes. The functions take their randomness from r, so
// that a seed tells the whole story.
type Model struct {
	// Do and Undo say how carrying out a step comes out.
	Do, Undo func(r *rand.Rand, step string) Outcome
	// Mitigate says how a mitigation, or the page (rollout.PageName), comes out.
	Mitigate func(r *rand.Rand, name string) Outcome
	// Gate says what the gate of a wave (from 1) decides, and how long after its
	// last step. Looks is asked, while the wave is still being deployed, whether
	// the gate fails already. Recheck says what a gate on the way back decides
	// (rollout.CanaryGate, rollout.RecoveryGate). Where a plan is played, its own
	// gates decide, and these are not asked.
	Gate    func(r *rand.Rand, wave int) Ruling
	Looks   func(r *rand.Rand, wave int) bool
	Recheck func(r *rand.Rand, gate string) Ruling
	// Guard is asked every second while guards are watched; nil is content.
	Guard func(r *rand.Rand) *guardrails.Breach
	// Human is asked after every event for a verb; an event of kind Unknown is
	// none.
	Human func(r *rand.Rand) rollout.Event
	// Crash is asked after every append whether the runner dies there. Another
	// one takes over.
	Crash func(r *rand.Rand) bool
}

// Outcome is how carrying out a step comes out. The zero Outcome succeeds at
// once.
type Outcome struct {
	Takes time.Duration
	// Err is what is reported; empty is success, which always took effect.
	Err string
	// Effect says that it took effect although it is reported as failed.
	Effect bool
	// Hangs says that it does not end by itself, but when it is cancelled or times
	// out.
	Hangs bool
	// Late is how long after that it ends if it does not heed it at all. It is left
	// behind after the grace, and reported as failed.
	Late time.Duration
}

// Ruling is what a gate decides. Its zero value never decides.
type Ruling struct {
	After   time.Duration
	Outcome analysis.Outcome
}
