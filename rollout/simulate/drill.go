package simulate

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/tidegate-go/tidegate/rollout"
)

// Drill is what came of many rollouts of one plan, with every fault that there is.
type Drill struct {
	// Rollouts is how many were simulated, Events how many things happened in them,
	// Runners how many runners it took: all but the first of a rollout took over from
	// one that had died, or lost its lease.
	Rollouts, Events, Runners int
	// Ends is how many ended how, by the phase's word; "held" for those that waited for
	// a human who said no more, "unended" for those that had not ended when they had
	// had more events than it makes sense to follow.
	Ends map[string]int
	// Faults is how often each happened, by its name.
	Faults map[string]int
	// Exposed is the most targets that had the new version at once in any of them.
	Exposed int
	// Broken is the smallest rollout found in which an invariant was broken, Err how;
	// nil when all of them held.
	Broken *Scenario
	Err    error
}

// RunDrill simulates n rollouts of a plan, each with faults of its own: steps that fail,
// hang, lie or come late, metrics that are missing, stale or wrong, a journal that fails
// or tears, runners that crash, stand still or lose their lease, clocks that jump, other
// hands and humans. After every event all invariants are checked. The gates go by dice,
// since nothing is known of the metrics. The same seed gives the same drill. It uses all
// processors. When ctx ends, what was done by then is returned with its error.
func RunDrill(ctx context.Context, spec *rollout.Spec, n int, seed uint64) (Drill, error) {
	d := Drill{Ends: make(map[string]int), Faults: make(map[string]int)}
	if spec == nil || n < 1 {
		return d, errors.New("simulate: a drill needs a spec, and one rollout at least")
	}
	var state rollout.State
	if err := state.Step(rollout.Event{Kind: rollout.Started, At: start, Spec: spec}); err != nil {
		return d, err
	}
	var mu sync.Mutex
	var next atomic.Uint64
	var wg sync.WaitGroup
	var first *Scenario // of those that broke a rule, the one with the lowest seed
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= uint64(n) {
					return
				}
				sc := drillOf(spec, seed+i)
				trace, err := sc.Run()
				mu.Lock()
				d.add(trace)
				if err != nil && (first == nil || sc.Seed < first.Seed) {
					first = &sc
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if first != nil {
		small := Shrink(*first)
		_, d.Err = small.Run()
		d.Broken = &small
	}
	return d, context.Cause(ctx)
}

// drillOf returns a scenario of a plan: the faults are random, the plan is not.
func drillOf(spec *rollout.Spec, seed uint64) Scenario {
	sc := Random(seed)
	sc.Spec, sc.Checks, sc.Replay = spec, 0, false
	steps := 0
	for _, w := range spec.Waves {
		steps += len(w.Steps)
	}
	sc.Most = scenarioMost + 50*steps
	return sc
}

func (d *Drill) add(t *Trace) {
	d.Rollouts++
	d.Events += len(t.Events)
	d.Runners += t.Runners
	end := t.State.Phase()
	switch {
	case t.Held:
		d.Ends["held"]++
	case !end.Final():
		d.Ends["unended"]++
	default:
		d.Ends[end.String()]++
	}
	for f, n := range t.Hits {
		if n > 0 {
			d.Faults[Fault(f).String()] += n
		}
	}
	d.Exposed = max(d.Exposed, t.State.Peak().Exposed)
}
