package rollout

import (
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollback"
)

// Bounds is the most that can go wrong with a plan, worked out from the plan alone.
// Shares are rounded up to a hundredth of a percent; times are the longest that the
// plan's own limits allow.
//
// The times count what the plan bounds, and no more: not how long a guard, a pause or
// a missing approval holds the rollout, not the time in which no runner runs, and
// not what a Deployer takes that does not return when its context ends.
type Bounds struct {
	// Targets is how many targets and steps there are, Weight what they stand for.
	Targets int
	Weight  int64
	// Waves are the plan's, in order.
	Waves []WaveBounds
	// Detect is the longest of all waves' times to detect, but for those that are
	// Blind. RollBack and GiveUp are the longest of all waves'.
	Detect, RollBack, GiveUp time.Duration
	// Irreversible are the IDs of the steps that cannot be undone, in order.
	Irreversible []string
}

// WaveBounds is the most that can go wrong up to the end of one wave: it was carried
// out in full, and its gate has not been passed.
type WaveBounds struct {
	// Wave counts from 1. Targets is how many it has, Weight what they stand for.
	Wave, Targets int
	Weight        int64
	// Exposed run the new version, of this wave and those before it; ExposedWeight
	// and ExposedPercent are their weight, and its share of the fleet's.
	Exposed        int
	ExposedWeight  int64
	ExposedPercent float64
	// Unproven are the exposed ones that no gate has looked at: those of this wave,
	// and of the Ungated ones right before it. A guardrails.MaxExposure counts those
	// as proven.
	Unproven        int
	UnprovenWeight  int64
	UnprovenPercent float64
	// Domains has, for each label of the fleet in order of their names, the value that
	// is exposed the most.
	Domains []DomainBounds

	// Detect is the longest time from the wave's first step to a gate's decision:
	//
	//	⌈targets / at once⌉ · StepTimeout + the gate's deadline
	//
	// where at once is the plan's Concurrency, or what the Floor leaves where that is
	// less. For an Ungated wave the time until the next gate's decision is added. A
	// rehearsal adds one step to the first wave, and RollBack of one target. A gate that
	// waits at its deadline has called for a human by then. Zero when Blind.
	Detect time.Duration
	// Blind says that no gate comes after the wave: nothing but the guards and people
	// would see what is wrong with it.
	Blind bool

	// Frozen says that a failure in this wave takes nothing back: a step up to here is
	// irreversible, or the plan's OnFailure says so. In the first case the times below
	// are zero; in the second they are those after a human has given the rollback verb.
	Frozen bool
	// Batches is in how many batches all that is exposed is undone, and Rounds how many
	// undos come after one another: the batches grow as rollback.Ramp says, and none
	// reaches over the end of a wave, since a wave is undone in full before the one
	// before it. So they may be more than rollback.Rounds knows of.
	Batches, Rounds int
	// Expected is how long it takes to undo all that is exposed, if one undo takes
	// Rollback.Takes:
	//
	//	Rounds · Takes + (Batches − 1) · Jitter
	//
	// Zero when that is unknown.
	Expected time.Duration
	// RollBack is the longest time until all that is exposed runs the previous version,
	// and that is verified:
	//
	//	the fast mitigations' timeouts + the least of
	//	    Rollback.Deadline, and
	//	    2 · (Rounds · (one undo + Jitter) + the survey)
	//	        + the canary gate's deadline + the verify gate's deadline
	//
	// where one undo is Attempts · Timeout and the longest pauses in between, and the
	// survey asks all targets what they run, as many at once as the plan's Concurrency:
	// (⌈exposed / Concurrency⌉ + 1) · Timeout, or 30 s where that is less. All of it counts
	// twice, since what turns out to run something else is undone once more, and asked
	// again.
	RollBack time.Duration
	// GiveUp is the longest time until a human is called, since nothing has helped:
	// RollBack, and as long again without the fast mitigations for every older version
	// (those in Older, and as many as the Registry may know), the fallbacks' timeouts
	// and that of the page.
	GiveUp time.Duration
}

// DomainBounds is how much of one failure domain may be exposed.
type DomainBounds struct {
	// Label and Value name the domain. Targets without the label are of the value "".
	Label, Value string
	// Targets is how many it has, Exposed how many of them run the new version, and
	// ExposedPercent their share of its weight.
	Targets, Exposed int
	ExposedPercent   float64
	// UnprovenPercent is the share of its weight that is exposed and unproven.
	UnprovenPercent float64
}

// Bounds returns the most that can go wrong, or every problem of the plan as a
// *PlanError. It is arithmetic, and touches nothing.
func (p *Plan) Bounds() (Bounds, error) {
	c, err := p.compile()
	if err != nil {
		return Bounds{}, err
	}
	return p.bounds(c)
}

