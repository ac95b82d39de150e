package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidegate-go/tidegate/guardrails"
	"github.com/tidegate-go/tidegate/rollout"
)

// site is a fleet that keeps its own books of what the guards promise: how many
// targets run a version that no gate has passed, and how many can serve.
type site struct {
	*fleet
	rng     *rand.Rand
	mu      sync.Mutex
	targets []rollout.Target
	ill     map[string]bool // cannot serve
	busy    map[string]bool // is being changed
	floor   map[string]int  // targets of each domain that have to serve
	perZone bool
	cap     int // of targets that may run what is unproven
	view    *folds
	badV2   bool
	broken  string // the first promise that was not kept
}

func (s *site) domain(t rollout.Target) string {
	if s.perZone {
		return t.Labels["zone"]
	}
	return ""
}

// Deploy checks the promises before it changes anything.
func (s *site) Deploy(ctx context.Context, t rollout.Target, r rollout.Release) error {
	s.mu.Lock()
	was := s.ill[t.Name]
	s.busy[t.Name] = true
	serving := map[string]int{}
	for _, one := range s.targets {
		if !s.ill[one.Name] && !s.busy[one.Name] {
			serving[s.domain(one)]++
		}
	}
	if d := s.domain(t); !was && serving[d] < s.floor[d] {
		s.note("%s gets %s: %d of domain %q can serve, %d have to", t.Name, r.To, serving[d], d, s.floor[d])
	}
	takes := time.Duration(s.rng.IntN(20_000)) * time.Millisecond
	fails, lies, sick := s.rng.IntN(12) == 0, s.rng.IntN(30) == 0, r.To == "v2" && s.badV2 && s.rng.IntN(3) == 0
	s.mu.Unlock()
	if unproven := read(s.view, func(st *rollout.State) int { return st.Tally("", "").Unproven }); r.To == "v2" && unproven > s.cap {
		s.mu.Lock()
		s.note("%s gets v2: %d targets run what is unproven, the cap is %d", t.Name, unproven, s.cap)
		s.mu.Unlock()
	}
	defer func() {
		s.mu.Lock()
		delete(s.busy, t.Name)
		s.mu.Unlock()
	}()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if fails {
		return errors.New("out of disk")
	}
	s.mu.Lock()
	s.ill[t.Name] = sick
	s.mu.Unlock()
	s.fleet.mu.Lock()
	s.fleet.versions[t.Name] = r.To
	s.fleet.mu.Unlock()
	if lies {
		return errors.New("timed out, though it took effect")
	}
	return nil
}

func (s *site) note(format string, args ...any) {
	if s.broken == "" {
		s.broken = fmt.Sprintf(format, args...)
	}
}

func (s *site) healthy(_ context.Context, t guardrails.Target) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ill[t.Name] && !s.busy[t.Name], nil
}

// A guard that is left out, to see that the books would show it.
const (
	none = iota - 1
	maxExposure
	minHealthy
)

// tale is how one plan went.
type tale struct {
	refused bool // the plan was no good
	broken  string
	err     error
	words   string
}

// carryOut makes a plan up, and carries it out through failures and crashes.
func carryOut(t *testing.T, seed uint64, without int) (story tale) {
	rng := rand.New(rand.NewPCG(seed, 4))
	n := 4 + rng.IntN(14)
	percent := []float64{25, 34, 50, 100}[rng.IntN(4)]
	floor := []float64{34, 50, 66}[rng.IntN(3)]
	s := &site{rng: rng, ill: map[string]bool{}, busy: map[string]bool{}, floor: map[string]int{}, perZone: rng.IntN(2) == 0, badV2: rng.IntN(2) == 0}
	s.fleet, s.targets = newFleet(n, "v1")
	s.cap = int(float64(n) * percent / 100)
	sizes := map[string]int{}
	for _, one := range s.targets {
		sizes[s.domain(one)]++
	}
	for d, size := range sizes {
		s.floor[d] = int((float64(size)*floor + 99.999) / 100)
	}
	order := rng.Perm(3)
	guards := func() (chosen []guardrails.Guard) { // as a new process makes them
		live := &guardrails.MinHealthy{Percent: floor, Probe: s.healthy, Every: time.Second, Settle: 25 * time.Second}
		if s.perZone {
			live.PerLabel = "zone"
		}
		for _, one := range s.targets {
			live.Targets = append(live.Targets, guardrails.Target{Name: one.Name, Labels: one.Labels})
		}
		all := []guardrails.Guard{maxExposure: guardrails.MaxExposure{Percent: percent}, minHealthy: live, 2: &guardrails.KillSwitch{}}
		for _, i := range order {
			if i != without {
				chosen = append(chosen, all[i])
			}
		}
		return chosen
	}
	rate := 0.01
	if rng.IntN(3) == 0 {
		rate = 0.2
	}
	plan := aPlan(s.targets, rate)
	plan.Waves = []rollout.Waves{rollout.OneThenDouble(), rollout.Percent(10, 30, 60, 100), rollout.ByLabel("zone"), rollout.Counts(1, 2)}[rng.IntN(4)]
	plan.Concurrency = 1 + rng.IntN(4)
	plan.HoldAtMost = 5 * time.Minute
	if total := rng.IntN(3); total > 0 {
		plan.Failures = rollout.FailureBudget{PerWave: 1, Total: total}
	}
	plan.Guards = guards()
	if plan.Validate() != nil {
		return tale{refused: true}
	}
	synctest.Test(t, func(t *testing.T) {
		journal := &rollout.MemoryJournal{}
		for crashes := rng.IntN(4); ; crashes-- {
			s.view = &folds{}
			p := plan
			p.Guards = guards()
			r := aRunner(p, s, journal, s.view)
			r.Grace = time.Duration(1+rng.IntN(30)) * time.Second
			life := 10 * time.Hour
			if crashes > 0 {
				life = time.Duration(rng.IntN(300)) * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), life)
			_, story.err = r.Run(ctx)
			cancel()
			if !errors.Is(story.err, rollout.ErrInterrupted) {
				break
			}
			time.Sleep(time.Minute) // what was left behind comes to its end
		}
	})
	story.broken = s.broken
	story.words = fmt.Sprintf("seed %d: %d targets, waves %T, cap %v%%, floor %v%%, per zone %v, guards %v", seed, n, plan.Waves, percent, floor, s.perZone, order)
	return story
}

// However the guards are ordered, the waves are cut, deployments fail and runners
// crash, forward and back: no cap is crossed, and the capacity stays above its floor.
func TestCapsAndFloorsHoldThroughEverything(t *testing.T) {
	began, rolledBack, completed := 0, 0, 0
	for seed := range uint64(250) {
		story := carryOut(t, seed, none)
		require.Empty(t, story.broken, story.words)
		if !story.refused {
			began++
		}
		switch {
		case story.refused:
		case story.err == nil:
			completed++
		case errors.Is(story.err, rollout.ErrRolledBack):
			rolledBack++
		}
	}
	t.Logf("%d plans carried out: %d completed, %d rolled back", began, completed, rolledBack)
	require.Greater(t, began, 100)
	require.Greater(t, completed, 10)
	require.Greater(t, rolledBack, 30)
}

// Without the guard, the same books show that its promise is broken.
func TestWithoutItsGuardACapIsCrossed(t *testing.T) {
	for name, without := range map[string]int{"MaxExposure": maxExposure, "MinHealthy": minHealthy} {
		broken := 0
		for seed := range uint64(60) {
			if carryOut(t, seed, without).broken != "" {
				broken++
			}
		}
		require.Greater(t, broken, 3, name)
	}
}
