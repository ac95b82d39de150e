package analysis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

var (
	// ErrPreflight: a check cannot be asked what it will be asked, so that the gate
	// could never pass.
	ErrPreflight = errors.New("analysis: a check is of no use")
	// ErrBurning: a check fails before anything has been deployed, and the gate's
	// IfBurning blocks.
	ErrBurning = errors.New("analysis: the service is in trouble already")
)

// maxHistory bounds one look into the past.
const maxHistory = 30 * time.Second

// CheckStart is what was learnt of a check before the rollout.
type CheckStart struct {
	Name string `json:"name"`
	// Arms is how much the arms differ while both run the old version.
	Arms Calibration `json:"arms,omitzero"`
	// Burns says how the check fails already; empty if it does not.
	Burns string `json:"burns,omitempty"`
}

// PreflightError is why a rollout must not begin: every check that cannot be asked
// (ErrPreflight) or fails already (ErrBurning).
type PreflightError struct{ Problems []CheckProblem }

// CheckProblem is what is wrong with one check before a rollout.
type CheckProblem struct {
	Check string
	// Burning says that the check works, and fails.
	Burning bool
	// Err says what is wrong.
	Err error
}

// Error names every check.
func (e *PreflightError) Error() string {
	var all []string
	for _, p := range e.Problems {
		if p.Burning {
			all = append(all, fmt.Sprintf("check %s fails before anything is deployed: %v", p.Check, p.Err))
		} else {
			all = append(all, fmt.Sprintf("check %s cannot be asked: %v", p.Check, p.Err))
		}
	}
	return "analysis: " + strings.Join(all, "; ")
}

// Is finds ErrPreflight and ErrBurning.
func (e *PreflightError) Is(target error) bool {
	for _, p := range e.Problems {
		if target == ErrBurning && p.Burning || target == ErrPreflight && !p.Burning {
			return true
		}
	}
	return false
}

// Unwrap returns what is wrong with each check.
func (e *PreflightError) Unwrap() (all []error) {
	for _, p := range e.Problems {
		all = append(all, p.Err)
	}
	return all
}

