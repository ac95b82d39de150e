package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/rollout"
)

// watcher is a rollout.Observer that shows a rollout. It folds the events into
// a State of its own, and so knows all that the runner knows.
type watcher struct {
	screen screen
	bake   time.Duration
	// began is when this process took the rollout up. What happened before was
	// shown by another, and is only taken in.
	began time.Time

	mu       sync.Mutex
	state    rollout.State
	verdict  analysis.Verdict
	lookedAt time.Time // the newest observation
	bakingAt time.Time // the wave's last step is done; zero before

	stopping, stopped chan struct{}
}

// watch shows a rollout until close is called.
func watch(s screen, bake time.Duration) *watcher {
	w := &watcher{screen: s, bake: bake, began: time.Now(), stopping: make(chan struct{}), stopped: make(chan struct{})}
	go w.refresh()
	return w
}

// refresh redraws what changes by itself, such as how long is left.
func (w *watcher) refresh() {
	defer close(w.stopped)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			w.mu.Lock()
			if w.state.Phase() != rollout.Pending {
				w.screen.refresh(w.view(now))
			}
			w.mu.Unlock()
		case <-w.stopping:
			return
		}
	}
}

// close leaves the last picture standing.
func (w *watcher) close() {
	close(w.stopping)
	<-w.stopped
	w.screen.leave()
}

// Observe takes in the next event.
func (w *watcher) Observe(ev rollout.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state.Step(ev) != nil {
		return
	}
	if ev.Kind == rollout.Observed && ev.Check != nil {
		w.verdict, w.lookedAt = ev.Check.Verdict, ev.Check.Observation.At
	}
	switch {
	case w.state.Phase() != rollout.Gating:
		w.bakingAt = time.Time{}
	case w.bakingAt.IsZero() || ev.Kind == rollout.Resumed:
		w.bakingAt = ev.At
	}
	if ev.At.Before(w.began) {
		return
	}
	w.screen.event(w.view(ev.At), ev)
}

// view is a picture of a rollout at one moment: all that a screen shows, and
// nothing that it would have to ask.
type view struct {
	From, To     string
	Phase        rollout.Phase
	Wave, Passed int
	// Waves holds the status of every step.
	Waves           [][]rollout.StepStatus
	Exposed, Fleet  int
	InFlight        []string
	Verdict         analysis.Verdict
	Waits           string
	Failure, Reason string
	Elapsed         time.Duration
}

// view is called with mu held.
func (w *watcher) view(now time.Time) view {
	s := &w.state
	spec, tally := s.Spec(), s.Tally("", "")
	v := view{
		From: spec.From, To: spec.To, Phase: s.Phase(), Wave: s.Wave(), Passed: s.Wave() - 1,
		Exposed: tally.Exposed, Fleet: tally.Targets, Verdict: w.verdict,
		Failure: s.Failure(), Reason: s.Reason(),
	}
	if v.Phase == rollout.Completed {
		v.Passed = len(spec.Waves)
	}
	start, end := w.began, now
	if at := s.Times().Started; at.After(start) {
		start = at
	}
	if v.Phase.Final() {
		end = s.Times().Ended
	}
	v.Elapsed = max(0, end.Sub(start))
	for _, wave := range spec.Waves {
		v.Waves = append(v.Waves, make([]rollout.StepStatus, 0, len(wave.Steps)))
	}
	at := 0
	for id, status := range s.Steps() {
		for len(v.Waves[at]) == len(spec.Waves[at].Steps) {
			at++
		}
		v.Waves[at] = append(v.Waves[at], status)
		if status == rollout.StepDoing || status == rollout.StepUndoing {
			v.InFlight = append(v.InFlight, id)
		}
	}
	v.Waits = w.waits(v, now)
	return v
}

// waits says in words what has to happen before the rollout goes on.
func (w *watcher) waits(v view, now time.Time) string {
	for hold := range w.state.Holds() {
		return strings.TrimPrefix(hold.Key, "guard:") + ": " + hold.Reason
	}
	switch v.Phase {
	case rollout.Deploying:
		return names(v.InFlight) + " to come up with " + v.To
	case rollout.RollingBack:
		return names(v.InFlight) + " to come up with " + v.From
	case rollout.Gating:
		var waits []string
		if rest := w.bakingAt.Add(w.bake).Sub(now); rest > 0 {
			waits = append(waits, fmt.Sprintf("%.1f s more of watching, the least for a wave", rest.Seconds()))
		}
		switch {
		case w.verdict.Outcome != analysis.Pass:
			waits = append(waits, "one of the two bars to fill up")
		case !w.lookedAt.After(w.bakingAt):
			waits = append(waits, "a look at the whole wave")
		}
		if len(waits) == 0 {
			return "the next look"
		}
		return strings.Join(waits, ", and ")
	}
	return "nothing"
}

// names lists a few names, and counts the others.
func names(all []string) string {
	const few = 3
	switch n := len(all); {
	case n == 0:
		return "the next server"
	case n > few:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:few], ", "), n-few)
	case n > 1:
		return strings.Join(all[:n-1], ", ") + " and " + all[n-1]
	}
	return all[0]
}
