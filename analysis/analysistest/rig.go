package analysistest

import (
	"time"

	"github.com/tidegate-go/tidegate/analysis"
)

// A Rig is a source that is ready to be asked, and what can be done to the
// backend that it asks. Each has a backend of its own.
type Rig struct {
	// Source is what is tested. Required.
	Source analysis.Source
	// Window is the first that is asked about. Those after it are as long, and
	// follow without a gap, up to eight. It must have members in both arms, all of
	// them since its Start at the latest. Zero means ten seconds, ten minutes ago,
	// with "canary-1" of v2 and "baseline-1" of v1.
	Window analysis.Window
	// Traffic makes traffic in a window and returns what that is, as the source
	// should see it: such as 3 errors among 100 requests, or a value. It is called
	// before the window is asked about, and not for every window: there must be
	// no other traffic, in particular none for the first. The baseline may be no
	// data, for a source that looks at the canary only. Nil means that there is
	// data all the time, and nobody knows how much.
	Traffic func(w analysis.Window) (canary, baseline analysis.Sample)
	// Break makes the backend fail from now on: with an error, or by going away.
	Break func()
	// Hang makes the backend take questions from now on, and not answer them until
	// the caller has gone. The channel it returns gets a value, or is closed, when
	// the first has come.
	Hang func() (asked <-chan struct{})
}

// window returns the n-th window, from 1.
func (r Rig) window(n int) analysis.Window {
	w := r.Window
	if w.End.IsZero() {
		w = defaultWindow()
	}
	w.Wave = max(1, w.Wave)
	length := w.End.Sub(w.Start)
	w.Start = w.Start.Add(time.Duration(n-1) * length)
	w.End = w.Start.Add(length)
	return w
}

func defaultWindow() analysis.Window {
	start := time.Now().UTC().Truncate(time.Minute).Add(-10 * time.Minute)
	arm := func(version, name string) analysis.Arm {
		return analysis.Arm{Version: version, Members: []analysis.Member{{Name: name, Since: start}}}
	}
	return analysis.Window{
		Start: start, End: start.Add(10 * time.Second), Wave: 1,
		Canary:   arm("v2", "canary-1"),
		Baseline: arm("v1", "baseline-1"),
	}
}

// traffic makes some in a window, if that is possible.
func (r Rig) traffic(w analysis.Window) (made pair) {
	if r.Traffic != nil {
		made.canary, made.baseline = r.Traffic(w)
	}
	return made
}
