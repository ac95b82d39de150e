package simulate_test

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/rollout/simulate"
)

var (
	rollouts  = flag.Int("rollouts", 3000, "how many random rollouts to simulate")
	firstSeed = flag.Uint64("seed", 1, "the first seed of the random rollouts")
)

// totals is what came of many rollouts.
type totals struct {
	mu       sync.Mutex
	rollouts int
	events   int
	runners  int
	hits     map[simulate.Fault]int
	ends     map[string]int
	failed   map[string]simulate.Scenario // by rule: the one with the lowest seed
	failures int
}

func (t *totals) add(trace *simulate.Trace) {
	t.rollouts++
	t.events += len(trace.Events)
	t.runners += trace.Runners
	for f, n := range trace.Hits {
		t.hits[simulate.Fault(f)] += n
	}
	end := trace.State.Phase().String()
	if trace.Held {
		end = "held"
	}
	t.ends[end]++
}

func (t *totals) fail(rule string, sc simulate.Scenario) {
	if was, ok := t.failed[rule]; !ok || sc.Seed < was.Seed {
		t.failed[rule] = sc
	}
}

func newTotals() *totals {
	return &totals{hits: make(map[simulate.Fault]int), ends: make(map[string]int), failed: make(map[string]simulate.Scenario)}
}

func (t *totals) merge(o *totals) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rollouts, t.events, t.runners = t.rollouts+o.rollouts, t.events+o.events, t.runners+o.runners
	for f, n := range o.hits {
		t.hits[f] += n
	}
	for e, n := range o.ends {
		t.ends[e] += n
	}
	t.failures += o.failures
	for rule, sc := range o.failed {
		t.fail(rule, sc)
	}
}

// Any plan, with any faults, keeps every invariant after every event. Many more:
//
//	go test ./rollout/simulate -run Promises -v -args -rollouts 200000
func TestEveryRolloutKeepsItsPromises(t *testing.T) {
	began := time.Now()
	all := newTotals()
	var next atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			mine := newTotals()
			for {
				n := next.Add(1) - 1
				if n >= uint64(*rollouts) {
					break
				}
				sc := simulate.Random(*firstSeed + n)
				trace, err := sc.Run()
				mine.add(trace)
				if err != nil {
					mine.failures++
					mine.fail(simulate.Rule(err), sc)
				}
			}
			all.merge(mine)
		})
	}
	wg.Wait()
	took := time.Since(began)
	t.Logf("%d events of %d rollouts by %d runners in %v: %.0f events/s", all.events, all.rollouts, all.runners, took.Round(time.Millisecond), float64(all.events)/took.Seconds())
	t.Logf("ends: %v", all.ends)
	var lines []string
	for _, f := range simulate.AllFaults() {
		lines = append(lines, fmt.Sprintf("%v %d", f, all.hits[f]))
	}
	t.Logf("faults: %s", strings.Join(lines, ", "))
	for _, rule := range slices.Sorted(maps.Keys(all.failed)) {
		sc := all.failed[rule]
		_, was := sc.Run()
		small := simulate.Shrink(sc)
		trace, err := small.Run()
		t.Errorf("seed %d: %v\nshrunk to: %v\n%s\n%s", sc.Seed, was, err, simulate.Story(trace), simulate.GoTest(small))
	}
	require.Zero(t, all.failures, "of %d rollouts", all.rollouts)
	if *rollouts < 1000 {
		return
	}
	for _, f := range simulate.AllFaults() {
		require.NotZero(t, all.hits[f], "no rollout had the fault %v", f)
	}
	for _, end := range []string{"completed", "partial", "rolled-back", "rollback-incomplete", "halted", "aborted", "contained", "held"} {
		require.NotZero(t, all.ends[end], "no rollout ended %s", end)
	}
}