func (p *Plan) bounds(c *compiled) (Bounds, error) {
	var s State
	if err := s.load(c.spec); err != nil {
		return Bounds{}, err
	}
	b := Bounds{Targets: s.tallies[0].Targets, Weight: s.tallies[0].Weight}
	back := p.wayBackBounds(c)
	for w, wave := range c.spec.Waves {
		wb := WaveBounds{Wave: w + 1, Targets: len(wave.Steps)}
		before := s.tallies[0]
		s.wave = w
		for i := s.bounds[w]; i < s.bounds[w+1]; i++ {
			s.set(int32(i), StepDone)
			if step := wave.Steps[i-s.bounds[w]]; step.Irreversible {
				b.Irreversible = append(b.Irreversible, step.ID)
			}
		}
		wb.exposure(&s, before)
		if wave.Ungated == "" {
			s.prove()
		}
		back.of(&wb, len(b.Irreversible) > 0)
		wb.Frozen = len(b.Irreversible) > 0 || p.OnFailure == Freeze
		b.RollBack, b.GiveUp = max(b.RollBack, wb.RollBack), max(b.GiveUp, wb.GiveUp)
		b.Waves = append(b.Waves, wb)
	}
	p.detection(c, &b, back)
	return b, nil
}

// exposure takes in what is exposed once a wave is done.
func (wb *WaveBounds) exposure(s *State, before guardrails.Tally) {
	all := s.tallies[0]
	wb.Weight = all.ExposedWeight - before.ExposedWeight
	wb.Exposed, wb.ExposedWeight, wb.ExposedPercent = all.Exposed, all.ExposedWeight, percentUp(all.ExposedWeight, all.Weight)
	wb.Unproven, wb.UnprovenWeight, wb.UnprovenPercent = all.Unproven, all.UnprovenWeight, percentUp(all.UnprovenWeight, all.Weight)
	worst := make(map[string]DomainBounds)
	for key, i := range s.byLabel {
		t := s.tallies[i]
		d := DomainBounds{
			Label: key[0], Value: key[1], Targets: t.Targets, Exposed: t.Exposed,
			ExposedPercent: percentUp(t.ExposedWeight, t.Weight), UnprovenPercent: percentUp(t.UnprovenWeight, t.Weight),
		}
		if w, ok := worst[d.Label]; !ok || d.worse(w) {
			worst[d.Label] = d
		}
	}
	for _, label := range slices.Sorted(maps.Keys(worst)) {
		wb.Domains = append(wb.Domains, worst[label])
	}
}

// worse orders the domains of a label: what is exposed more comes first, then what is
// larger, then by name, so that the same plan has the same bounds.
func (d DomainBounds) worse(than DomainBounds) bool {
	switch {
	case d.ExposedPercent != than.ExposedPercent:
		return d.ExposedPercent > than.ExposedPercent
	case d.Targets != than.Targets:
		return d.Targets > than.Targets
	default:
		return strings.Compare(d.Value, than.Value) < 0
	}
}

// detection works out the times to detect, from the last wave to the first: what has no
// gate is found out by the next one.
func (p *Plan) detection(c *compiled, b *Bounds, back *wayBackBounds) {
	timeout := orDefault(p.StepTimeout, DefaultStepTimeout)
	next, blind := time.Duration(0), true
	for w := len(b.Waves) - 1; w >= 0; w-- {
		wb := &b.Waves[w]
		steps := times(ceilDiv(wb.Targets, c.spec.atOnce()), timeout)
		if w == 0 && c.spec.Undo.Rehearse {
			steps = plus(plus(steps, timeout), back.undo)
		}
		if gate := c.gates[w]; c.spec.Waves[w].Ungated == "" && gate != nil {
			next, blind = gate.Deadline(), false
		}
		next = plus(next, steps)
		if wb.Blind = blind; !blind {
			wb.Detect = next
			b.Detect = max(b.Detect, next)
		}
	}
}

// atOnce is how many steps are in flight at once, forward.
func (s *Spec) atOnce() int {
	if s.MaxDown > 0 {
		return min(s.Concurrency, s.MaxDown)
	}
	return s.Concurrency
}

// undosAtOnce is how many undos are in flight at once.
func (s *Spec) undosAtOnce() int {
	if s.MaxDown > 0 {
		return min(s.Undo.Parallel, s.MaxDown)
	}
	return s.Undo.Parallel
}

// wayBackBounds are the parts of the times to roll back that are the same in all waves.
type wayBackBounds struct {
	batch, parallel int
	askers          int           // how many targets are asked at once
	survey          time.Duration // how long one may take to answer
	takes, undo     time.Duration // one undo, as a rule and at most
	jitter          time.Duration
	deadline        time.Duration
	fast, fallback  time.Duration
	gates           time.Duration
	older           int
	waves           []int         // their sizes
	below           []roundsCount // by wave: of all before it, in batches of full size
}

