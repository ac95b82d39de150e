package main

import "github.com/tidegate-go/tidegate/analysis/evidence"

// A method decides on rollbacks.
type method struct {
	name  string
	begin func() (watch, error)
}

// A watch is a method at work on one rollout.
type watch interface {
	// alarm takes what the next ten seconds showed, and tells whether to roll back.
	alarm(c evidence.Counts) bool
}

// allMethods are ours first, and then what is common.
func allMethods() []method {
	ready := func(begin func() watch) func() (watch, error) {
		return func() (watch, error) { return begin(), nil }
	}
	return []method{
		{"eager", beginEager},
		{"exact", beginExact},
		{"e-process", beginRestarts},
		{"dual", beginDual},
		{"z-test 5%", ready(func() watch { return &zTest{} })},
		{"Mann-Whitney", ready(func() watch { return &minutes{judge: everyFiveMinutes(rankTest)} })},
		{"> 1%", ready(func() watch { return &minutes{judge: failing(aboveOnePercent)} })},
		{"> 2x", ready(func() watch { return &minutes{judge: failing(aboveTwice)} })},
	}
}

// legend explains their names.
const legend = `eager: as exact, with evidence.NewEagerSpending
exact: evidence.Spending over 180 looks, alpha 1%
e-process: evidence.Harm with restarts, alpha 1%
dual: Spending at 0.7% and Harm with restarts at 0.3%, whichever is first
z-test 5%: of the rates so far, at 5%, after every scrape
Mann-Whitney: as Kayenta's judge, at 98%, every 5 minutes on all error rates per minute so far
> 1%: the canary's error rate in a minute, more than 3 times
> 2x: the canary's error rate in a minute as a multiple of the baseline's, more than 3 times
`