// Preflight asks every check once, before a rollout: it returns what was learnt of
// each, for Evaluation.Start, and a *PreflightError if one has no data, or data that
// its judge cannot take, or fails already. canary are the targets that will get the
// release first, baseline the others; all of them still run the old version, which is
// the Version of both.
//
// Where the arms can be compared beforehand (Gate.Compare), they are: from the
// records of a source that has some, or by watching for as long as that takes. That
// a comparison comes to nothing refuses no rollout, and is said in its Calibration.
//
// A source that has a way of its own of being tried (Preflighter) shows no figures by
// that: whether its judge can take them, and whether it fails already, is only found out
// here with a Compare, and otherwise when the first wave is watched.
//
// Checks are asked at the same time, each within its Timeout. A check that is a
// Shadow, or abstains without data, refuses nothing. It returns when ctx is done,
// with its error and cause. A gate with a NoPreflight learns nothing.
func (g Gate) Preflight(ctx context.Context, canary, baseline Arm) ([]CheckStart, error) {
	starts := make([]CheckStart, len(g.Checks))
	problems := make([]*CheckProblem, len(g.Checks))
	for i := range g.Checks {
		starts[i].Name = g.Checks[i].Name
	}
	if g.NoPreflight != "" {
		return starts, nil
	}
	var wg sync.WaitGroup
	for i := range g.Checks {
		wg.Go(func() { problems[i] = g.preflight(ctx, &g.Checks[i], canary, baseline, &starts[i]) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		if why := context.Cause(ctx); !errors.Is(why, err) {
			return nil, fmt.Errorf("analysis: asking the checks before the rollout: %w: %w", err, why)
		}
		return nil, fmt.Errorf("analysis: asking the checks before the rollout: %w", err)
	}
	wrong := &PreflightError{}
	for _, p := range problems {
		if p != nil {
			wrong.Problems = append(wrong.Problems, *p)
		}
	}
	if len(wrong.Problems) > 0 {
		return nil, wrong
	}
	return starts, nil
}

// preflight asks one check, and fills in what was learnt.
func (g *Gate) preflight(ctx context.Context, check *Check, canary, baseline Arm, start *CheckStart) *CheckProblem {
	at := time.Now()
	var past []Observation
	var why error
	historian, knowsPast := check.Source.(Historian)
	compared := g.Compare > 0 || knowsPast && g.Compare == 0
	if knowsPast && compared {
		past, why = g.history(ctx, historian, check, canary, baseline, at)
	}
	now, err := g.lookOnce(ctx, check, canary, baseline, at)
	if err != nil {
		if check.Shadow || check.NoData == AbstainOnNoData {
			return nil
		}
		return &CheckProblem{Check: check.Name, Err: err}
	}
	if !knowsPast && g.Compare > 0 {
		past = g.watch(ctx, check, canary, baseline, at)
	}
	switch {
	case why != nil:
		start.Arms.Problem = "the past could not be looked up: " + why.Error()
	case compared:
		start.Arms = Calibrate(past)
	}
	if check.Shadow {
		return nil
	}
	problem, burns := tryJudge(check.Judge, start.Arms, past, now)
	switch {
	case problem != "":
		return &CheckProblem{Check: check.Name, Err: errors.New(problem)}
	case burns != "" && g.IfBurning.Blocks():
		return &CheckProblem{Check: check.Name, Burning: true, Err: errors.New(burns)}
	}
	start.Burns = burns
	return nil
}

// lookOnce asks a source as it will be asked, about the time before the rollout. It
// returns nil for one that has a way of its own of being tried.
func (g *Gate) lookOnce(ctx context.Context, check *Check, canary, baseline Arm, at time.Time) (*Observation, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, g.patience(check), fmt.Errorf("no answer within %v", g.patience(check)))
	defer cancel()
	span := g.Every()
	if check.Window > 0 {
		span = check.Window
	}
	w := window(canary, baseline, at.Add(-span), at)
	if p, ok := check.Source.(Preflighter); ok {
		_, err := within(ctx, func() (struct{}, error) { return struct{}{}, p.Preflight(ctx, w) })
		return nil, err
	}
	o, err := within(ctx, func() (Observation, error) { return check.Source.Observe(ctx, w) })
	switch {
	case err != nil:
		return nil, err
	case o.Err != "":
		return nil, errors.New(o.Err)
	case !o.At.IsZero() && o.At.Before(w.Start):
		return nil, fmt.Errorf("it answers with data from %s, when asked about the time from %s", o.At.Format(time.RFC3339), w.Start.Format(time.RFC3339))
	case !o.Canary.usable():
		return nil, fmt.Errorf("%w of the targets that come first", ErrNoData)
	case !o.Baseline.usable() && len(baseline.Members) > 0 && weighsEvidence(check.Judge):
		return nil, fmt.Errorf("%w of the baseline, which they are to be compared with", ErrNoData)
	}
	o.At = at
	o.share(w)
	return &o, nil
}

func (g *Gate) patience(check *Check) time.Duration {
	if check.Timeout > 0 {
		return check.Timeout
	}
	return max(g.Every(), MinTimeout)
}

// history looks up the A/A window.
func (g *Gate) history(ctx context.Context, source Historian, check *Check, canary, baseline Arm, at time.Time) ([]Observation, error) {
	limit := max(g.patience(check), maxHistory)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	length := g.Compare
	if length == 0 {
		length = DefaultCompare
	}
	w := window(canary, baseline, at.Add(-length), at)
	past, err := within(ctx, func() ([]Observation, error) { return source.History(ctx, w, g.Every()) })
	for i := range past {
		past[i].share(w)
	}
	return past, err
}

// watch observes for as long as the A/A window is to be. What goes wrong is an
// observation of nothing, as in a bake.
func (g *Gate) watch(ctx context.Context, check *Check, canary, baseline Arm, from time.Time) (seen []Observation) {
	ticks := time.NewTicker(g.Every())
	defer ticks.Stop()
	end := from.Add(g.Compare)
	last := from
	for {
		select {
		case <-ctx.Done():
			return seen
		case <-ticks.C:
		}
		at := time.Now()
		asking, cancel := context.WithTimeout(ctx, g.patience(check))
		w := window(canary, baseline, last, at)
		o, err := within(asking, func() (Observation, error) { return check.Source.Observe(asking, w) })
		cancel()
		if o.At = at; err != nil {
			o = Observation{At: at, Err: err.Error()}
		} else {
			last = at
		}
		o.share(w)
		if seen = append(seen, o); !at.Before(end) {
			return seen
		}
	}
}

// window is one before the rollout: all members have been what they are all along.
func window(canary, baseline Arm, start, end time.Time) Window {
	since := func(a Arm) Arm {
		members := make([]Member, len(a.Members))
		for i, m := range a.Members {
			m.Since = start
			members[i] = m
		}
		a.Members = members
		return a
	}
	return Window{Start: start, End: end, Canary: since(canary), Baseline: since(baseline)}
}

// within asks a source, and goes on without its answer when ctx is done: one that
// hangs is left behind. It makes an error of a panic.
func within[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type answer struct {
		got T
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("the source panicked: %v", p)
			}
			answers <- a
		}()
		a.got, a.err = ask()
	}()
	select {
	case a := <-answers:
		if a.err != nil && ctx.Err() != nil {
			a.err = fmt.Errorf("%w: %w", context.Cause(ctx), a.err)
		}
		return a.got, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// share fills in what share of the requests the canary should get, if the source has
// not.
func (o *Observation) share(w Window) {
	if o.Share == 0 {
		o.Share = w.Share()
	}
}

// tryJudge has a judge look at what was seen before the rollout: whether it can take
// it, and whether it fails by now. A fault that is over again is none.
func tryJudge(j Judge, arms Calibration, past []Observation, now *Observation) (problem, burns string) {
	if c, ok := j.(Calibrator); ok && !arms.isZero() {
		j = c.Calibrate(arms)
	}
	if now != nil {
		past = append(past[:len(past):len(past)], *now)
	}
	trial := beginUnshared(j)
	for i, o := range past {
		v := judge(trial, o)
		switch {
		case (v.Outcome == Error || v.Outcome == Inconclusive) && i == len(past)-1:
			return v.Reason, ""
		case v.Outcome == Fail:
			burns, trial = v.Reason, beginUnshared(j)
		case v.Blameless:
			burns = v.Reason
		case v.Outcome == Pass:
			burns = ""
		}
	}
	return "", burns
}

// Start takes in what Preflight has learnt. It comes before the first observation.
// What is not one of the gate's checks is left out.
func (e *Evaluation) Start(starts []CheckStart) {
	for i := range e.gate.Checks {
		for _, s := range starts {
			if s.Name != e.gate.Checks[i].Name {
				continue
			}
			if !s.Arms.isZero() {
				e.Calibrate(i, s.Arms)
			}
			if s.Burns != "" {
				e.Burns(i)
			}
		}
	}
}
