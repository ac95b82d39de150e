package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidegate-go/tidegate/rollout"
)

// shrinkTries is how many simulations a Shrink may take.
const shrinkTries = 4000

// Shrink returns the smallest scenario that it can find that still breaks the same rule:
// fewer waves and steps, fewer faults and happenings, smaller limits. A scenario that
// breaks none is returned as it is.
func Shrink(sc Scenario) Scenario {
	_, err := sc.Run()
	if err == nil {
		return sc
	}
	sh := shrinker{best: sc, rule: Rule(err), tries: shrinkTries}
	for sh.tries > 0 && sh.round() {
	}
	return sh.best
}

// Rule names the rule that an error of a simulation says was broken, such as "I4":
// "stuck" for a standstill, "error" for an event that the core refused, and empty for
// nil.
func Rule(err error) string {
	switch code := regexp.MustCompile(`\b[IB]\d+:`).FindString(fmt.Sprint(err)); {
	case err == nil:
		return ""
	case errors.Is(err, ErrStuck):
		return "stuck"
	case code != "":
		return strings.TrimSuffix(code, ":")
	}
	return "error"
}

type shrinker struct {
	best  Scenario
	rule  string
	tries int
}

// seeds is how many seeds are tried of each smaller scenario: with less in it, the
// dice fall otherwise.
const seeds = 6

// try takes a change over if the scenario still breaks the rule with it.
func (sh *shrinker) try(change func(*Scenario) bool) bool {
	sc := copyOf(sh.best)
	if !change(&sc) {
		return false
	}
	for n := range seeds {
		if sh.tries--; sh.tries < 0 {
			return false
		}
		sc.Seed = sh.best.Seed + uint64(n)
		if _, err := sc.Run(); err != nil && Rule(err) == sh.rule {
			sh.best = sc
			return true
		}
	}
	return false
}

// copyOf returns a scenario that shares nothing with another.
func copyOf(sc Scenario) Scenario {
	data, err := json.Marshal(sc.Spec)
	var spec rollout.Spec
	if err == nil && json.Unmarshal(data, &spec) == nil {
		sc.Spec = &spec
	}
	sc.Happenings = slices.Clone(sc.Happenings)
	return sc
}

// round tries every way to make the scenario smaller, once; it is false when none did.
func (sh *shrinker) round() (smaller bool) {
	shrunk := func(change func(*Scenario) bool) { smaller = sh.try(change) || smaller }
	for f := range sh.best.Faults {
		shrunk(func(sc *Scenario) bool { return zero(&sc.Faults[f]) })
	}
	for w := len(sh.best.Spec.Waves) - 1; w >= 0; w-- {
		shrunk(func(sc *Scenario) bool {
			if len(sc.Spec.Waves) < 2 {
				return false
			}
			sc.Spec.Waves = slices.Delete(sc.Spec.Waves, w, w+1)
			return true
		})
	}
	for w := range sh.best.Spec.Waves {
		for k := len(sh.best.Spec.Waves[w].Steps) - 1; k >= 0; k-- {
			shrunk(func(sc *Scenario) bool {
				wave := &sc.Spec.Waves[w]
				if len(wave.Steps) < 2 {
					return false
				}
				wave.Steps = slices.Delete(wave.Steps, k, k+1)
				return true
			})
		}
	}
	for i := len(sh.best.Happenings) - 1; i >= 0; i-- {
		shrunk(func(sc *Scenario) bool {
			sc.Happenings = slices.Delete(sc.Happenings, i, i+1)
			return true
		})
	}
	for _, change := range plainer() {
		shrunk(change)
	}
	return smaller
}

func zero[T comparable](v *T) bool {
	var none T
	if *v == none {
		return false
	}
	*v = none
	return true
}

// plainer are the changes that make a scenario plainer, each by itself.
func plainer() []func(*Scenario) bool {
	spec := func(change func(*rollout.Spec) bool) func(*Scenario) bool {
		return func(sc *Scenario) bool { return change(sc.Spec) }
	}
	none := func(list func(*rollout.SpecUndo) *[]string) func(*Scenario) bool {
		return func(sc *Scenario) bool {
			l := list(&sc.Spec.Undo)
			if len(*l) == 0 {
				return false
			}
			*l = (*l)[:len(*l)-1]
			return true
		}
	}
	wave := func(change func(*rollout.SpecWave) bool) func(*Scenario) bool {
		return func(sc *Scenario) (any bool) {
			for w := range sc.Spec.Waves {
				any = change(&sc.Spec.Waves[w]) || any
			}
			return any
		}
	}
	step := func(change func(*rollout.SpecStep) bool) func(*Scenario) bool {
		return wave(func(w *rollout.SpecWave) (any bool) {
			for k := range w.Steps {
				any = change(&w.Steps[k]) || any
			}
			return any
		})
	}
	one := func(n *int) bool {
		small := *n > 1
		*n = min(*n, 1)
		return small
	}
	return []func(*Scenario) bool{
		func(sc *Scenario) bool { return zero(&sc.Replay) },
		func(sc *Scenario) bool { return zero(&sc.Checks) },
		func(sc *Scenario) bool { return one(&sc.Checks) },
		func(sc *Scenario) bool {
			long := sc.Takes > time.Second
			sc.Takes = min(sc.Takes, time.Second)
			return long
		},
		spec(func(s *rollout.Spec) bool { return zero(&s.Guarded) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.HoldAtMost) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.MaxDown) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.WaveFailures) }),
		spec(func(s *rollout.Spec) bool { return s.WaveFailures == 0 && zero(&s.Failures) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.OnFailure) }),
		spec(func(s *rollout.Spec) bool { return one(&s.Concurrency) }),
		spec(func(s *rollout.Spec) bool { return one(&s.Undo.Batch) }),
		spec(func(s *rollout.Spec) bool { return one(&s.Undo.Parallel) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Ramp) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Deadline) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Canary) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Verify) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Survey) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Page) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Rehearse) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.RTO) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.RevertWindow) }),
		spec(func(s *rollout.Spec) bool { return zero(&s.Undo.Domain) }),
		none(func(u *rollout.SpecUndo) *[]string { return &u.Fast }),
		none(func(u *rollout.SpecUndo) *[]string { return &u.Fallback }),
		none(func(u *rollout.SpecUndo) *[]string { return &u.Older }),
		wave(func(w *rollout.SpecWave) bool { return zero(&w.Approval) }),
		wave(func(w *rollout.SpecWave) bool { return zero(&w.OnDeadline) }),
		wave(func(w *rollout.SpecWave) bool { return zero(&w.Ungated) }),
		step(func(s *rollout.SpecStep) bool { return zero(&s.Weight) }),
		step(func(s *rollout.SpecStep) bool { return zero(&s.Irreversible) }),
		step(func(s *rollout.SpecStep) bool {
			any := len(s.Labels) > 0
			s.Labels = nil
			return any
		}),
	}
}
