package main

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/tidegate-go/tidegate/analysis/evidence"
	"github.com/tidegate-go/tidegate/internal/binomial"
)

// rollback is where a method stopped a rollout.
type rollback struct {
	requests, bad float64 // of the canary until then; +Inf if it never did
}

// result is what the methods did in one setting.
type result struct {
	setting
	rollbacks [][]rollback // by method, and by rollout
}

// simulate runs every setting, on all processors. A rollout's random numbers follow
// from the seed and its place alone, so that their order does not matter.
func simulate(settings []setting, methods []method, runs int, seed uint64) ([]result, error) {
	results := make([]result, len(settings))
	for i, s := range settings {
		results[i] = result{setting: s, rollbacks: make([][]rollback, len(methods))}
		for k := range methods {
			results[i].rollbacks[k] = make([]rollback, runs)
		}
	}
	type task struct{ setting, first int }
	const batch = 50
	var wait sync.WaitGroup
	tasks, failures := make(chan task), make([]error, runtime.GOMAXPROCS(0))
	for w := range failures {
		wait.Go(func() {
			for t := range tasks {
				for n := t.first; n < min(t.first+batch, runs) && failures[w] == nil; n++ {
					rng := rand.New(rand.NewPCG(seed, uint64(t.setting)<<32+uint64(n)))
					failures[w] = rollout(settings[t.setting], methods, rng, func(k int, r rollback) { results[t.setting].rollbacks[k][n] = r })
				}
			}
		})
	}
	for i := range settings {
		for first := 0; first < runs; first += batch {
			tasks <- task{i, first}
		}
	}
	close(tasks)
	wait.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// rollout simulates one, and reports where each method stopped it.
func rollout(s setting, methods []method, rng *rand.Rand, report func(method int, r rollback)) error {
	watching := make([]watch, len(methods))
	for k, m := range methods {
		var err error
		if watching[k], err = m.begin(); err != nil {
			return err
		}
		report(k, rollback{math.Inf(1), math.Inf(1)})
	}
	requests, bad, left := 0.0, 0.0, len(methods)
	for look := 0; look < looks && left > 0; look++ {
		c := s.interval(rng)
		requests, bad = requests+float64(c.CanaryTotal), bad+float64(c.CanaryEvents)
		for k, w := range watching {
			if w != nil && w.alarm(c) {
				report(k, rollback{requests, bad})
				watching[k] = nil
				left--
			}
		}
	}
	return nil
}

// interval draws what is counted between two looks.
func (s setting) interval(rng *rand.Rand) (c evidence.Counts) {
	all := uint64(seconds * s.perSecond)
	c.CanaryTotal = binomial.Draw(rng, all, s.share)
	c.BaselineTotal = all - c.CanaryTotal
	c.CanaryEvents = binomial.Draw(rng, c.CanaryTotal, s.rate*s.lift)
	c.BaselineEvents = binomial.Draw(rng, c.BaselineTotal, s.rate)
	return c
}

// rolledBack is the part of rollouts that a method stopped.
func (r result) rolledBack(method int) float64 {
	n := 0
	for _, b := range r.rollbacks[method] {
		if !math.IsInf(b.requests, 1) {
			n++
		}
	}
	return float64(n) / float64(len(r.rollbacks[method]))
}

// quantile is that of a figure over all rollouts of a method.
func (r result) quantile(method int, p float64, figure func(rollback) float64) float64 {
	figures := make([]float64, len(r.rollbacks[method]))
	for n, b := range r.rollbacks[method] {
		figures[n] = figure(b)
	}
	slices.Sort(figures)
	return evidence.Quantile(figures, p)
}