// roundsCount is how many undos come after one another, in how many batches.
type roundsCount struct{ rounds, batches int }

func (a roundsCount) and(b roundsCount) roundsCount {
	return roundsCount{a.rounds + b.rounds, a.batches + b.batches}
}

// full counts n steps of one wave in batches of full size.
func (w *wayBackBounds) full(n int) roundsCount {
	whole, rest := n/w.batch, n%w.batch
	return roundsCount{whole*ceilDiv(w.batch, w.parallel) + ceilDiv(rest, w.parallel), whole + min(rest, 1)}
}

// rounds counts all waves up to one, from 1: the newest ones in batches that grow.
func (w *wayBackBounds) rounds(wave int) (rounds, batches int) {
	var c roundsCount
	for i := wave - 1; i >= 0; i-- {
		for left := w.waves[i]; left > 0; {
			size := rollback.Ramp(c.batches, w.batch)
			if size == w.batch {
				c = c.and(w.full(left)).and(w.below[i])
				return c.rounds, c.batches
			}
			n := min(size, left)
			c = c.and(roundsCount{ceilDiv(n, w.parallel), 1})
			left -= n
		}
	}
	return c.rounds, c.batches
}

func (p *Plan) wayBackBounds(c *compiled) *wayBackBounds {
	policy := p.Rollback.WithDefaults()
	w := &wayBackBounds{
		batch: c.spec.Undo.Batch, parallel: c.spec.undosAtOnce(),
		takes: policy.Takes, undo: longestUndo(policy), jitter: c.spec.Undo.Jitter, deadline: policy.Deadline,
		older: len(policy.Older), askers: max(c.spec.Concurrency, 1), survey: min(askLimit, policy.Timeout),
	}
	for _, m := range policy.Fast {
		w.fast = plus(w.fast, m.Limit())
	}
	for _, m := range policy.Fallback {
		w.fallback = plus(w.fallback, m.Limit())
	}
	if policy.Page != nil {
		w.fallback = plus(w.fallback, rollback.DefaultMitigationTimeout)
	}
	for _, g := range []analysis.Gate{policy.Canary, policy.Verify} {
		if len(g.Checks) > 0 {
			w.gates = plus(w.gates, g.Deadline())
		}
	}
	var below roundsCount
	for _, wave := range c.spec.Waves {
		w.waves, w.below = append(w.waves, len(wave.Steps)), append(w.below, below)
		below = below.and(w.full(len(wave.Steps)))
	}
	if r := policy.Registry; r != nil {
		w.older += orDefault(r.Depth, rollback.DefaultDepth)
	}
	return w
}

// longestUndo is the longest that one undo may take: every try its time, and the
// longest pauses in between.
func longestUndo(p rollback.Policy) time.Duration {
	total, pause := times(p.Attempts, p.Timeout), p.Backoff
	for try := 1; try < p.Attempts; try++ {
		if pause = min(pause, rollback.MaxPause); pause == rollback.MaxPause {
			return plus(total, times(p.Attempts-try, pause)) // those that are left are all alike
		}
		total, pause = plus(total, pause), 2*pause
	}
	return total
}

// of works out how long a rollback of all that is exposed after a wave takes.
func (w *wayBackBounds) of(wb *WaveBounds, irreversible bool) {
	if irreversible {
		return
	}
	wb.Rounds, wb.Batches = w.rounds(wb.Wave)
	if w.takes > 0 {
		wb.Expected = plus(times(wb.Rounds, w.takes), times(wb.Batches-1, w.jitter))
	}
	round := plus(times(wb.Rounds, plus(w.undo, w.jitter)), times(ceilDiv(wb.Exposed, w.askers)+1, w.survey))
	one := min(w.deadline, plus(times(2, round), w.gates))
	wb.RollBack = plus(w.fast, one)
	wb.GiveUp = plus(plus(wb.RollBack, times(w.older, one)), w.fallback)
}

// percentUp returns a share in percent, rounded up to a hundredth, without going
// through a float64, which does not hold all weights.
func percentUp(part, whole int64) float64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(min(part, whole)), 100*100)
	lo, carry := bits.Add64(lo, uint64(whole)-1, 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(whole))
	return float64(q) / 100
}

func ceilDiv(n, by int) int { return (n + by - 1) / by }

// times returns a duration many times over, and the longest there is where that is
// too long to be held.
func times(n int, d time.Duration) time.Duration {
	switch {
	case n <= 0 || d <= 0:
		return 0
	case d > math.MaxInt64/time.Duration(n):
		return math.MaxInt64
	}
	return time.Duration(n) * d
}

// plus adds durations as times multiplies them.
func plus(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
