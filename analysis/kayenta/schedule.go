package kayenta

import "time"

// Schedule says when a canary is judged, and by which data, if it is judged
// several times. All times are relative to its start.
type Schedule struct {
	// Lifetime is how long the canary runs.
	Lifetime time.Duration
	// Interval is the time between two judgements. Zero, or longer than Lifetime,
	// means Lifetime: one judgement.
	Interval time.Duration
	// Warmup is left out at the start.
	Warmup time.Duration
	// Lookback is how far back a judgement looks. Zero means to the start.
	Lookback time.Duration
	// ControlOffset moves the control's window, and not the experiment's.
	ControlOffset time.Duration
	// Past says that an end time was given, so that the data is there already. There
	// is no Warmup then.
	Past bool
}

// Window is the time that data is taken from.
type Window struct{ Start, End time.Duration }

func (s Schedule) interval() time.Duration {
	if s.Interval <= 0 {
		return s.Lifetime
	}
	return min(s.Interval, s.Lifetime)
}

// Judgements returns how often the canary is judged. What is left of the lifetime
// after the last whole interval is not.
func (s Schedule) Judgements() int {
	if s.Lifetime <= 0 {
		return 0
	}
	return int(s.Lifetime / s.interval())
}

// Windows returns the data that a judgement is made by, counted from 1. It is
// false if there is no such judgement.
func (s Schedule) Windows(judgement int) (experiment, control Window, ok bool) {
	if judgement < 1 || judgement > s.Judgements() {
		return Window{}, Window{}, false
	}
	var w Window
	if !s.Past {
		w.Start = s.Warmup
	}
	w.End = w.Start + time.Duration(judgement)*s.interval()
	if s.Lookback > 0 {
		w.Start = w.End - s.Lookback
	}
	return w, Window{w.Start + s.ControlOffset, w.End + s.ControlOffset}, true
}
