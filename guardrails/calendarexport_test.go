package guardrails

import "time"

// Spans returns when a window is, between two moments: beginnings and ends by turns.
func Spans(w Window, from, to time.Time) (all []time.Time, err error) {
	e, err := w.compile()
	if err != nil {
		return nil, err
	}
	for _, s := range e.spans(nil, from, to) {
		all = append(all, s.from.UTC(), s.to.UTC())
	}
	return all, nil
}

// Roughly is roughly.
func Roughly(d time.Duration) string { return roughly(d) }

// NextOpenAt is Calendar.NextOpen at some time, of the windows in the fields.
func NextOpenAt(c *Calendar, at time.Time, long time.Duration) (time.Time, error) {
	set, err := c.compile()
	if err != nil {
		return time.Time{}, err
	}
	line, err := newTimeline(set.open, set.frozen, at)
	if err != nil {
		return time.Time{}, err
	}
	s, _ := line.next(at, long)
	return s.from, nil
}
